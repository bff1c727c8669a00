"""The records in Redis, with core commands and Lua alone. All keys stand under one prefix with one hash tag."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.shared_redis import SharedRedis
from bot.storage.redis.agents import RedisAgents
from bot.storage.redis.audit import RedisAudit
from bot.storage.redis.census import RedisCensus
from bot.storage.redis.changes import RedisChanges
from bot.storage.redis.connection import MAX_QUEUE_SECONDS, PREFIX, blocking, client
from bot.storage.redis.database import Database
from bot.storage.redis.inboxes import RedisInboxes
from bot.storage.redis.leases import RedisLeases
from bot.storage.redis.messages import RedisMessages
from bot.storage.redis.requests import RedisRequests
from bot.storage.redis.tasks import RedisTasks
from bot.storage.redis.tokens import RedisTokens
from bot.storage.redis.troubles import RedisTroubles
from bot.storage.redis.webhooks import RedisWebhooks

__all__ = ["PREFIX", "RedisStorage", "client"]

MAX_WAIT: Final = timedelta(seconds=MAX_QUEUE_SECONDS)


class RedisStorage(
    RedisChanges,
    RedisTasks,
    RedisRequests,
    RedisMessages,
    RedisInboxes,
    RedisAgents,
    RedisTokens,
    RedisWebhooks,
    RedisTroubles,
    RedisAudit,
    RedisLeases,
    RedisCensus,
):
    """`Storage` for any number of processes: its parts are one module each."""

    def __init__(
        self,
        redis: SharedRedis,
        prefix: str = PREFIX,
        max_wait: timedelta = MAX_WAIT,
        telemetry: Telemetry = SILENT,
    ) -> None:
        """`max_wait` is how long a change waits for its turn at the audit log before it raises `Unreachable`."""
        self._db = Database(redis, prefix, max_wait, telemetry)
        self._blocking = blocking(redis)

    async def close(self) -> None:
        await self._db.close()
        self._blocking.close()
