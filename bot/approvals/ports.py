"""What the domain asks of the world. Each method's sentence is proved by `tests/conformance`.

`now` is the caller's: no port reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Protocol, TypeAlias

from bot.approvals.audit import AuditEvent
from bot.approvals.chain import Entry, Head
from bot.approvals.decision import Decision
from bot.approvals.fingerprint import Fingerprint
from bot.approvals.ids import (
    JSON,
    ChannelId,
    InterruptId,
    MessageRef,
    Person,
    RequestId,
    SurfaceId,
    TaskId,
    ThreadId,
    Ts,
)
from bot.approvals.inbox import Inbox
from bot.approvals.question import Question
from bot.approvals.request import Request
from bot.approvals.surface import Surface
from bot.approvals.task import Failure, Gone, Lease, Task

Clock: TypeAlias = Callable[[], datetime]
"""Aware UTC; the one clock of the store in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A task with all that belongs to it, as it stood at one moment."""

    task: Task
    requests: tuple[Request, ...]
    """In the order of their opening."""
    surfaces: tuple[Surface, ...]
    """In the order of their making."""


class Storage(Protocol):
    """The records. Every method is atomic; every change comes with its audit event in the same transaction.

    Raises `Unreachable` where the store does not answer; nothing was changed then, or the change is whole.
    """

    async def create_task(self, task: Task, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> None:
        """Store a new task with its first surfaces; a task of the same id is left as it is."""
        ...

    async def task(self, id: TaskId) -> Task:
        """The task; `NotFound` where there is none."""
        ...

    async def records_of(self, task_id: TaskId) -> Records:
        """The task with all its requests and surfaces, of one moment; `NotFound` where there is none."""
        ...

    async def save_task(self, task: Task, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> Task:
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

    async def open_request(self, request: Request, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> Request:
        """Store a new request with its surfaces; where (thread_id, interrupt_id) has one already, return that
        one unchanged, and store nothing."""
        ...

    async def request(self, id: RequestId) -> Request:
        """The request; `NotFound` where there is none."""
        ...

    async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
        """All requests of the task, in the order of their opening."""
        ...

    async def save_request(self, request: Request, event: AuditEvent, surfaces: Sequence[Surface] = ()) -> Request:
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

    async def digests(self, now: datetime, limit: int) -> tuple[Inbox, ...]:
        """Inboxes whose digest has its `due_at` not after now, the longest overdue first."""
        ...

    async def surfaces_of(self, task_id: TaskId) -> tuple[Surface, ...]:
        """All surfaces of the task and its requests, in the order of their making."""
        ...

    async def stale(self, now: datetime, limit: int) -> tuple[Surface, ...]:
        """Surfaces that show an older revision than their record has (`REMINDER` and `OUTCOME` too), are not
        abandoned, and not put off (`not_before`) beyond now; the longest stale first."""
        ...

    async def save_surface(self, surface: Surface, event: AuditEvent | None = None) -> Surface:
        """Replace the surface if its stored revision is still `surface.revision`, else `Conflict`; an event tells of
        what it shows now, where that is told.

        Returns it with its next revision. It stays stale while `shown` is behind its record's revision.
        """
        ...

    async def surface_at(self, ref: MessageRef) -> Surface | None:
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


# --- Engine -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a graph, as a form can ask for it."""

    name: str
    schema: Mapping[str, JSON]
    """JSON Schema of the value."""
    required: bool
    description: str = ""
    default: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph that tasks can be started on. `unavailable` says why it cannot run; empty where it can."""

    name: str
    description: str
    inputs: tuple[Input, ...]
    example: str = ""
    """A line that would start it."""
    unavailable: str = ""

    @property
    def spoken(self) -> str:
        """The input that a plain sentence is taken for: a conversation, or the only text that is required; empty
        where there is none, or several."""
        required = [each for each in self.inputs if each.required]
        texts = [each.name for each in required if each.schema.get("type") == "string"]
        if "messages" in texts:
            return "messages"
        return texts[0] if len(required) == len(texts) == 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An open interrupt, read as a question."""

    interrupt_id: InterruptId
    question: Question
    place: str = ""
    """Where in the graph: the name of the node, below those that it lies in."""
    fingerprint: Fingerprint | None = None
    """Of what is asked; None from an engine that does not say."""


