"""Lists of all records in Redis: page by page from the indexes by time, and by the beginnings of ids."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Ended, Failed, Task, TaskCancelled
from bot.approvals.rules import troubles
from bot.storage.codec import decode
from bot.storage.redis import steps
from bot.storage.redis.database import Database, moment

PAGE: Final = 100
"""Ids that a list reads at least at once: some may be of records that are not wanted."""
_AT_ONCE: Final = 500
"""Records that are put into the indexes at once."""
_COMPLETE: Final = "indexes_complete"
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
    store; a record that ends or is removed meanwhile is told apart when it is read. It goes on if whoever waits for it
    gives up."""
    if db.is_complete:
        return
    with db.reachable():
        db.is_complete = bool(await db.redis.exists(db.prefix + _COMPLETE))
    if not db.is_complete:
        if db.completing is None or db.completing.done():
            db.completing = asyncio.create_task(_complete(db), name="indexes of what earlier versions stored")
            db.completing.add_done_callback(_noted)
        await asyncio.shield(db.completing)
        db.is_complete = True


def literal(text: str) -> str:
    """The text as a pattern that matches nothing else."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


async def _complete(db: Database) -> None:
    for kind in _INDEXES_OF:
        with db.reachable():
            some: list[str] = []
            async for key in db.redis.scan_iter(match=literal(db.key(kind, "")) + "*", count=1000):
                some.append(str(key).removeprefix(db.key(kind, "")))
                if len(some) >= _AT_ONCE:
                    await _index(db, kind, some)
                    some = []
            await _index(db, kind, some)
    with db.reachable():
        await db.redis.set(db.prefix + _COMPLETE, "1")


def _noted(completing: asyncio.Task[None]) -> None:
    """Whoever asks next begins again, and is told if that fails."""
    if not completing.cancelled():
        completing.exception()


async def _index(db: Database, kind: str, ids: list[str]) -> None:
    """Put these records into the indexes. Only what the indexes need of a record is read: there may be very many."""
    async with db.redis.pipeline(transaction=False) as pipeline:
        for id in ids:
            pipeline.hget(db.key(kind, id), "body")
        bodies = await pipeline.execute()
    placed: dict[str, dict[str, str]] = {}
    for id, body in zip(ids, bodies, strict=True):
        if body is not None:
            await asyncio.sleep(0)  # approvals go first
            for index, score in _INDEXES_OF[kind](body):
                placed.setdefault(index, {})[id] = score
    for index, scores in placed.items():
        await db.redis.zadd(db.prefix + index, cast("dict[str, float]", scores), nx=True)


def _of_task(body: str) -> Iterator[tuple[str, str]]:
    """The indexes that a task belongs into, with its place in each."""
    record = json.loads(body)
    at, state = moment(datetime.fromisoformat(record["created_at"])), record["state"]
    yield steps.TASK_IDS, "0"
    yield steps.TASKS, at
    if state["type"] == Failed.__name__:
        yield steps.FAILED_TASKS, at
        if state["retryable"]:
            yield steps.FAILED, moment(datetime.fromisoformat(state["failure"]["at"]))
    if state["type"] not in _OVER and state.get("retryable", True):
        yield steps.OPEN_TASKS, at


def _of_request(body: str) -> Iterator[tuple[str, str]]:
    """The indexes that a request belongs into, with its place in each."""
    record = json.loads(body)
    yield steps.REQUEST_IDS, "0"
    if record["state"]["type"] in _UNSETTLED:
        at = moment(datetime.fromisoformat(record["opened_at"]))
        yield "unsettled", at
        if troubles.is_doubtful(decode(Request, body)):
            yield steps.DOUBTFUL, at


def _of_webhook(body: str) -> Iterator[tuple[str, str]]:
    """The index that a webhook belongs into if it was given up, with its place there."""
    record = json.loads(body)
    if record["next_try"] is None and record.get("delivered_at") is None:
        yield steps.WEBHOOKS_GIVEN_UP, moment(datetime.fromisoformat(record["created_at"]))


_INDEXES_OF: Final[Mapping[str, Callable[[str], Iterator[tuple[str, str]]]]] = {
    "task": _of_task,
    "request": _of_request,
    "webhook": _of_webhook,
}
"""What puts each kind of record into the indexes of today."""
