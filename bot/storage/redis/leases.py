"""Leases in Redis."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from redis import Redis as BlockingRedis

from bot.approvals.model.ids import ThreadId
from bot.approvals.model.task import Lease
from bot.storage.redis import scripts
from bot.storage.redis.database import Database, moment, reachable


class RedisLeases:
    """`LeaseStore` on Redis."""

    _db: Database
    _blocking: BlockingRedis

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime) -> Lease | None:
        until = now + ttl
        token = int(await self._db.run(scripts.LEASE, thread_id, moment(until), moment(now), secrets.token_hex(8)))
        return Lease(thread_id=thread_id, token=token, until=until) if token else None

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        renewed = replace(lease, until=now + ttl)
        with reachable():
            arguments = [lease.thread_id, str(lease.token), moment(now), moment(renewed.until)]
            held = self._blocking.register_script(scripts.HELD)(keys=[self._db.prefix], args=arguments)
        return renewed if held else None

    async def release(self, lease: Lease) -> None:
        await self._db.run(scripts.HELD, lease.thread_id, str(lease.token), moment(lease.until), "release")

    async def holds(self, lease: Lease, now: datetime) -> bool:
        return bool(await self._db.run(scripts.HELD, lease.thread_id, str(lease.token), moment(now), ""))
