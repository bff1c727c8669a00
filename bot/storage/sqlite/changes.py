"""Changes of tasks and requests in the SQLite file, one or several in a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from bot.approvals.model.errors import Conflict
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Change
from bot.storage.sqlite import rows
from bot.storage.sqlite.database import Database


class SqliteChanges:
    """`ChangeStore` on SQLite."""

    _db: Database

    async def save_all(self, changes: Sequence[Change], *, durable: bool = True) -> None:
        await self._db.change(lambda db: make(db, changes), durable=durable)


def make(db: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """Make these changes within a transaction. Raises `Conflict`, and the transaction must then be rolled back."""
    for change in changes:
        _write(db, change)
        if change.event is not None:
            rows.add_event(db, change.event, change.record)
        rows.add_messages(db, change.messages)
        rows.add_webhooks(db, change.webhooks)
    records = [change.record for change in changes]
    for id in dict.fromkeys(record.id for record in records if isinstance(record, Request)):
        rows.compare_of_request(db, id)
    for task_id in dict.fromkeys(each.id if isinstance(each, Task) else each.task_id for each in records):
        rows.compare_of_task(db, task_id)


def _write(db: sqlite3.Connection, change: Change) -> None:
    match change.record:
        case Task() as task:
            written = db.execute(_SAVE_TASK, rows.of_task(replace(task, revision=task.revision + 1)))
        case Request() as request if change.opens:
            request = replace(request, revision=0)
            more = {
                "task_id": request.task_id,
                "thread_id": request.thread_id,
                "interrupt_id": request.interrupt_id,
            }
            written = db.execute(_OPEN_REQUEST, {**rows.of_request(request), **more})
            if written.rowcount:
                rows.put_on_lists(db, request)
        case Request() as request:
            request = replace(request, revision=request.revision + 1)
            moved = {"interrupt_id": request.interrupt_id if change.moves else None}
            written = db.execute(_SAVE_REQUEST, {**rows.of_request(request), **moved})
            if written.rowcount:
                rows.put_on_lists(db, request)
        case record:
            assert_never(record)
    if not written.rowcount:
        raise Conflict(change.record.id)


_SAVE_TASK = """
    UPDATE tasks SET state = :state, ended_at = :ended_at, failed_at = :failed_at, revision = :revision, body = :body,
        forgotten = forgotten AND :ended_at IS NOT NULL
    WHERE id = :id AND revision = :revision - 1
"""
_OPEN_REQUEST = """
    INSERT INTO requests (
        id, task_id, thread_id, interrupt_id, state, due_at, next_try, graph, opened_at, settled_at, doubtful_since,
        revision, body
    ) VALUES (
        :id, :task_id, :thread_id, :interrupt_id, :state, :due_at, :next_try, :graph, :opened_at, :settled_at,
        :doubtful_since, :revision, :body
    )
    ON CONFLICT DO NOTHING
"""
_SAVE_REQUEST = """
    UPDATE OR IGNORE requests SET state = :state, due_at = :due_at, next_try = :next_try, graph = :graph,
        opened_at = :opened_at, settled_at = :settled_at, doubtful_since = :doubtful_since, revision = :revision,
        body = :body, interrupt_id = COALESCE(:interrupt_id, interrupt_id)
    WHERE id = :id AND revision = :revision - 1
"""
