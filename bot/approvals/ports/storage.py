"""Where the records are kept, by what its users need of it. Each method's sentence is proved by `tests/conformance`.

`now` is the caller's: no port reads a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.approvals.model.audit import AuditEvent, Entry, Head
from bot.approvals.model.ids import (
    ChannelId,
    MessageRef,
    Person,
    RequestId,
    TaskId,
    ThreadId,
    Ts,
)
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message
from bot.approvals.model.request import Request
from bot.approvals.model.task import Lease, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A task with all that belongs to it, as it stood at one moment."""

    task: Task
    requests: tuple[Request, ...]
    """In the order of their opening."""
    messages: tuple[Message, ...]
    """In the order of their making."""


class Storage(Protocol):
    """The records. Every method is atomic; every change comes with its audit event in the same transaction.

    Raises `Unreachable` where the store does not answer; nothing was changed then, or the change is whole.
    """

    async def create_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> None:
        """Store a new task with its first surfaces; a task of the same id is left as it is."""
        ...

    async def task(self, id: TaskId) -> Task:
        """The task; `NotFound` where there is none."""
        ...

    async def records_of(self, task_id: TaskId) -> Records:
        """The task with all its requests and surfaces, of one moment; `NotFound` where there is none."""
        ...

    async def save_task(self, task: Task, event: AuditEvent, messages: Sequence[Message] = ()) -> Task:
        """Replace the task if its stored revision is still `task.revision`, else `Conflict`; add the new surfaces.

        Returns the task with its next revision.
        """
        ...

    async def tasks_of(self, requester: Person, limit: int) -> tuple[Task, ...]:
        """The requester's tasks, newest first."""
        ...

    async def tasks_in(self, channel: ChannelId, thread_ts: Ts) -> tuple[Task, ...]:
        """The tasks that were started in this Slack thread (`Task.thread_ts`), in the order of their making."""
        ...

    async def orphans(self, now: datetime, limit: int) -> tuple[Task, ...]:
        """Tasks that should be running (`Starting`, `Running`) and whose thread nobody holds a live lease on."""
        ...

    async def ended(self, before: datetime, limit: int, *, forgotten: bool) -> tuple[Task, ...]:
        """Tasks that ended at that moment or earlier, the longest ago first: those marked by `forget`, or the
        others."""
        ...

    async def forget(self, task_id: TaskId, event: AuditEvent) -> None:
        """Mark an ended task as one whose checkpoints are deleted. Its revision stays, so nothing is drawn again;
        nothing happens to one that is marked, or gone."""
        ...

    async def purge(self, task_id: TaskId, event: AuditEvent) -> None:
        """Remove an ended task with its requests and surfaces and the text of its audit events, all at once, and add
        this one, which stays: each event's digest and link are kept. A task that has not ended is left as it is;
        nothing happens where there is none."""
        ...

    async def open_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        """Store a new request with its surfaces; where (thread_id, interrupt_id) has one already, return that
        one unchanged, and store nothing."""
        ...

    async def request(self, id: RequestId) -> Request:
        """The request; `NotFound` where there is none."""
        ...

    async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
        """All requests of the task, in the order of their opening."""
        ...

    async def save_request(self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()) -> Request:
        """Replace the request if its stored revision is still `request.revision`, else `Conflict`; add the new
        surfaces. Returns the request with its next revision."""
        ...

    async def due(self, now: datetime, limit: int) -> tuple[Request, ...]:
        """Pending requests whose `due_at` is not after now, the longest overdue first."""
        ...

    async def undelivered(self, now: datetime, limit: int) -> tuple[Request, ...]:
        """Decided requests whose `next_try` is not after now and whose thread nobody holds a live lease on,
        the longest overdue first. One with no `next_try` waits for a person and is not among them."""
        ...

    async def unsettled(self) -> tuple[TaskId, ...]:
        """The tasks that have a request which is open, or whose decision has not been delivered; each once."""
        ...

    async def waiting_for(self, refs: Collection[str], limit: int) -> tuple[Request, ...]:
        """Pending requests that name one of these among their approvers, in whatever case, in the order of their
        `urgency`; each once. `ANY_CHANNEL` finds those that name any channel."""
        ...

    async def answered_by(self, person: Person, limit: int) -> tuple[Request, ...]:
        """Requests on which a vote of this person counts or counted in the end, their latest vote first."""
        ...

    async def inbox(self, person: Person) -> Inbox:
        """What is kept of this person's inbox; an empty one of revision 0 where nothing is."""
        ...

    async def save_inbox(self, inbox: Inbox) -> Inbox:
        """Replace it if its stored revision is still `inbox.revision`, else `Conflict`. It belongs to no task, so
        no audit event comes with it. Returns it with its next revision."""
        ...

    async def homes(self, since: datetime, limit: int) -> tuple[Inbox, ...]:
        """Inboxes whose Home was opened at that moment or later, the latest first."""
        ...

    async def due_summaries(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        """Inboxes whose summary has its `due_at` not after now, the longest overdue first."""
        ...

    async def messages_of(self, task_id: TaskId) -> tuple[Message, ...]:
        """All surfaces of the task and its requests, in the order of their making."""
        ...

    async def out_of_date(self, now: datetime, limit: int) -> tuple[Message, ...]:
        """Surfaces that show an older revision than their record has (`REMINDER` and `OUTCOME` too), are not
        abandoned, and not put off (`not_before`) beyond now; the longest stale first."""
        ...

    async def save_message(self, message: Message, event: AuditEvent | None = None) -> Message:
        """Replace the surface if its stored revision is still `surface.revision`, else `Conflict`; an event tells of
        what it shows now, where that is told.

        Returns it with its next revision. It stays stale while `shown` is behind its record's revision.
        """
        ...

    async def message_at(self, ref: MessageRef) -> Message | None:
        """The surface that stands at this place in Slack, if one does."""
        ...

    async def record(self, event: AuditEvent) -> None:
        """Add an audit event that changes nothing else, such as a refusal."""
        ...

    async def history(self, task_id: TaskId, request_id: RequestId | None = None) -> tuple[AuditEvent, ...]:
        """The task's audit events in the order in which they were written; only one request's if asked."""
        ...

    async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
        """The audit log of all tasks as it is stored, from the entry on that follows the one of this number; entries
        that were tampered with are among them. Each is linked to the one before it in the transaction that adds it,
        whoever else writes."""
        ...

    async def head(self) -> Head:
        """The number that the newest entry was given, which is known also where that entry was removed, and the link
        of the last entry that is there."""
        ...

    async def is_purged(self, task_id: TaskId) -> bool:
        """Whether `purge` has removed the texts of the task's events."""
        ...

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime) -> Lease | None:
        """Take the thread for `ttl`, or None while somebody else's lease lives. Each lease's token is greater
        than all before it on that thread."""
        ...

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        """Extend the lease to `ttl` from now, or None if it was released or taken by another since. One that ran out
        and that nobody took is still this holder's.

        It blocks, and may be called from any thread: a lease must outlive an event loop that a graph blocks.
        """
        ...

    async def release(self, lease: Lease) -> None:
        """Give the thread back; nothing happens where the lease is no longer this holder's."""
        ...

    async def holds(self, lease: Lease, now: datetime) -> bool:
        """Whether this lease is still the thread's and alive."""
        ...
