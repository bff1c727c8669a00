"""Records as steps of a change: their fields, and what a change of one adds beside it.

A record is a hash: its text in `body`, and beside it what guards and indexes need. An index is a sorted set. No record
expires. Keys keep the names that they were given: a surface is a message, it is stale when it is out of date, and a
digest is a daily summary.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.approvals.model.ids import Person, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.server import runs_elsewhere
from bot.approvals.model.task import Failed, Running, Starting, Task
from bot.approvals.model.webhook import Webhook
from bot.approvals.rules import troubles
from bot.storage import lists
from bot.storage.codec import encode
from bot.storage.counting import may_begin
from bot.storage.redis.database import Database, Step, moment

TASKS: Final = "tasks"
"""The index of all tasks, by the time at which they were made."""
OPEN_TASKS: Final = "open_tasks"
"""The index of those that have not ended."""
FAILED_TASKS: Final = "failed_tasks"
"""The index of those that an error has stopped."""
TASK_IDS: Final = "task_ids"
"""The index of all tasks, by their ids."""
REQUEST_IDS: Final = "request_ids"
"""The index of all requests, by their ids."""


FAILED: Final = "failed"
"""The index of those that can be retried, by the time at which they failed."""
DOUBTFUL: Final = "doubtful"
"""The index of pending requests that not everybody could be asked about, or that too few people may answer."""
WEBHOOKS_GIVEN_UP: Final = "webhooks_given_up"
"""The index of webhooks that are not tried again."""


def of_task(db: Database, task: Task) -> list[Step]:
    """Store the task, and put it into the indexes that its state belongs in."""
    at_work = db.prefix + of_engine("at_work", task.id)
    indexed = (
        ["number", at_work, task.id]
        if isinstance(task.state, Starting | Running)
        else ["call", "ZREM", at_work, task.id]
    )
    fields = ["revision", str(task.revision), "thread", task.thread_id, "body", encode(task)]
    return [
        ["call", "HSET", db.key("task", task.id), *fields],
        indexed,
        ["ended", task.id, moment(task.ended_at) if task.ended_at is not None else ""],
        at(db, FAILED, task.id, troubles.failed_at(task)),
        at(db, OPEN_TASKS, task.id, _if_open(task)),
        at(db, FAILED_TASKS, task.id, task.created_at if isinstance(task.state, Failed) else None),
        *([] if task.caller is None else [at(db, open_from(task.caller.source), task.id, _if_open(task))]),
    ]


def of_request(db: Database, request: Request) -> list[Step]:
    """Store the request, and put it into the indexes and lists that its state belongs in."""
    key, state, undelivered = db.key("request", request.id), request.state, of_engine("undelivered", request.task_id)
    fields = ["revision", str(request.revision), "thread", request.thread_id, "body", encode(request)]
    if isinstance(state, Pending | Decided):
        fields += ["counted", counted(request, state)]
    return [
        ["call", "HSET", key, *fields],
        at(db, "due", request.id, state.due_at if isinstance(state, Pending) else None),
        at(db, undelivered, request.id, state.next_try if isinstance(state, Decided) else None),
        at(db, "unsettled", request.id, request.opened_at if isinstance(state, Pending | Decided) else None),
        at(db, DOUBTFUL, request.id, request.opened_at if troubles.is_doubtful(request) else None),
        ["lists", key, request.id, json.dumps(lists.of(request))],
    ]


def counted(request: Request, state: Pending | Decided) -> str:
    """What `scripts.CENSUS` reads of it. With the revision, because earlier versions save a request without it."""
    if isinstance(state, Pending):
        due = moment(state.due_at) if state.due_at is not None else "-"
        return f"{request.revision} pending {moment(request.opened_at)} {due} {request.graph}"
    return f"{request.revision} decided {moment(may_begin(state))} - {request.graph}"


def of_message(db: Database, message: Message, body: str) -> list[Step]:
    """Store the message with its text, where it stands in Slack, and whether it is out of date."""
    fields = {
        "revision": str(message.revision),
        "owner": owner(message),
        "shown": str(message.shown),
        "abandoned": "1" if message.abandoned else "0",
        "not_before": moment(message.not_before) if message.not_before else "",
        "body": body,
    }
    place = f"{message.ref.channel}:{message.ref.ts}" if message.ref else ""
    return [
        ["call", "HSET", db.key("surface", message.id), *(word for pair in fields.items() for word in pair)],
        ["place", message.id, place],
        ["compare", message.id],
    ]


def absent(db: Database, messages: Sequence[Message], webhooks: Sequence[Webhook] = ()) -> list[Step]:
    """Guards: none of these messages and webhooks is stored yet."""
    return [
        *(["absent", db.key("surface", message.id)] for message in messages),
        *(["absent", db.key("webhook", webhook.id)] for webhook in webhooks),
    ]


def new_messages(db: Database, messages: Sequence[Message]) -> Iterator[Step]:
    for message in messages:
        message = replace(message, revision=0)
        yield from of_message(db, message, encode(message))
        yield ["call", "SADD", db.key("surfaces_by", owner(message)), message.id]
        yield ["call", "RPUSH", db.key("surfaces_of", message.task_id), message.id]


def of_webhook(db: Database, webhook: Webhook) -> list[Step]:
    """Store the webhook, and put it into the index of those that are due if it is to be sent."""
    fields = ["revision", str(webhook.revision), "body", encode(webhook)]
    return [
        ["call", "HSET", db.key("webhook", webhook.id), *fields],
        at(db, "webhooks_due", webhook.id, webhook.next_try),
        at(db, WEBHOOKS_GIVEN_UP, webhook.id, webhook.created_at if webhook.given_up else None),
    ]


def new_webhooks(db: Database, webhooks: Sequence[Webhook]) -> Iterator[Step]:
    for webhook in webhooks:
        yield from of_webhook(db, replace(webhook, revision=0))
        yield ["call", "RPUSH", db.key("webhooks_of", webhook.task_id), webhook.id]


def at(db: Database, index: str, id: str, moment_: datetime | None) -> Step:
    """Put the record into the index at this moment, or take it out."""
    key = db.prefix + index
    return ["call", "ZREM", key, id] if moment_ is None else ["call", "ZADD", key, moment(moment_), id]


def by_id(db: Database, index: str, id: str) -> Step:
    """Put the record into the index of ids."""
    return ["call", "ZADD", db.prefix + index, "0", id]


def owner(message: Message) -> str:
    """The record whose revision the message shows."""
    return f"task:{message.task_id}" if message.shows is None else f"request:{message.shows}"


def of_engine(index: str, task_id: TaskId) -> str:
    """The name of the index for the tasks that the same processes drive: workers, or gateways."""
    return index_of(index, elsewhere=runs_elsewhere(task_id))


def index_of(index: str, *, elsewhere: bool) -> str:
    return f"{index}_of_callers" if elsewhere else index


def made_by(source: str) -> str:
    """The index of the tasks that this source has made, by their time."""
    return f"tasks_from:{source}"


def open_from(source: str) -> str:
    """The index of those that have not ended."""
    return f"open_tasks_from:{source}"


def _if_open(task: Task) -> datetime | None:
    return None if task.finished else task.created_at


def account(person: Person) -> str:
    return f"{person.team_id}:{person.user_id}"
