"""Changes of tasks and requests in Redis, one or several in a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from bot.approvals.model.errors import Conflict
from bot.approvals.model.facts import Recorded
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Change
from bot.storage.redis import steps
from bot.storage.redis.database import Database, Step


class RedisChanges:
    """`ChangeStore` on Redis."""

    _db: Database

    async def save_all(self, changes: Sequence[Change], *, durable: bool = True) -> None:  # noqa: ARG002
        if not await make(self._db, changes):
            raise Conflict(", ".join(dict.fromkeys(change.record.id for change in changes)))


async def make(db: Database, changes: Sequence[Change]) -> bool:
    """Make these changes in one script. Returns False, and changes nothing, if one of them is a conflict."""
    first = {change.record.id: change for change in reversed(changes)}
    messages = [message for change in changes for message in change.messages]
    webhooks = [webhook for change in changes for webhook in change.webhooks]
    return await db.change(
        [
            *(guard for change in first.values() for guard in _guards(db, change)),
            *(_unasked(db, change.record) for change in changes if change.moves and isinstance(change.record, Request)),
            *steps.absent(db, messages, webhooks),
        ],
        [
            *(step for change in changes for step in _steps(db, change)),
            *(["compare_all", db.key("surfaces_by", owner)] for owner in _owners(changes)),
            *steps.new_messages(db, messages),
            *steps.new_webhooks(db, webhooks),
        ],
        events=[Recorded(entry=change.event, about=change.record) for change in changes if change.event is not None],
    )


def _guards(db: Database, change: Change) -> list[Step]:
    """What must be so before the first change of a record."""
    match change.record:
        case Task(id=id, revision=revision):
            return [["revision", db.key("task", id), str(revision)]]
        case Request(id=id) as request if change.opens:
            return [["absent", db.key("request", id)], _unasked(db, request)]
        case Request(id=id, revision=revision):
            return [["revision", db.key("request", id), str(revision)]]
        case record:
            assert_never(record)


def _unasked(db: Database, request: Request) -> Step:
    """That no request belongs to the interrupt yet."""
    return ["unasked", db.key("interrupts", request.thread_id), request.interrupt_id]


def _steps(db: Database, change: Change) -> Iterator[Step]:
    match change.record:
        case Task() as task:
            yield from steps.of_task(db, replace(task, revision=task.revision + 1))
        case Request() as request if change.opens:
            yield from steps.of_request(db, replace(request, revision=0))
            yield ["call", "HSET", db.key("interrupts", request.thread_id), request.interrupt_id, request.id]
            yield ["number", db.key("requests_of", request.task_id), request.id]
            yield steps.by_id(db, steps.REQUEST_IDS, request.id)
        case Request() as request:
            yield from steps.of_request(db, replace(request, revision=request.revision + 1))
            if change.moves:
                yield ["moved", db.key("interrupts", request.thread_id), request.interrupt_id, request.id]
        case record:
            assert_never(record)


def _owners(changes: Sequence[Change]) -> dict[str, None]:
    """The records whose messages may be out of date now."""
    owners: dict[str, None] = {}
    for change in changes:
        if isinstance(change.record, Request):
            owners[f"request:{change.record.id}"] = None
    for change in changes:
        task_id = change.record.id if isinstance(change.record, Task) else change.record.task_id
        owners[f"task:{task_id}"] = None
    return owners