class Phase(Enum):
    """How a LangGraph thread stands, as read from its checkpoint."""

    LOST = auto()
    """No such thread."""
    WAITING = auto()
    """At least one interrupt is open and nothing else is left to run."""
    STOPPED = auto()
    """Between two steps: a process died or drained. `proceed` goes on."""
    FAILED = auto()
    """A node raised. `proceed` runs it again, with the answer that it already has."""
    BROKEN = auto()
    """An edge raised after its node; LangGraph cannot go on from there."""
    LACKING = auto()
    """Code that it waits at is missing. It goes on once that is back, and is not run before."""
    DONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStatus:
    """What a thread's checkpoint says."""

    phase: Phase
    asked: tuple[Asked, ...] = ()
    """The open interrupts, also where another branch failed."""
    answered: frozenset[InterruptId] = frozenset()
    """Interrupts whose answer is stored while their node has not got past it."""
    failure: Failure | None = None
    """What the run that has just returned raised; None where the state was only read."""
    refused: str = ""
    """What the graph has against the answer of the run that has just returned: it did not take it, and still asks."""
    outcome: str = ""
    """What the graph says of its result, once done."""
    stopped: bool = False
    """Whether it was ended at a breakpoint, by a rejection or by silence: the agent ran no further."""
    not_taken: frozenset[InterruptId] = frozenset()
    """Answered interrupts in whose place something else was asked: the answer was not handed out."""
    stands: InterruptId | None = None
    """The breakpoint that it stands at: any run but the one that answers this would pass it."""
    doubtful: bool = False
    """Whether, below what can be told apart, an answer was not handed out that is not among `not_taken`."""
    gone: Mapping[InterruptId, Gone] = field(default_factory=dict)
    """The stops and questions that the code does not have any more, by the interrupt that stands at them."""
    lacks: Gone | None = None
    """What is missing, if the phase is `LACKING`."""

    def is_open(self, interrupt_id: InterruptId) -> bool:
        return self.asked_at(interrupt_id) is not None

    def asked_at(self, interrupt_id: InterruptId) -> Asked | None:
        """What is asked under this interrupt now; None if nothing is."""
        return next((asked for asked in self.asked if asked.interrupt_id == interrupt_id), None)


class Unsaved(Exception):
    """A step of a run may have acted, and what came of it could not be saved. Nothing but a person's retry may run it
    again."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.summary)
        self.failure = failure


class Draining(Exception):
    """The process is shutting down: the graph stopped at a step's boundary, or was not started at all."""


