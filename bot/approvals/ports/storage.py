"""The stores of all records, split by what their users need: here, in `leases` and in `operators`. `tests/conformance`
tests every sentence here on each store.

`now` is an argument: no store reads a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.approvals.model.audit import AuditEvent, Entry, Head
from bot.approvals.model.catalog import Catalog
from bot.approvals.model.ids import (
    ChannelId,
    MessageRef,
    Person,
    RequestId,
    TaskId,
    Ts,
)
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.model.token import Token
from bot.approvals.model.webhook import Webhook, WebhookId
from bot.approvals.ports.leases import LeaseStore
from bot.approvals.ports.operators import CensusStore, TroubleStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A task with all its requests and messages, as of one moment."""

    task: Task
    requests: tuple[Request, ...]
    """The task's requests, in the order in which they were opened."""
    messages: tuple[Message, ...]
    """The messages of the task and its requests, in the order in which they were created."""


class Among(StrEnum):
    """Which tasks a list takes."""

    ALL = "all"
    OPEN = "open"
    """Those that have not ended (`Task.finished`)."""
    ENDED = "ended"
    FAILED = "failed"
    """Those that an error has stopped (`Failed`), whether or not they can go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a task or a request: the record as it is to be, and all that is stored with it."""

    record: Task | Request
    """As it is to be, with the revision that it had when it was read."""
    event: AuditEvent | None
    """None if the event of another change that is made with it says it all."""
    messages: Sequence[Message] = ()
    """New messages, which the change calls for."""
    webhooks: Sequence[Webhook] = ()
    """New webhooks, which tell the caller of the change."""
    opens: bool = False
    """Whether the record is a request that is not stored yet."""
    moves: bool = False
    """Whether the record is a request that belongs to another interrupt from now on, and no longer to its own."""


class ChangeStore(Protocol):
    """Changes of several records at once."""

    async def save_all(self, changes: Sequence[Change], *, durable: bool = True) -> None:
        """Make all of these changes in their order, or none of them. Each gives its record the next revision; a request
        that is opened has revision 0. A record may be changed more than once: each change but the first then has the
        revision that the one before it has given.

        Raises `Conflict` if a stored revision is another one, or if the interrupt of a request that is to be opened, or
        that moves, has a request already.

        If `durable` is false, the changes may be lost if the machine loses power before the next change that is
        durable: only use it for what is then done again. They survive the death of the process in any case.
        """
        ...


class TaskStore(Protocol):
    """Tasks: one run of an agent each."""

    async def create_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> None:
        """Store a new task with its first messages. Does nothing if a task with this id exists."""
        ...

    async def task(self, id: TaskId) -> Task:
        """The task. Raises `NotFound` if it does not exist."""
        ...

    async def records_of(self, task_id: TaskId) -> Records:
        """The task with all its requests and messages, as of one moment. Raises `NotFound` if it does not exist."""
        ...

    async def revisions(self, ids: Collection[TaskId]) -> Mapping[TaskId, int]:
        """For each of these tasks that exists, a number that grows with every change of the task or of its requests:
        the task's revision and, for each request, its revision and 1."""
        ...

    async def save_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> Task:
        """Replace the task and add new messages. Returns the task with its next revision. Raises `Conflict` if the
        stored revision is no longer `task.revision`. A task that had ended and has not any more is no longer marked
        (`forget`)."""
        ...

    async def tasks_of(self, requester: Person, limit: int) -> tuple[Task, ...]:
        """The requester's tasks, newest first."""
        ...

    async def tasks_in(self, channel: ChannelId, thread_ts: Ts) -> tuple[Task, ...]:
        """The tasks that were started in this Slack thread (`Task.thread_ts`), oldest first."""
        ...

    async def tasks_from(
        self,
        sources: Collection[str],
        limit: int,
        *,
        before: tuple[datetime, TaskId] | None = None,
        ended: bool | None = None,
        callers: bool | None = None,
    ) -> tuple[Task, ...]:
        """The tasks that programs of these sources (`Caller.source`) have made, newest first, and those of the same
        moment by id. With `before`, only those that come after the task of this moment and id.

        `ended` leaves only those that have ended (`Task.finished`), or only the others. `callers` leaves only callers'
        requests, or only agents' tasks.
        """
        ...

    async def newest(
        self,
        limit: int,
        *,
        before: tuple[datetime, TaskId] | None = None,
        since: datetime | None = None,
        among: Among = Among.ALL,
        graph: str | None = None,
    ) -> tuple[Task, ...]:
        """Everybody's tasks, newest first, and those of the same moment by id. With `before`, only those that come
        after the task of this moment and id; with `since`, only those of this moment or later; with `graph`, only those
        of this graph."""
        ...

    async def task_ids(self, prefix: str, limit: int) -> tuple[TaskId, ...]:
        """The ids of tasks that begin with this text, sorted."""
        ...

    async def orphans(self, now: datetime, limit: int, *, elsewhere: bool = False) -> tuple[Task, ...]:
        """Tasks that should be running (`Starting`, `Running`) although nobody holds a live lease on their thread: of
        workers or, with `elsewhere`, of what runs elsewhere (`runs_elsewhere`)."""
        ...

    async def failed_tasks(self, after: tuple[datetime, TaskId] | None, limit: int) -> tuple[Task, ...]:
        """Tasks that failed and can be retried (`failed_at`), longest ago first, and those of the same moment by id.
        With `after`, only those that come after the task of this moment and id."""
        ...

    async def ended(self, before: datetime, limit: int, *, forgotten: bool) -> tuple[Task, ...]:
        """Tasks that ended at `before` or earlier, longest ago first. If `forgotten`, only those that `forget` has
        marked, otherwise only the others."""
        ...

    async def forget(self, task_id: TaskId, event: AuditEvent) -> None:
        """Mark an ended task, to record that its checkpoints are deleted. Its revision stays the same, so that no
        message becomes out of date. Does nothing if the task is marked already, or does not exist."""
        ...

    async def purge(self, task_id: TaskId, event: AuditEvent) -> None:
        """Remove an ended task with its requests, its messages, its webhooks and the text of its audit events, all at
        once, and add this event, which stays. Each removed event keeps its digest and link. Does nothing if the task
        has not ended, or does not exist."""
        ...


