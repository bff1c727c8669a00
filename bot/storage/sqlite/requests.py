"""Requests in the SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import Person, RequestId, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Request
from bot.approvals.ports.storage import Change
from bot.storage import lists
from bot.storage.codec import decode
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.changes import make
from bot.storage.sqlite.database import Database


class SqliteRequests:
    """`RequestStore` on SQLite."""

    _db: Database

    async def open_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        opened = replace(request, revision=0)

        def change(db: sqlite3.Connection) -> Request:
            earlier = db.execute(
                "SELECT body FROM requests WHERE thread_id = :thread_id AND interrupt_id = :interrupt_id",
                {"thread_id": opened.thread_id, "interrupt_id": opened.interrupt_id},
            ).fetchone()
            if earlier is not None:
                return decode(Request, earlier[0])
            make(db, [Change(record=opened, event=event, messages=messages, opens=True)])
            return opened

        return await self._db.change(change)

    async def request(self, id: RequestId) -> Request:
        found = await self._db.records(Request, "SELECT body FROM requests WHERE id = :id", id=id)
        if not found:
            raise NotFound("request", id)
        return found[0]

    async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
        sql = "SELECT body FROM requests WHERE task_id = :task_id ORDER BY seq"
        return await self._db.records(Request, sql, task_id=task_id)

    async def save_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        change = Change(record=request, event=event, messages=messages)
        await self._db.change(lambda db: make(db, [change]))
        return replace(request, revision=request.revision + 1)

    async def due(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._db.records(Request, schema.DUE, now=rows.moment(now), limit=limit)

    async def undelivered(self, now: datetime, limit: int, *, elsewhere: bool = False) -> tuple[Request, ...]:
        due = rows.moment(now)
        return await self._db.records(Request, schema.UNDELIVERED, now=due, limit=limit, elsewhere=elsewhere)

    async def unsettled(self, *, elsewhere: bool = False) -> tuple[TaskId, ...]:
        found = await self._db.many_rows(schema.UNSETTLED, {"elsewhere": elsewhere})
        return tuple(TaskId(task_id) for (task_id,) in found)

    async def newest_unsettled(
        self, limit: int, *, before: tuple[datetime, RequestId] | None = None
    ) -> tuple[Request, ...]:
        at, id = (rows.moment(before[0]), before[1]) if before else (rows.NEVER, "")
        return await self._db.records(Request, schema.NEWEST_UNSETTLED, at=at, id=id, limit=limit)

    async def request_ids(self, prefix: str, limit: int) -> tuple[RequestId, ...]:
        wanted = {"prefix": prefix, "end": prefix + rows.LAST, "limit": limit}
        return tuple(RequestId(str(id)) for (id,) in await self._db.rows(schema.REQUEST_IDS, wanted))

    async def waiting_for(self, refs: Collection[str], limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.waiting_for(ref) for ref in refs], limit)

    async def doubtful(self, after: tuple[datetime, RequestId] | None, limit: int) -> tuple[Request, ...]:
        return await self._db.records(Request, schema.DOUBTFUL, **rows.place(after), limit=limit)

    async def answered_by(self, person: Person, limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.answered_by(person)], limit)

    async def _listed(self, named: Sequence[str], limit: int) -> tuple[Request, ...]:
        return await self._db.records(Request, schema.LISTED, lists=json.dumps(named), limit=limit)
