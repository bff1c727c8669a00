"""Tasks in the SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.ids import ChannelId, Person, Program, TaskId, Ts
from bot.approvals.model.message import Message
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Among, Change, Records
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.changes import make
from bot.storage.sqlite.database import Database


class SqliteTasks:
    """`TaskStore` on SQLite."""

    _db: Database

    async def create_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> None:
        task = replace(task, revision=0)

        def change(db: sqlite3.Connection) -> None:
            inserted = db.execute(
                """
                INSERT INTO tasks (
                    id, thread_id, team_id, user_id, source, created_at, slack_thread, state, ended_at, failed_at,
                    revision, body
                ) VALUES (
                    :id, :thread_id, :team_id, :user_id, :source, :created_at, :slack_thread, :state, :ended_at,
                    :failed_at, :revision, :body
                )
                ON CONFLICT DO NOTHING
                """,
                {
                    **rows.of_task(task),
                    "thread_id": task.thread_id,
                    **_account(task.requester),
                    "source": task.caller.source if task.caller else None,
                    "created_at": rows.moment(task.created_at),
                    "slack_thread": f"{task.channel}:{task.thread_ts}" if task.thread_ts else None,
                },
            )
            if inserted.rowcount:
                rows.add_event(db, event, task)
                rows.add_messages(db, messages)
            elif db.execute("SELECT 1 FROM tasks WHERE id = :id", {"id": task.id}).fetchone() is None:
                raise Conflict(task.thread_id)

        await self._db.change(change)

    async def task(self, id: TaskId) -> Task:
        found = await self._db.records(Task, "SELECT body FROM tasks WHERE id = :id", id=id)
        if not found:
            raise NotFound("task", id)
        return found[0]

    async def records_of(self, task_id: TaskId) -> Records:
        read = self._db.reader.read
        found = await self._db.rows(schema.RECORDS, {"id": task_id})
        tasks = [read(Task, body) for kind, _, body in found if kind == "task"]
        if not tasks:
            raise NotFound("task", task_id)
        return Records(
            task=tasks[0],
            requests=tuple(read(Request, body) for kind, _, body in found if kind == "request"),
            messages=tuple(read(Message, body) for kind, _, body in found if kind == "message"),
        )

    async def revisions(self, ids: Collection[TaskId]) -> Mapping[TaskId, int]:
        found = await self._db.rows(schema.REVISIONS, {"ids": json.dumps(list(ids))})
        return {TaskId(str(id)): int(revision) for id, revision in found}

    async def save_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> Task:
        change = Change(record=task, event=event, messages=messages)
        await self._db.change(lambda db: make(db, [change]))
        return replace(task, revision=task.revision + 1)

    async def tasks_of(self, requester: Person, limit: int) -> tuple[Task, ...]:
        return await self._db.records(
            Task,
            """
            SELECT body FROM tasks WHERE team_id = :team_id AND user_id = :user_id
            ORDER BY created_at DESC, seq DESC LIMIT :limit
            """,
            team_id=requester.team_id,
            user_id=requester.user_id,
            limit=limit,
        )

    async def tasks_in(self, channel: ChannelId, thread_ts: Ts) -> tuple[Task, ...]:
        sql = "SELECT body FROM tasks WHERE slack_thread = :slack_thread ORDER BY seq"
        return await self._db.records(Task, sql, slack_thread=f"{channel}:{thread_ts}")

    async def tasks_from(
        self,
        sources: Collection[str],
        limit: int,
        *,
        before: tuple[datetime, TaskId] | None = None,
        ended: bool | None = None,
        callers: bool | None = None,
    ) -> tuple[Task, ...]:
        at, id = (rows.moment(before[0]), before[1]) if before else (rows.NEVER, "")
        found: list[Task] = []
        for source in sorted({*sources}):
            given = {"source": source, "at": at, "id": id, "callers": callers, "limit": limit}
            found += await self._db.records(Task, schema.FROM[ended], **given)
        return tuple(sorted(found, key=lambda task: (task.created_at, task.id), reverse=True)[:limit])

    async def newest(
        self,
        limit: int,
        *,
        before: tuple[datetime, TaskId] | None = None,
        since: datetime | None = None,
        among: Among = Among.ALL,
        graph: str | None = None,
    ) -> tuple[Task, ...]:
        at, id = (rows.moment(before[0]), before[1]) if before else (rows.NEVER, "")
        wanted = {"at": at, "id": id, "since": rows.moment(since) if since else -rows.NEVER, "graph": graph}
        return await self._db.records(Task, schema.NEWEST[among], **wanted, limit=limit)

    async def task_ids(self, prefix: str, limit: int) -> tuple[TaskId, ...]:
        wanted = {"prefix": prefix, "end": prefix + rows.LAST, "limit": limit}
        return tuple(TaskId(str(id)) for (id,) in await self._db.rows(schema.TASK_IDS, wanted))

    async def orphans(self, now: datetime, limit: int, *, elsewhere: bool = False) -> tuple[Task, ...]:
        return await self._db.records(Task, schema.ORPHANS, now=rows.moment(now), limit=limit, elsewhere=elsewhere)

    async def failed_tasks(self, after: tuple[datetime, TaskId] | None, limit: int) -> tuple[Task, ...]:
        return await self._db.records(Task, schema.FAILED, **rows.place(after), limit=limit)

    async def ended(self, before: datetime, limit: int, *, forgotten: bool) -> tuple[Task, ...]:
        return await self._db.records(Task, schema.ENDED, before=rows.moment(before), limit=limit, forgotten=forgotten)

    async def forget(self, task_id: TaskId, event: AuditEvent) -> None:
        def change(db: sqlite3.Connection) -> None:
            marked = db.execute(
                "UPDATE tasks SET forgotten = 1 WHERE id = :id AND ended_at IS NOT NULL AND NOT forgotten",
                {"id": task_id},
            )
            if marked.rowcount:
                rows.add_event(db, event)

        await self._db.change(change)

    async def purge(self, task_id: TaskId, event: AuditEvent) -> None:
        def change(db: sqlite3.Connection) -> None:
            ended = db.execute(
                "SELECT thread_id FROM tasks WHERE id = :id AND ended_at IS NOT NULL", {"id": task_id}
            ).fetchall()
            for (thread_id,) in ended:
                db.execute("DELETE FROM surfaces WHERE task_id = :id", {"id": task_id})
                db.execute(
                    "DELETE FROM lists WHERE request_id IN (SELECT id FROM requests WHERE task_id = :id)",
                    {"id": task_id},
                )
                db.execute("DELETE FROM webhooks WHERE task_id = :id", {"id": task_id})
                db.execute("DELETE FROM requests WHERE task_id = :id", {"id": task_id})
                db.execute("DELETE FROM tasks WHERE id = :id", {"id": task_id})
                db.execute("UPDATE events SET body = '', request_id = NULL WHERE task_id = :id", {"id": task_id})
                rows.add_event(db, event)
                db.execute("DELETE FROM leases WHERE thread_id = :thread_id", {"thread_id": thread_id})

        await self._db.change(change)


def _account(requester: Person | Program) -> dict[str, str]:
    """The columns that say whose task it is. They are empty for a program's, so that no person has it."""
    if isinstance(requester, Program):
        return {"team_id": "", "user_id": ""}
    return {"team_id": requester.team_id, "user_id": requester.user_id}