class Engine(Protocol):
    """LangGraph. What a graph raises comes back in the status, never as an exception; `Unreachable` where
    the checkpoints do not answer and nothing was run, `Unsaved` where a step may have acted by then, `Draining` where
    a run would begin or was stopped during a shutdown.

    `requests` are all of the task's: by them an answer goes only to the question that it was given to.
    """

    def graphs(self) -> tuple[Graph, ...]:
        """All graphs of the configuration, in its order."""
        ...

    def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        """The graph's inputs from what a person typed; `UnknownGraph`, `GraphUnavailable` or `InvalidInputs`."""
        ...

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        """Read the thread's checkpoint; runs nothing."""
        ...

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:
        """Give the graph its inputs and run it to its next pause or end."""
        ...

    async def resume(
        self,
        task: Task,
        lease: Lease,
        interrupt_id: InterruptId,
        answer: JSON,
        now: datetime,
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        """Answer one open interrupt, strictly by its id, and run to the next pause or end. If something else is asked
        in its place by then, the answer is not handed out, and the status says so."""
        ...

    async def proceed(self, task: Task, lease: Lease, now: datetime, requests: Sequence[Request] = ()) -> ThreadStatus:
        """Run on from where the thread stands, with the answers that were given before."""
        ...

    async def forget(self, task: Task) -> None:
        """Delete the checkpoints of the task's thread; nothing happens where there are none."""
        ...

    def check_edit(self, question: Question, item: int) -> None:
        """Return if the item's arguments, as they were edited, are such as the graph takes; else `InvalidAnswer`."""
        ...

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """The value that resumes the graph; `InvalidAnswer` where the graph would refuse it."""
        ...


# --- Slack --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that one surface may show."""

    surface: Surface
    task: Task
    request: Request | None = None
    requests: tuple[Request, ...] = ()
    """All of the task's, for the surfaces that belong to the task."""
    current: bool = True
    """False for an outcome that a later one has overtaken: the task was retried after it."""
    doing: str = ""
    """What the graph is doing at this moment, where it says; of the opening alone."""


class Drawing(Protocol):
    """A view, drawn. Opaque to the domain but for its fingerprint."""

    @property
    def fingerprint(self) -> str: ...


class MessageGone(Exception):
    """The message cannot be changed any more; a new one is due."""


class PlaceGone(Exception):
    """This place cannot be posted to, now or later; `str()` is Slack's reason."""


class FileRefused(Exception):
    """Slack does not take this file, and will not later; `str()` is its reason."""


class OutcomeUnknown(Exception):
    """Slack may or may not have done it."""


class NotNow(Exception):
    """Slack did not do it and may later; `retry_after` in seconds."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Messenger(Protocol):
    """Slack's messages."""

    def draw(self, view: View) -> Drawing:
        """The view as a message within Slack's limits, whatever it holds. Pure."""
        ...

    async def post(
        self, channel: ChannelId, thread_ts: Ts | None, drawing: Drawing, surface_id: SurfaceId
    ) -> MessageRef:
        """Post once, with the id in the metadata; `PlaceGone`, `FileRefused`, `OutcomeUnknown` or `NotNow`."""
        ...

    async def update(self, ref: MessageRef, drawing: Drawing) -> None:
        """Bring a message level; `MessageGone`, `PlaceGone`, `OutcomeUnknown` or `NotNow`."""
        ...

    async def find(
        self, channel: ChannelId, thread_ts: Ts | None, surface_id: SurfaceId, since: datetime | None
    ) -> tuple[MessageRef, ...]:
        """The messages that carry the id, the oldest first: none if it was not posted after all. `since`, in Slack's
        time, is when the first post was begun; None if that is not known. `PlaceGone` or `NotNow`."""
        ...

    async def close(self, ref: MessageRef) -> None:
        """Take a message away that nobody is to act on any more; nothing happens if it is gone. `NotNow`."""
        ...

    async def time(self) -> datetime | None:
        """Slack's time, by its own clock, which ours may be far from; None while Slack does not say."""
        ...

    async def open_direct(self, person: Person) -> ChannelId:
        """The channel of the bot's DM with this person; `PlaceGone` or `NotNow`."""
        ...


class LookupFailed(Exception):
    """The directory did not answer; whoever asked has to refuse."""


class LookupRefused(LookupFailed):
    """The directory will not answer this until an operator changes something: a scope is missing, or the plan has no
    such thing. `str()` is a sentence's end that says which, such as "cannot be looked up: ..."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account as Slack's directory has it. `ineligible` says why it may answer nothing; empty where it may."""

    person: Person
    name: str
    ineligible: str = ""
    nameable: bool = False
    """Whether it may answer all the same where a policy names it: a guest, or somebody of another company."""
    zone: str = ""
    """Its time zone, such as Europe/Berlin; empty where Slack does not say."""


class Directory(Protocol):
    """Slack's people and groups."""

    async def member(self, person: Person, *, fresh: bool = False) -> Member:
        """The account; `LookupFailed` if Slack does not say. `fresh` asks Slack, whatever is remembered."""
        ...

    async def identify(self, ref: str) -> str | None:
        """The id of whom a name of a policy means now: of a person, a user group or a channel. An id is its own. None
        if it means nothing; `LookupFailed` if Slack does not say."""
        ...

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        """Everyone whom these names of a policy mean. A name that means nobody adds nobody; `LookupFailed`
        where Slack does not say. `fresh` reads past the cache."""
        ...

    async def names_of(self, person: Person) -> frozenset[str]:
        """The names by which a policy may mean this account alone: its id and its address. `LookupFailed` if Slack does
        not say."""
        ...

    async def groups_of(self, person: Person) -> frozenset[str]:
        """The user groups that this account is in, if it may answer as one of many. `LookupFailed` if Slack does not
        say."""
        ...

    async def channel(self, ref: str) -> ChannelId | None:
        """The channel of this name (`#ops`) or id that the bot can see; None where there is none; `LookupFailed`
        where Slack does not say."""
        ...


# --- Work ---------------------------------------------------------------------------------------


class Work(Protocol):
    """Tasks that `bot.app` owns and drains. All return at once, and may be called any number of times."""

    def deliver(self, task_id: TaskId) -> None:
        """Drive the task's graph as far as its records allow."""
        ...

    def show(self, task_id: TaskId) -> None:
        """Bring the task's surfaces level with its records."""
        ...

    def show_soon(self, task_id: TaskId) -> None:
        """The same within a moment, in which more may come that is then shown at once: each change of a message is a
        call to Slack, which allows few of them."""
        ...
