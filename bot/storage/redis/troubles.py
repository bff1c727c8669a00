"""Troubles in Redis, and how far the audit log was verified."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, cast

from bot.approvals.model.audit import Head
from bot.approvals.model.errors import Conflict
from bot.approvals.model.trouble import Trouble
from bot.storage.codec import encode
from bot.storage.redis import scripts, steps
from bot.storage.redis.database import Database, reachable

_INDEX: Final = "troubles"


class RedisTroubles:
    """`TroubleStore` on Redis."""

    _db: Database

    async def troubles(self, limit: int) -> tuple[Trouble, ...]:
        with reachable():
            ids = await self._db.redis.zrange(self._db.prefix + _INDEX, 0, limit - 1)
        return await self._db.records(Trouble, "trouble", cast("list[str]", ids))

    async def save_trouble(self, trouble: Trouble) -> Trouble:
        saved, db, id = replace(trouble, revision=trouble.revision + 1), self._db, _id(trouble)
        key = db.key("trouble", id)
        done = await db.change(
            [["revision", key, str(trouble.revision)] if trouble.revision else ["absent", key]],
            [
                ["call", "HSET", key, "revision", str(saved.revision), "body", encode(saved)],
                steps.at(db, _INDEX, id, saved.since),
            ],
        )
        if not done:
            raise Conflict(f"{trouble.kind} {trouble.subject}")
        return saved

    async def remove_trouble(self, trouble: Trouble) -> None:
        id = _id(trouble)
        if not await self._db.run(scripts.REMOVE, f"trouble:{id}", str(trouble.revision), _INDEX, id):
            raise Conflict(f"{trouble.kind} {trouble.subject}")

    async def verified(self) -> Head | None:
        text = await self._db.body("verified", "log")
        return None if text is None else Head.read(text)

    async def save_verified(self, head: Head) -> None:
        await self._db.change([], [["call", "HSET", self._db.key("verified", "log"), "body", str(head)]])


def _id(trouble: Trouble) -> str:
    return f"{trouble.kind}:{trouble.subject}"
