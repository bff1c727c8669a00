"""The records in one SQLite file: `bot.approvals.ports.Storage` where no Redis is configured.

One connection serves a process, one verb at a time; several processes may share the file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.approvals.model.audit import GENESIS, AuditEvent, Entry, Head
from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.ids import ChannelId, MessageRef, Person, RequestId, TaskId, ThreadId, Ts
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message
from bot.approvals.model.request import Request
from bot.approvals.model.task import Lease, Task
from bot.approvals.ports.storage import Records
from bot.storage import codec, lists
from bot.storage.codec import Record, decode, encode
from bot.storage.sqlite import rows, schema
from bot.storage.sqlite.database import Database


class SqliteStorage:
    """The records in one SQLite file; each method is one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @classmethod
    async def open(cls, path: Path | str, busy_timeout: timedelta = timedelta(seconds=5)) -> SqliteStorage:
        """The records in this file, which is made where there is none; `:memory:` keeps them until `close`.

        `SettingsError` where the file cannot be used. `busy_timeout` is how long a verb waits for another
        process's transaction before it is `Unreachable`.
        """
        return cls(await Database.open(path, busy_timeout))

    async def close(self) -> None:
        """Let the file go, after the verb at work."""
        await self._db.close()

    # --- Tasks ----------------------------------------------------------------------------------

    async def create_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> None:
        task = replace(task, revision=0)

        def change(db: sqlite3.Connection) -> None:
            inserted = db.execute(
                """
                INSERT INTO tasks (
                    id, thread_id, team_id, user_id, created_at, slack_thread, state, ended_at, revision, body
                ) VALUES (
                    :id, :thread_id, :team_id, :user_id, :created_at, :slack_thread, :state, :ended_at, :revision, :body
                )
                ON CONFLICT DO NOTHING
                """,
                {
                    **rows.of_task(task),
                    "thread_id": task.thread_id,
                    "team_id": task.requester.team_id,
                    "user_id": task.requester.user_id,
                    "created_at": rows.moment(task.created_at),
                    "slack_thread": f"{task.channel}:{task.thread_ts}" if task.thread_ts else None,
                },
            )
            if inserted.rowcount:
                rows.add_event(db, event)
                rows.add_messages(db, messages)
            elif db.execute("SELECT 1 FROM tasks WHERE id = :id", {"id": task.id}).fetchone() is None:
                raise Conflict(task.thread_id)

        await self._db.change(change)

    async def task(self, id: TaskId) -> Task:
        found = await self._records(Task, "SELECT body FROM tasks WHERE id = :id", id=id)
        if not found:
            raise NotFound("task", id)
        return found[0]

    async def records_of(self, task_id: TaskId) -> Records:
        def look(db: sqlite3.Connection) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
            of_task = {"id": task_id}
            return (
                db.execute("SELECT body FROM tasks WHERE id = :id", of_task).fetchall(),
                db.execute("SELECT body FROM requests WHERE task_id = :id ORDER BY seq", of_task).fetchall(),
                db.execute("SELECT body FROM surfaces WHERE task_id = :id ORDER BY seq", of_task).fetchall(),
            )

        tasks, requests, messages = await self._db.look(look)
        if not tasks:
            raise NotFound("task", task_id)
        return Records(
            task=decode(Task, tasks[0][0]),
            requests=tuple(decode(Request, body) for (body,) in requests),
            messages=tuple(decode(Message, body) for (body,) in messages),
        )

    async def save_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> Task:
        saved = replace(task, revision=task.revision + 1)

        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                """
                UPDATE tasks SET state = :state, ended_at = :ended_at, revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,
                rows.of_task(saved),
            )
            if not updated.rowcount:
                raise Conflict(task.id)
            rows.add_event(db, event)
            db.execute(
                f"""
                UPDATE surfaces SET stale_since = {rows.THIS_EVENT}
                WHERE task_id = :id AND request_id IS NULL AND shown < :revision
                    AND stale_since IS NULL AND NOT abandoned
                """,  # noqa: S608
                {"id": saved.id, "revision": saved.revision},
            )
            rows.add_messages(db, messages)

        await self._db.change(change)
        return saved

    async def tasks_of(self, requester: Person, limit: int) -> tuple[Task, ...]:
        return await self._records(
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
        return await self._records(Task, sql, slack_thread=f"{channel}:{thread_ts}")

    async def orphans(self, now: datetime, limit: int) -> tuple[Task, ...]:
        return await self._records(Task, schema.ORPHANS, now=rows.moment(now), limit=limit)

    async def ended(self, before: datetime, limit: int, *, forgotten: bool) -> tuple[Task, ...]:
        return await self._records(Task, schema.ENDED, before=rows.moment(before), limit=limit, forgotten=forgotten)

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
                db.execute("DELETE FROM requests WHERE task_id = :id", {"id": task_id})
                db.execute("DELETE FROM tasks WHERE id = :id", {"id": task_id})
                db.execute("UPDATE events SET body = '', request_id = NULL WHERE task_id = :id", {"id": task_id})
                rows.add_event(db, event)
                db.execute("DELETE FROM leases WHERE thread_id = :thread_id", {"thread_id": thread_id})

        await self._db.change(change)

    # --- Requests -------------------------------------------------------------------------------

    async def open_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        opened = replace(request, revision=0)

        def change(db: sqlite3.Connection) -> Request:
            earlier = db.execute(
                "SELECT body FROM requests WHERE thread_id = :thread_id AND interrupt_id = :interrupt_id",
                {"thread_id": opened.thread_id, "interrupt_id": opened.interrupt_id},
            ).fetchone()
            if earlier is not None:
                return decode(Request, earlier[0])
            inserted = db.execute(
                """
                INSERT INTO requests (id, task_id, thread_id, interrupt_id, state, due_at, next_try, revision, body)
                VALUES (:id, :task_id, :thread_id, :interrupt_id, :state, :due_at, :next_try, :revision, :body)
                ON CONFLICT DO NOTHING
                """,
                {
                    **rows.of_request(opened),
                    "task_id": opened.task_id,
                    "thread_id": opened.thread_id,
                    "interrupt_id": opened.interrupt_id,
                },
            )
            if not inserted.rowcount:
                raise Conflict(opened.id)
            rows.put_on_lists(db, opened)
            rows.add_event(db, event)
            rows.add_messages(db, messages)
            return opened

        return await self._db.change(change)

    async def request(self, id: RequestId) -> Request:
        found = await self._records(Request, "SELECT body FROM requests WHERE id = :id", id=id)
        if not found:
            raise NotFound("request", id)
        return found[0]

    async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
        sql = "SELECT body FROM requests WHERE task_id = :task_id ORDER BY seq"
        return await self._records(Request, sql, task_id=task_id)

    async def save_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        saved = replace(request, revision=request.revision + 1)

        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                """
                UPDATE requests SET
                    state = :state, due_at = :due_at, next_try = :next_try, revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,
                rows.of_request(saved),
            )
            if not updated.rowcount:
                raise Conflict(request.id)
            rows.put_on_lists(db, saved)
            rows.add_event(db, event)
            db.execute(
                f"""
                UPDATE surfaces SET stale_since = {rows.THIS_EVENT}
                WHERE request_id = :id AND shown < :revision AND stale_since IS NULL AND NOT abandoned
                """,  # noqa: S608
                {"id": saved.id, "revision": saved.revision},
            )
            rows.add_messages(db, messages)

        await self._db.change(change)
        return saved

    async def due(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._records(Request, schema.DUE, now=rows.moment(now), limit=limit)

    async def undelivered(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._records(Request, schema.UNDELIVERED, now=rows.moment(now), limit=limit)

    async def unsettled(self) -> tuple[TaskId, ...]:
        def look(db: sqlite3.Connection) -> tuple[TaskId, ...]:
            found = db.execute("SELECT DISTINCT task_id FROM requests WHERE state IN ('Pending', 'Decided')")
            return tuple(TaskId(task_id) for (task_id,) in found)

        return await self._db.look(look)

    async def waiting_for(self, refs: Collection[str], limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.waiting_for(ref) for ref in refs], limit)

    async def answered_by(self, person: Person, limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.answered_by(person)], limit)

    async def _listed(self, named: Sequence[str], limit: int) -> tuple[Request, ...]:
        return await self._records(Request, schema.LISTED, lists=json.dumps(named), limit=limit)

    # --- Inboxes --------------------------------------------------------------------------------

    async def inbox(self, person: Person) -> Inbox:
        found = await self._records(
            Inbox, "SELECT body FROM inboxes WHERE person = :person", person=rows.account(person)
        )
        return found[0] if found else Inbox(person=person)

    async def save_inbox(self, inbox: Inbox) -> Inbox:
        saved = replace(inbox, revision=inbox.revision + 1)

        def change(db: sqlite3.Connection) -> None:
            written = db.execute(
                """
                INSERT INTO inboxes (person, opened_at, digest_due_at, revision, body)
                SELECT :person, :opened_at, :digest_due_at, :revision, :body
                WHERE :revision = 1 OR EXISTS (SELECT 1 FROM inboxes WHERE person = :person)
                ON CONFLICT DO UPDATE SET
                    opened_at = :opened_at, digest_due_at = :digest_due_at, revision = :revision, body = :body
                WHERE inboxes.revision = :revision - 1
                """,
                {
                    "person": rows.account(saved.person),
                    "opened_at": rows.moment(saved.home.opened_at if saved.home else None),
                    "digest_due_at": rows.moment(saved.summary.due_at if saved.summary else None),
                    "revision": saved.revision,
                    "body": encode(saved),
                },
            )
            if not written.rowcount:
                raise Conflict(f"the inbox of {inbox.person.user_id}")

        await self._db.change(change)
        return saved

    async def homes(self, since: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._records(Inbox, schema.HOMES, since=rows.moment(since), limit=limit)

    async def due_summaries(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._records(Inbox, schema.DIGESTS, now=rows.moment(now), limit=limit)

    # --- Surfaces -------------------------------------------------------------------------------

    async def messages_of(self, task_id: TaskId) -> tuple[Message, ...]:
        sql = "SELECT body FROM surfaces WHERE task_id = :task_id ORDER BY seq"
        return await self._records(Message, sql, task_id=task_id)

    async def out_of_date(self, now: datetime, limit: int) -> tuple[Message, ...]:
        return await self._records(Message, schema.STALE, now=rows.moment(now), limit=limit)

    async def save_message(self, message: Message, event: AuditEvent | None = None) -> Message:
        saved = replace(message, revision=message.revision + 1)

        # Without power only the claim of a first post must last: all else is found, or drawn, again.
        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                f"""
                UPDATE surfaces SET
                    channel = :channel, ts = :ts, shown = :shown, abandoned = :abandoned, not_before = :not_before,
                    stale_since = CASE WHEN {rows.BEHIND}
                        THEN COALESCE(stale_since, {rows.THIS_EVENT}) END,
                    revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,  # noqa: S608
                rows.of_message(saved),
            )
            if not updated.rowcount:
                raise Conflict(message.id)
            if event is not None:
                rows.add_event(db, event)

        await self._db.change(change, durable=saved.attempted)
        return saved

    async def message_at(self, ref: MessageRef) -> Message | None:
        sql = "SELECT body FROM surfaces WHERE channel = :channel AND ts = :ts LIMIT 1"
        found = await self._records(Message, sql, channel=ref.channel, ts=ref.ts)
        return found[0] if found else None

    # --- Audit ----------------------------------------------------------------------------------

    async def record(self, event: AuditEvent) -> None:
        def change(db: sqlite3.Connection) -> None:
            rows.add_event(db, event)

        await self._db.change(change)

    async def history(self, task_id: TaskId, request_id: RequestId | None = None) -> tuple[AuditEvent, ...]:
        return await self._records(
            AuditEvent,
            """
            SELECT body FROM events
            WHERE task_id = :task_id AND (:request_id IS NULL OR request_id = :request_id) AND body <> '' ORDER BY seq
            """,
            task_id=task_id,
            request_id=request_id,
        )

    async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
        rows = await self._db.rows(schema.TRAIL, {"after": after, "limit": limit})
        return tuple(
            Entry(
                number=seq,
                task_id=task_id.decode(errors="replace"),
                body=body,
                digest=digest.hex(),
                link=link.hex(),
            )
            for seq, task_id, body, digest, link in rows
        )

    async def head(self) -> Head:
        ((number, link),) = await self._db.rows(schema.HEAD, {})
        return Head(number=number or 0, link=GENESIS if link is None else link.hex())

    async def is_purged(self, task_id: TaskId) -> bool:
        rows = await self._db.rows(
            "SELECT CAST(body AS BLOB) FROM events WHERE task_id = :id AND body <> ''", {"id": task_id}
        )
        return any(codec.tells_of_purge(body) for (body,) in rows)

    # --- Leases: none outlives the machine, so they wait for no disk -----------------------------

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime) -> Lease | None:
        until = now + ttl

        def change(db: sqlite3.Connection) -> Lease | None:
            taken = db.execute(
                """
                INSERT INTO leases (thread_id, token, until) VALUES (:thread_id, 1, :until)
                ON CONFLICT (thread_id) DO UPDATE SET token = token + 1, until = excluded.until
                WHERE leases.until IS NULL OR leases.until <= :now
                """,
                {"thread_id": thread_id, "until": rows.moment(until), "now": rows.moment(now)},
            )
            if not taken.rowcount:
                return None
            (token,) = db.execute(
                "SELECT token FROM leases WHERE thread_id = :thread_id", {"thread_id": thread_id}
            ).fetchone()
            return Lease(thread_id=thread_id, token=token, until=until)

        return await self._db.change(change, durable=False)

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        renewed = replace(lease, until=now + ttl)

        def change(db: sqlite3.Connection) -> Lease | None:
            updated = db.execute(
                f"UPDATE leases SET until = :until WHERE {rows.TAKEN_BY_NONE}",  # noqa: S608
                {"thread_id": lease.thread_id, "token": lease.token, "until": rows.moment(renewed.until)},
            )
            return renewed if updated.rowcount else None

        return self._db.change_now(change)

    async def release(self, lease: Lease) -> None:
        def change(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE leases SET until = NULL WHERE thread_id = :thread_id AND token = :token",
                {"thread_id": lease.thread_id, "token": lease.token},
            )

        await self._db.change(change, durable=False)

    async def holds(self, lease: Lease, now: datetime) -> bool:
        sql = f"SELECT 1 FROM leases WHERE {rows.HELD}"  # noqa: S608
        return bool(await self._db.rows(sql, rows.of_lease(lease, now)))

    async def _records(self, cls: type[Record], sql: str, **parameters: object) -> tuple[Record, ...]:
        return tuple(decode(cls, body) for (body,) in await self._db.rows(sql, parameters))
