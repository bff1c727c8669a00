"""Records as rows of the SQLite file: their columns, and what a change of one adds beside it, in its transaction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.facts import Recorded
from bot.approvals.model.ids import Person, RequestId, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Lease, Task
from bot.approvals.model.webhook import Webhook
from bot.approvals.rules import troubles
from bot.storage import lists
from bot.storage.codec import encode
from bot.storage.counting import may_begin

_OF_TASK = """
    (SELECT revision FROM tasks WHERE id = :task_id)
    + (SELECT COALESCE(SUM(revision + 1), 0) FROM requests WHERE task_id = :task_id)
"""
"""The revision of a task with all its requests, as `revision_of` counts it."""
BEHIND = f"""
    NOT :abandoned AND :shown < COALESCE((SELECT revision FROM requests WHERE id = :request_id), {_OF_TASK})
"""  # noqa: S608
THIS_EVENT = "(SELECT MAX(seq) FROM events)"
"""Its number tells which message has been out of date for longer. The event is written before any message."""
HELD = "thread_id = :thread_id AND token = :token AND until > :now"
TAKEN_BY_NONE = "thread_id = :thread_id AND token = :token AND until IS NOT NULL"
"""The lease was neither released nor taken by somebody else, but may have run out."""


class Connection(sqlite3.Connection):
    """A connection that remembers what its transaction has added to the audit log."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.recorded: list[Recorded] = []


def add_event(db: sqlite3.Connection, event: AuditEvent, about: Task | Request | None = None) -> None:
    """Add the event to the log. `about` is the record that is stored with it."""
    if isinstance(db, Connection):
        db.recorded.append(Recorded(entry=event, about=about))
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


def compare_of_request(db: sqlite3.Connection, id: RequestId) -> None:
    """Note which messages of the request are out of date now. Its event is written before."""
    db.execute(
        f"""
        UPDATE surfaces SET stale_since = {THIS_EVENT}
        WHERE request_id = :id AND shown < (SELECT revision FROM requests WHERE id = :id) AND stale_since IS NULL
            AND NOT abandoned
        """,  # noqa: S608
        {"id": id},
    )


def compare_of_task(db: sqlite3.Connection, task_id: TaskId) -> None:
    """Note which messages of the task itself are out of date now."""
    db.execute(
        f"""
        UPDATE surfaces SET stale_since = {THIS_EVENT}
        WHERE task_id = :task_id AND request_id IS NULL AND stale_since IS NULL AND NOT abandoned
            AND shown < {_OF_TASK}
        """,  # noqa: S608
        {"task_id": task_id},
    )


def put_on_lists(db: sqlite3.Connection, request: Request) -> None:
    """Take the request off the lists that it is no longer on, and put it in its place on the others."""
    places = {"id": request.id, "places": json.dumps(lists.of(request))}
    db.execute("DELETE FROM lists WHERE request_id = :id AND list NOT IN (SELECT key FROM json_each(:places))", places)
    db.execute(
        """
        INSERT INTO lists (list, place, request_id) SELECT key, value, :id FROM json_each(:places) WHERE TRUE
        ON CONFLICT DO UPDATE SET place = excluded.place WHERE place <> excluded.place
        """,
        places,
    )


def add_messages(db: sqlite3.Connection, messages: Sequence[Message]) -> None:
    for message in messages:
        inserted = db.execute(
            f"""
            INSERT INTO surfaces (
                id, task_id, request_id, channel, ts, shown, abandoned, not_before, stale_since, revision, body
            ) VALUES (
                :id, :task_id, :request_id, :channel, :ts, :shown, :abandoned, :not_before,
                CASE WHEN {BEHIND} THEN {THIS_EVENT} END, :revision, :body
            ) ON CONFLICT DO NOTHING
            """,  # noqa: S608
            of_message(replace(message, revision=0)),
        )
        if not inserted.rowcount:
            raise Conflict(message.id)


def add_webhooks(db: sqlite3.Connection, webhooks: Sequence[Webhook]) -> None:
    for webhook in webhooks:
        inserted = db.execute(
            """
            INSERT INTO webhooks (id, task_id, next_try, given_up, revision, body)
            VALUES (:id, :task_id, :next_try, :given_up, :revision, :body) ON CONFLICT DO NOTHING
            """,
            {"task_id": webhook.task_id, **of_webhook(replace(webhook, revision=0))},
        )
        if not inserted.rowcount:
            raise Conflict(webhook.id)


def of_task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "state": type(task.state).__name__,
        "ended_at": moment(task.ended_at),
        "failed_at": moment(troubles.failed_at(task)),
        "revision": task.revision,
        "body": encode(task),
    }


def of_request(request: Request) -> dict[str, Any]:
    state = request.state
    return {
        "id": request.id,
        "state": type(state).__name__,
        "due_at": moment(state.due_at) if isinstance(state, Pending) else None,
        "next_try": moment(state.next_try) if isinstance(state, Decided) else None,
        "doubtful_since": moment(request.opened_at) if troubles.is_doubtful(request) else None,
        "graph": request.graph,
        "opened_at": moment(request.opened_at),
        "settled_at": moment(may_begin(state)) if isinstance(state, Decided) else None,
        "revision": request.revision,
        "body": encode(request),
    }


def of_message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "task_id": message.task_id,
        "request_id": message.shows,
        "channel": message.ref.channel if message.ref else None,
        "ts": message.ref.ts if message.ref else None,
        "shown": message.shown,
        "abandoned": bool(message.abandoned),
        "not_before": moment(message.not_before),
        "revision": message.revision,
        "body": encode(message),
    }


def of_webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "next_try": moment(webhook.next_try),
        "given_up": moment(webhook.created_at) if webhook.given_up else None,
        "revision": webhook.revision,
        "body": encode(webhook),
    }


def account(person: Person) -> str:
    return f"{person.team_id}:{person.user_id}"


def of_lease(lease: Lease, now: datetime) -> dict[str, Any]:
    return {"thread_id": lease.thread_id, "token": lease.token, "now": moment(now)}


NEVER = 2**63 - 1
"""Later than every moment."""
EVER = -NEVER
"""Earlier than every moment."""
LAST = "\U0010ffff"
"""The last character: a text with it at the end comes after all that begin with that text."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at: datetime | None) -> int | None:
    """Whole microseconds since 1970, so that columns compare as the times do."""
    return None if at is None else (at - _EPOCH) // timedelta(microseconds=1)


def time_of(moment: int | None) -> datetime | None:
    """The time that a column holds."""
    return None if moment is None else _EPOCH + timedelta(microseconds=moment)


def place(after: tuple[datetime, str] | None) -> dict[str, object]:
    """The moment and id after which a list goes on."""
    at, id = after if after is not None else (None, "")
    return {"at": EVER if at is None else moment(at), "id": id}
