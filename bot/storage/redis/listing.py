"""Lists of all records in Redis: page by page from the indexes by time, and by the beginnings of ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Failed, Task
from bot.storage.redis import steps
from bot.storage.redis.database import Database, moment

PAGE: Final = 100
"""Ids that a list reads at least at once: some may be of records that are not wanted."""
_AT_ONCE: Final = 500
"""Records that are put into the indexes at once."""
_COMPLETE: Final = "lists_complete"
"""The key that says that the indexes hold everything."""

Found = TypeVar("Found", Task, Request)


async def newest(
    db: Database,
    cls: type[Found],
    kind: str,
    index: str,
    limit: int,
    *,
    place: Callable[[Found], tuple[datetime, str]],
    wanted: Callable[[Found], bool],
    read: Callable[[str], bool] = lambda _: True,
    before: tuple[datetime, str] | None = None,
    since: datetime | None = None,
) -> list[Found]:
    """The newest records of an index by time that are wanted, and those of the same moment by id: with `before`, only
    those whose place comes after it. Records whose ids `read` refuses are not read."""
    key = db.prefix + index
    most, least = moment(before[0]) if before else "+inf", moment(since) if since else "-inf"
    found: dict[str, Found] = {}
    offset, page = 0, max(limit + 1, PAGE)
    while len(found) < limit:
        with db.reachable():
            ids = cast("list[str]", await db.redis.zrevrangebyscore(key, most, least, start=offset, num=page))
        for record in await db.records(cls, kind, [id for id in ids if read(id)]):
            if (before is None or place(record) < before) and wanted(record):
                found[record.id] = record
        if len(ids) < page:
            break
        offset += page
    return list(found.values())[:limit]


async def beginning_with(db: Database, index: str, prefix: str, limit: int) -> list[str]:
    """The first ids of an index of ids that begin with this text."""
    with db.reachable():
        found: Any = await db.redis.zrangebylex(
            db.prefix + index, f"[{prefix}", f"[{prefix}\U0010ffff", start=0, num=limit
        )
    return list(found)


async def complete(db: Database) -> None:
    """Put the records into the indexes that earlier versions stored, which had none of them. Done once in the life of a
    store; a record that ends or is removed meanwhile is told apart when it is read."""
    with db.reachable():
        if await db.redis.exists(db.prefix + _COMPLETE):
            return
    for kind in ("task", "request"):
        with db.reachable():
            some: list[str] = []
            async for key in db.redis.scan_iter(match=literal(db.key(kind, "")) + "*", count=1000):
                some.append(str(key).removeprefix(db.key(kind, "")))
                if len(some) == _AT_ONCE:
                    await _index(db, kind, some)
                    some = []
            await _index(db, kind, some)
    with db.reachable():
        await db.redis.set(db.prefix + _COMPLETE, "1")


def literal(text: str) -> str:
    """The text as a pattern that matches nothing else."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


async def _index(db: Database, kind: str, ids: list[str]) -> None:
    placed: dict[str, dict[str, str]] = {}
    if kind == "task":
        for task in await db.records(Task, "task", ids):
            at = moment(task.created_at)
            placed.setdefault(steps.TASKS, {})[task.id] = at
            placed.setdefault(steps.TASK_IDS, {})[task.id] = "0"
            if not task.finished:
                placed.setdefault(steps.OPEN_TASKS, {})[task.id] = at
            if isinstance(task.state, Failed):
                placed.setdefault(steps.FAILED_TASKS, {})[task.id] = at
    else:
        for request in await db.records(Request, "request", ids):
            placed.setdefault(steps.REQUEST_IDS, {})[request.id] = "0"
            if isinstance(request.state, Pending | Decided):
                placed.setdefault("unsettled", {})[request.id] = moment(request.opened_at)
    for index, scores in placed.items():
        await db.redis.zadd(db.prefix + index, cast("dict[str, float]", scores), nx=True)
