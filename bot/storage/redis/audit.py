"""The audit log in Redis.

The texts of a task's events are a list, `history:<task>`. The list `chain` holds the log in its order: each entry's
digest, link, place in the history of its task, and task. `entries` counts what was ever added.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Any, Final, cast

from bot.approvals.model.audit import GENESIS, AuditEvent, Entry, Head
from bot.approvals.model.facts import Recorded
from bot.approvals.model.ids import RequestId, TaskId
from bot.storage import codec
from bot.storage.codec import decode
from bot.storage.redis import scripts
from bot.storage.redis.database import Database


class RedisAudit:
    """`AuditStore` on Redis."""

    _db: Database

    async def record(self, event: AuditEvent) -> None:
        await self._db.change([], events=[Recorded(entry=event)])

    async def history(self, task_id: TaskId, request_id: RequestId | None = None) -> tuple[AuditEvent, ...]:
        with self._db.reachable():
            key = self._db.key("history", task_id)
            bodies = await cast("Awaitable[list[str]]", self._db.redis.lrange(key, 0, -1))
        events = (decode(AuditEvent, body) for body in bodies if body)
        return tuple(event for event in events if request_id is None or event.request_id == request_id)

    async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
        found = await self._undecoded("EVAL", scripts.TRAIL, 1, self._db.prefix, after, limit)
        return tuple(_entry(number, linked, body) for number, (linked, body) in enumerate(found, start=after + 1))

    async def head(self) -> Head:
        count, last = await self._undecoded("EVAL", scripts.HEAD, 1, self._db.prefix)
        return Head(number=int(count or 0), link=GENESIS if last is None else _entry(0, last, None).link)

    async def is_purged(self, task_id: TaskId) -> bool:
        bodies = await self._undecoded("LRANGE", self._db.key("history", task_id), 0, -1)
        return any(codec.tells_of_purge(body) for body in bodies)

    async def _undecoded(self, *command: str | int) -> list[Any]:
        """The reply as bytes, because an entry that was altered need not be text."""
        with self._db.reachable():
            reply: list[Any] = await self._db.redis.execute_command(*command, NEVER_DECODE=True)
        return reply


_LINKED: Final = re.compile(rb"([0-9a-f]{64}) ([0-9a-f]{64}) (?:0|[1-9][0-9]*) (.*)", re.DOTALL)
"""An entry of the list `chain`."""


def _entry(number: int, linked: bytes, body: bytes | None) -> Entry:
    found = _LINKED.fullmatch(linked)
    digest, link, task_id = found.groups() if found else (b"", b"", b"")
    return Entry(
        number=number,
        task_id=task_id.decode(errors="replace"),
        body=body,
        digest=digest.decode(),
        link=link.decode(),
    )
