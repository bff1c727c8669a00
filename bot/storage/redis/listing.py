"""Lists of all records in Redis: page by page from the indexes by time, and by the beginnings of ids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Ended, Failed, Task, TaskCancelled
from bot.storage.redis import steps
from bot.storage.redis.database import Database, moment

PAGE: Final = 100
"""Ids that a list reads at least at once: some may be of records that are not wanted."""
_AT_ONCE: Final = 500
"""Records that are put into the indexes at once."""
_COMPLETE: Final = "lists_complete"
"""The key that says that the indexes hold everything."""

_OVER: Final = (Ended.__name__, TaskCancelled.__name__)
_UNSETTLED: Final = (Pending.__name__, Decided.__name__)

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
    """Put these records into the indexes. Only what the indexes need of a record is read: there may be very many."""
    async with db.redis.pipeline(transaction=False) as pipeline:
        for id in ids:
            pipeline.hget(db.key(kind, id), "body")
        bodies = await pipeline.execute()
    placed: dict[str, dict[str, str]] = {}
    for id, body in zip(ids, bodies, strict=True):
        if body is not None:
            for index, score in (_of_task if kind == "task" else _of_request)(json.loads(body)):
                placed.setdefault(index, {})[id] = score
    for index, scores in placed.items():
        await db.redis.zadd(db.prefix + index, cast("dict[str, float]", scores), nx=True)


def _of_task(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The indexes that a task belongs into, with its place in each."""
    at, state = moment(datetime.fromisoformat(record["created_at"])), record["state"]
    yield steps.TASK_IDS, "0"
    yield steps.TASKS, at
    if state["type"] == Failed.__name__:
        yield steps.FAILED_TASKS, at
    if state["type"] not in _OVER and state.get("retryable", True):
        yield steps.OPEN_TASKS, at


def _of_request(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The indexes that a request belongs into, with its place in each."""
    yield steps.REQUEST_IDS, "0"
    if record["state"]["type"] in _UNSETTLED:
        yield "unsettled", moment(datetime.fromisoformat(record["opened_at"]))
