"""The catalog of agents in Redis."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from bot.approvals.model.catalog import Catalog
from bot.storage.codec import decode, encode
from bot.storage.redis.database import Database


class RedisAgents:
    """`AgentStore` on Redis: one hash, so that the digest can be read alone."""

    _db: Database

    async def publish(self, catalog: Catalog) -> None:
        key = self._db.prefix + "catalog"
        await self._db.change([], [["call", "HSET", key, "digest", catalog.digest, "body", encode(catalog)]])

    async def published(self, *, known: str = "") -> Catalog | None:
        key = self._db.prefix + "catalog"
        if known:
            with self._db.reachable():
                digest = await cast("Awaitable[str | None]", self._db.redis.hget(key, "digest"))
            if digest == known:
                return None
        with self._db.reachable():
            body = await cast("Awaitable[str | None]", self._db.redis.hget(key, "body"))
        return None if body is None else decode(Catalog, body)