class RequestStore(Protocol):
    """Requests: the questions that are put to people."""

    async def open_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        """Store a new request with its messages. If its interrupt (thread_id, interrupt_id) has a request already,
        returns that one and stores nothing."""
        ...

    async def request(self, id: RequestId) -> Request:
        """The request. Raises `NotFound` if it does not exist."""
        ...

    async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
        """All requests of the task, in the order in which they were opened."""
        ...

    async def save_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        """Replace the request and add new messages. Returns the request with its next revision. Raises `Conflict` if
        the stored revision is no longer `request.revision`."""
        ...

    async def due(self, now: datetime, limit: int) -> tuple[Request, ...]:
        """Pending requests whose `due_at` is now or earlier, longest overdue first."""
        ...

    async def undelivered(self, now: datetime, limit: int, *, elsewhere: bool = False) -> tuple[Request, ...]:
        """Decided requests whose `next_try` is now or earlier, and on whose thread nobody holds a live lease, longest
        overdue first: of workers or, with `elsewhere`, of what runs elsewhere (`runs_elsewhere`). A request without
        `next_try` waits for a person and is not among them."""
        ...

    async def unsettled(self, *, elsewhere: bool = False) -> tuple[TaskId, ...]:
        """The tasks with a request that is pending, or whose decision has not been delivered: of workers or, with
        `elsewhere`, of what runs elsewhere (`runs_elsewhere`). Each task once."""
        ...

    async def newest_unsettled(
        self, limit: int, *, before: tuple[datetime, RequestId] | None = None
    ) -> tuple[Request, ...]:
        """The requests that are pending, or whose decision has not been delivered, the last opened first
        (`opened_at`), and those of the same moment by id. With `before`, only those that come after the request of this
        moment and id."""
        ...

    async def request_ids(self, prefix: str, limit: int) -> tuple[RequestId, ...]:
        """The ids of requests that begin with this text, sorted."""
        ...

    async def waiting_for(self, refs: Collection[str], limit: int) -> tuple[Request, ...]:
        """Pending requests that name any of these as an approver, ignoring case, sorted by `urgency`. Each request
        once. `ANY_CHANNEL` finds requests that name any channel."""
        ...

    async def doubtful(self, after: tuple[datetime, RequestId] | None, limit: int) -> tuple[Request, ...]:
        """Pending requests that not everybody could be asked about, or that too few people may answer (`is_doubtful`).
        The one that was opened first comes first, and those of the same moment by id. With `after`, only those that
        come after the request of this moment and id."""
        ...

    async def answered_by(self, person: Person, limit: int) -> tuple[Request, ...]:
        """Requests with a vote of this person that counts, or that counted when the request was decided. The request
        with the latest vote comes first."""
        ...


class MessageStore(Protocol):
    """Messages in Slack that are kept in sync with their records."""

    async def messages_of(self, task_id: TaskId) -> tuple[Message, ...]:
        """All messages of the task and its requests, in the order in which they were created."""
        ...

    async def out_of_date(self, now: datetime, limit: int) -> tuple[Message, ...]:
        """Messages that show an older revision than their request has, or their task with all its requests if they
        show no request (`revision_of`). Longest out of date first, `REMINDER` and `OUTCOME` among them. Leaves out
        those that are abandoned, and those put off (`not_before`) beyond now."""
        ...

    async def save_message(self, message: Message, event: AuditEvent | None = None) -> Message:
        """Replace the message, and add `event` if its new content has to be in the audit log. Returns the message
        with its next revision. Raises `Conflict` if the stored revision is no longer `message.revision`.

        The message stays out of date as long as `shown` is behind the revision of what it shows.
        """
        ...

    async def message_at(self, ref: MessageRef) -> Message | None:
        """The message at this place in Slack. Returns None if there is none."""
        ...


