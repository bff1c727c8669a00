"""The records in one SQLite file: `bot.approvals.ports.Storage` where no Redis is configured.

One connection serves a process, one verb at a time; several processes may share the file.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.approvals.audit import AuditEvent
from bot.approvals.chain import GENESIS, Entry, Head
from bot.approvals.errors import Conflict, NotFound
from bot.approvals.ids import ChannelId, MessageRef, Person, RequestId, TaskId, ThreadId, Ts
from bot.approvals.inbox import Inbox
from bot.approvals.ports import Records
from bot.approvals.request import Decided, Pending, Request
from bot.approvals.surface import Surface
from bot.approvals.task import Lease, Task
from bot.storage import codec, lists, schema
from bot.storage.codec import Record, decode, encode
from bot.storage.database import Database


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

    async def create_task(self, task: Task, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> None:
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
                    **_task_row(task),
                    "thread_id": task.thread_id,
                    "team_id": task.requester.team_id,
                    "user_id": task.requester.user_id,
                    "created_at": _moment(task.created_at),
                    "slack_thread": f"{task.channel}:{task.thread_ts}" if task.thread_ts else None,
                },
            )
            if inserted.rowcount:
                _add_event(db, event)
                _add_surfaces(db, surfaces)
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

        tasks, requests, surfaces = await self._db.look(look)
        if not tasks:
            raise NotFound("task", task_id)
        return Records(
            task=decode(Task, tasks[0][0]),
            requests=tuple(decode(Request, body) for (body,) in requests),
            surfaces=tuple(decode(Surface, body) for (body,) in surfaces),
        )

    async def save_task(self, task: Task, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> Task:
        saved = replace(task, revision=task.revision + 1)

        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                """
                UPDATE tasks SET state = :state, ended_at = :ended_at, revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,
                _task_row(saved),
            )
            if not updated.rowcount:
                raise Conflict(task.id)
            _add_event(db, event)
            db.execute(
                f"""
                UPDATE surfaces SET stale_since = {_THIS_EVENT}
                WHERE task_id = :id AND request_id IS NULL AND shown < :revision
                    AND stale_since IS NULL AND NOT abandoned
                """,  # noqa: S608
                {"id": saved.id, "revision": saved.revision},
            )
            _add_surfaces(db, surfaces)

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
        return await self._records(Task, schema.ORPHANS, now=_moment(now), limit=limit)

    async def ended(self, before: datetime, limit: int, *, forgotten: bool) -> tuple[Task, ...]:
        return await self._records(Task, schema.ENDED, before=_moment(before), limit=limit, forgotten=forgotten)

    async def forget(self, task_id: TaskId, event: AuditEvent) -> None:
        def change(db: sqlite3.Connection) -> None:
            marked = db.execute(
                "UPDATE tasks SET forgotten = 1 WHERE id = :id AND ended_at IS NOT NULL AND NOT forgotten",
                {"id": task_id},
            )
            if marked.rowcount:
                _add_event(db, event)

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
                _add_event(db, event)
                db.execute("DELETE FROM leases WHERE thread_id = :thread_id", {"thread_id": thread_id})

        await self._db.change(change)

    # --- Requests -------------------------------------------------------------------------------

    async def open_request(self, request: Request, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> Request:
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
                    **_request_row(opened),
                    "task_id": opened.task_id,
                    "thread_id": opened.thread_id,
                    "interrupt_id": opened.interrupt_id,
                },
            )
            if not inserted.rowcount:
                raise Conflict(opened.id)
            _list(db, opened)
            _add_event(db, event)
            _add_surfaces(db, surfaces)
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

    async def save_request(self, request: Request, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> Request:
        saved = replace(request, revision=request.revision + 1)

        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                """
                UPDATE requests SET
                    state = :state, due_at = :due_at, next_try = :next_try, revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,
                _request_row(saved),
            )
            if not updated.rowcount:
                raise Conflict(request.id)
            _list(db, saved)
            _add_event(db, event)
            db.execute(
                f"""
                UPDATE surfaces SET stale_since = {_THIS_EVENT}
                WHERE request_id = :id AND shown < :revision AND stale_since IS NULL AND NOT abandoned
                """,  # noqa: S608
                {"id": saved.id, "revision": saved.revision},
            )
            _add_surfaces(db, surfaces)

        await self._db.change(change)
        return saved

    async def due(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._records(Request, schema.DUE, now=_moment(now), limit=limit)

    async def undelivered(self, now: datetime, limit: int) -> tuple[Request, ...]:
        return await self._records(Request, schema.UNDELIVERED, now=_moment(now), limit=limit)

    async def waiting_for(self, refs: Collection[str], limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.waiting_for(ref) for ref in refs], limit)

    async def answered_by(self, person: Person, limit: int) -> tuple[Request, ...]:
        return await self._listed([lists.answered_by(person)], limit)

    async def _listed(self, named: Sequence[str], limit: int) -> tuple[Request, ...]:
        return await self._records(Request, schema.LISTED, lists=json.dumps(named), limit=limit)

    # --- Inboxes --------------------------------------------------------------------------------

    async def inbox(self, person: Person) -> Inbox:
        found = await self._records(Inbox, "SELECT body FROM inboxes WHERE person = :person", person=_account(person))
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
                    "person": _account(saved.person),
                    "opened_at": _moment(saved.home.opened_at if saved.home else None),
                    "digest_due_at": _moment(saved.digest.due_at if saved.digest else None),
                    "revision": saved.revision,
                    "body": encode(saved),
                },
            )
            if not written.rowcount:
                raise Conflict(f"the inbox of {inbox.person.user_id}")

        await self._db.change(change)
        return saved

    async def homes(self, since: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._records(Inbox, schema.HOMES, since=_moment(since), limit=limit)

    async def digests(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        return await self._records(Inbox, schema.DIGESTS, now=_moment(now), limit=limit)

    # --- Surfaces -------------------------------------------------------------------------------

    async def surfaces_of(self, task_id: TaskId) -> tuple[Surface, ...]:
        sql = "SELECT body FROM surfaces WHERE task_id = :task_id ORDER BY seq"
        return await self._records(Surface, sql, task_id=task_id)

    async def stale(self, now: datetime, limit: int) -> tuple[Surface, ...]:
        return await self._records(Surface, schema.STALE, now=_moment(now), limit=limit)

    async def save_surface(self, surface: Surface, event: AuditEvent | None = None) -> Surface:
        saved = replace(surface, revision=surface.revision + 1)

        # Without power only the claim of a first post must last: all else is found, or drawn, again.
        def change(db: sqlite3.Connection) -> None:
            updated = db.execute(
                f"""
                UPDATE surfaces SET
                    channel = :channel, ts = :ts, shown = :shown, abandoned = :abandoned, not_before = :not_before,
                    stale_since = CASE WHEN {_BEHIND}
                        THEN COALESCE(stale_since, {_THIS_EVENT}) END,
                    revision = :revision, body = :body
                WHERE id = :id AND revision = :revision - 1
                """,  # noqa: S608
                _surface_row(saved),
            )
            if not updated.rowcount:
                raise Conflict(surface.id)
            if event is not None:
                _add_event(db, event)

        await self._db.change(change, durable=saved.attempted)
        return saved

    async def surface_at(self, ref: MessageRef) -> Surface | None:
        sql = "SELECT body FROM surfaces WHERE channel = :channel AND ts = :ts LIMIT 1"
        found = await self._records(Surface, sql, channel=ref.channel, ts=ref.ts)
        return found[0] if found else None

    # --- Audit ----------------------------------------------------------------------------------

    async def record(self, event: AuditEvent) -> None:
        def change(db: sqlite3.Connection) -> None:
            _add_event(db, event)

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
                {"thread_id": thread_id, "until": _moment(until), "now": _moment(now)},
            )
            if not taken.rowcount:
                return None
            (token,) = db.execute(
                "SELECT token FROM leases WHERE thread_id = :thread_id", {"thread_id": thread_id}
            ).fetchone()
            return Lease(thread_id=thread_id, token=token, until=until)

        return await self._db.change(change, durable=False)

    async def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        renewed = replace(lease, until=now + ttl)

        def change(db: sqlite3.Connection) -> Lease | None:
            updated = db.execute(
                f"UPDATE leases SET until = :until WHERE {_HELD}",  # noqa: S608
                {**_lease_row(lease, now), "until": _moment(renewed.until)},
            )
            return renewed if updated.rowcount else None

        return await self._db.change(change, durable=False)

    async def release(self, lease: Lease) -> None:
        def change(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE leases SET until = NULL WHERE thread_id = :thread_id AND token = :token",
                {"thread_id": lease.thread_id, "token": lease.token},
            )

        await self._db.change(change, durable=False)

    async def holds(self, lease: Lease, now: datetime) -> bool:
        sql = f"SELECT 1 FROM leases WHERE {_HELD}"  # noqa: S608
        return bool(await self._db.rows(sql, _lease_row(lease, now)))

    async def _records(self, cls: type[Record], sql: str, **parameters: object) -> tuple[Record, ...]:
        return tuple(decode(cls, body) for (body,) in await self._db.rows(sql, parameters))


_BEHIND = """
    NOT :abandoned AND :shown < COALESCE(
        (SELECT revision FROM requests WHERE id = :request_id),
        (SELECT revision FROM tasks WHERE id = :task_id)
    )
"""
_THIS_EVENT = "(SELECT MAX(seq) FROM events)"
"""Its number tells which surface has been stale for longer. It is written before any surface is."""
_HELD = "thread_id = :thread_id AND token = :token AND until > :now"


def _add_event(db: sqlite3.Connection, event: AuditEvent) -> None:
    body = encode(event)
    db.execute(
        """
        INSERT INTO events (task_id, request_id, body, digest, link) VALUES (
            :task_id, :request_id, :body, :digest,
            sha256(COALESCE((SELECT link FROM events ORDER BY seq DESC LIMIT 1), zeroblob(32)), :digest)
        )
        """,
        {
            "task_id": event.task_id,
            "request_id": event.request_id,
            "body": body,
            "digest": hashlib.sha256(body.encode()).digest(),
        },
    )


def _list(db: sqlite3.Connection, request: Request) -> None:
    """Take the request off the lists that it stands on no more, and put it in its place on the others."""
    places = {"id": request.id, "places": json.dumps(lists.of(request))}
    db.execute("DELETE FROM lists WHERE request_id = :id AND list NOT IN (SELECT key FROM json_each(:places))", places)
    db.execute(
        """
        INSERT INTO lists (list, place, request_id) SELECT key, value, :id FROM json_each(:places) WHERE TRUE
        ON CONFLICT DO UPDATE SET place = excluded.place WHERE place <> excluded.place
        """,
        places,
    )


def _add_surfaces(db: sqlite3.Connection, surfaces: Sequence[Surface]) -> None:
    for surface in surfaces:
        inserted = db.execute(
            f"""
            INSERT INTO surfaces (
                id, task_id, request_id, channel, ts, shown, abandoned, not_before, stale_since, revision, body
            ) VALUES (
                :id, :task_id, :request_id, :channel, :ts, :shown, :abandoned, :not_before,
                CASE WHEN {_BEHIND} THEN {_THIS_EVENT} END, :revision, :body
            ) ON CONFLICT DO NOTHING
            """,  # noqa: S608
            _surface_row(replace(surface, revision=0)),
        )
        if not inserted.rowcount:
            raise Conflict(surface.id)


def _task_row(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "state": type(task.state).__name__,
        "ended_at": _moment(task.ended_at),
        "revision": task.revision,
        "body": encode(task),
    }


def _request_row(request: Request) -> dict[str, Any]:
    state = request.state
    return {
        "id": request.id,
        "state": type(state).__name__,
        "due_at": _moment(state.due_at) if isinstance(state, Pending) else None,
        "next_try": _moment(state.next_try) if isinstance(state, Decided) else None,
        "revision": request.revision,
        "body": encode(request),
    }


def _surface_row(surface: Surface) -> dict[str, Any]:
    return {
        "id": surface.id,
        "task_id": surface.task_id,
        "request_id": surface.shows,
        "channel": surface.ref.channel if surface.ref else None,
        "ts": surface.ref.ts if surface.ref else None,
        "shown": surface.shown,
        "abandoned": bool(surface.abandoned),
        "not_before": _moment(surface.not_before),
        "revision": surface.revision,
        "body": encode(surface),
    }


def _account(person: Person) -> str:
    return f"{person.team_id}:{person.user_id}"


def _lease_row(lease: Lease, now: datetime) -> dict[str, Any]:
    return {"thread_id": lease.thread_id, "token": lease.token, "now": _moment(now)}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(at: datetime | None) -> int | None:
    """In whole microseconds, so that columns compare as the times do."""
    return None if at is None else (at - _EPOCH) // timedelta(microseconds=1)
