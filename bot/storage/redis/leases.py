"""Leases in Redis."""

from __future__ import annotations

import secrets
from collections.abc import Collection
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

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime, owner: str = "") -> Lease | None:
        until = now + ttl
        call = secrets.token_hex(8)
        token = int(await self._db.run(scripts.LEASE, thread_id, moment(until), moment(now), call, owner))
        return Lease(thread_id=thread_id, token=token, until=until, owner=owner) if token else None

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        renewed = replace(lease, until=now + ttl)
        with reachable():
            arguments = [lease.thread_id, str(lease.token), moment(now), moment(renewed.until)]
            held = self._blocking.register_script(scripts.HELD)(keys=[self._db.prefix], args=arguments)
        return renewed if held else None

    async def release(self, lease: Lease) -> None:
        await self._db.run(scripts.HELD, lease.thread_id, str(lease.token), moment(lease.until), "release")

    async def drop(self, thread_id: ThreadId, owner: str) -> None:
        await self._db.run(scripts.DROP, thread_id, owner)

    async def holds(self, lease: Lease, now: datetime) -> bool:
        return bool(await self._db.run(scripts.HELD, lease.thread_id, str(lease.token), moment(now), ""))

    def beat(self, owners: Collection[str], ttl: timedelta, now: datetime) -> None:
        with reachable():
            beat = self._blocking.register_script(scripts.BEAT)
            beat(keys=[self._db.prefix], args=[moment(now + ttl), *owners])

    async def owners(self, now: datetime | None = None) -> frozenset[str]:
        with self._db.reachable():
            found = await self._db.redis.zrangebyscore(
                self._db.prefix + "owners", "-inf", "+inf" if now is None else moment(now)
            )
        return frozenset(map(str, found))

    async def void(self, owner: str) -> None:
        await self._db.run(scripts.VOID, owner)