class InboxStore(Protocol):
    """People's inboxes: what they chose to see on their Home tab, and when they want their summary."""

    async def inbox(self, person: Person) -> Inbox:
        """This person's inbox. Returns an empty one with revision 0 if none is stored."""
        ...

    async def save_inbox(self, inbox: Inbox) -> Inbox:
        """Replace the inbox. Returns it with its next revision. Raises `Conflict` if the stored revision is no longer
        `inbox.revision`. It belongs to no task, so no audit event comes with it."""
        ...

    async def homes(self, since: datetime, limit: int) -> tuple[Inbox, ...]:
        """Inboxes whose Home was opened at `since` or later, latest first."""
        ...

    async def due_summaries(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        """Inboxes whose summary's `due_at` is now or earlier, longest overdue first."""
        ...


class AgentStore(Protocol):
    """The catalog of the agents that workers can run. There is one, and the last one that was published counts."""

    async def publish(self, catalog: Catalog) -> None:
        """Replace the catalog. It belongs to no task, so no audit event comes with it."""
        ...

    async def published(self, *, known: str = "") -> Catalog | None:
        """The catalog. Returns None if there is none, or if its digest is `known`."""
        ...


class TokenStore(Protocol):
    """The tokens of the HTTP API. None is ever removed, so that no name comes to mean another token."""

    async def add_token(self, token: Token, event: AuditEvent) -> None:
        """Store a new token with revision 0. Raises `Conflict` if its name was ever used."""
        ...

    async def token_of(self, digest: str) -> Token | None:
        """The token with this digest. Returns None if there is none."""
        ...

    async def tokens(self) -> tuple[Token, ...]:
        """All tokens, oldest first."""
        ...

    async def save_token(self, token: Token, event: AuditEvent | None = None) -> Token:
        """Replace the token. Returns it with its next revision. Raises `Conflict` if the stored revision is no longer
        `token.revision`, or if there is no such token. Without an event, it may be lost if the machine loses power."""
        ...


class WebhookStore(Protocol):
    """Webhooks. Each is stored with the change that it tells of (`Change.webhooks`)."""

    async def due_webhooks(self, now: datetime, limit: int) -> tuple[Webhook, ...]:
        """Webhooks whose `next_try` is now or earlier, longest overdue first."""
        ...

    async def save_webhook(
        self, webhook: Webhook, event: AuditEvent | None = None, messages: Sequence[Message] = ()
    ) -> Webhook:
        """Replace the webhook and add new messages. Returns it with its next revision. Raises `Conflict` if the stored
        revision is no longer `webhook.revision`, or if it was purged."""
        ...

    async def webhooks_given_up(self, after: tuple[datetime, WebhookId], limit: int) -> tuple[Webhook, ...]:
        """Webhooks that were given up, in the order of their `created_at`, and those of the same moment by id: those
        that come after this moment and id."""
        ...

    async def webhooks_of(self, task_id: TaskId) -> tuple[Webhook, ...]:
        """All webhooks of the task, oldest first."""
        ...


class AuditStore(Protocol):
    """The audit log: one chain over the events of all tasks."""

    async def record(self, event: AuditEvent) -> None:
        """Add an event that changes no record, such as a refusal."""
        ...

    async def history(self, task_id: TaskId, request_id: RequestId | None = None) -> tuple[AuditEvent, ...]:
        """The task's events, or those of one of its requests, in the order in which they were written."""
        ...

    async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
        """The entries after the one numbered `after`, exactly as they are stored, even if somebody tampered with them.
        Each entry is linked to the one before it in the transaction that adds it, even if others write meanwhile."""
        ...

    async def head(self) -> Head:
        """The newest entry's number, and the link of the last entry that still exists. The number is known even if the
        newest entry was removed."""
        ...

    async def is_purged(self, task_id: TaskId) -> bool:
        """Whether `purge` has removed the texts of the task's events."""
        ...


class Storage(
    ChangeStore,
    TaskStore,
    RequestStore,
    MessageStore,
    InboxStore,
    AgentStore,
    TokenStore,
    WebhookStore,
    TroubleStore,
    AuditStore,
    LeaseStore,
    CensusStore,
    Protocol,
):
    """All records in one place. Every method is atomic, and a change and its audit event are one transaction.

    Raises `Unreachable` if the store does not answer. Then nothing was changed, or the whole change was made.
    """
