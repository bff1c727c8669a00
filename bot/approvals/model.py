"""The records of an approval, in the order in which they come into being.

Everything is frozen: a change is a new record made with `dataclasses.replace`, and storage decides
whether it may take the old one's place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType, TypeAlias, assert_never

from bot.approvals.policy import Policy

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

TaskId = NewType("TaskId", str)
ThreadId = NewType("ThreadId", str)
"""LangGraph's conversation, a UUID; one per task."""
InterruptId = NewType("InterruptId", str)
RequestId = NewType("RequestId", str)
SurfaceId = NewType("SurfaceId", str)
TeamId = NewType("TeamId", str)
UserId = NewType("UserId", str)
ChannelId = NewType("ChannelId", str)
Ts = NewType("Ts", str)
"""Slack's time stamp of a message, always a string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A Slack account. Both ids count: a user id alone says nothing across workspaces."""

    team_id: TeamId
    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """Where one Slack message stands."""

    channel: ChannelId
    ts: Ts


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A graph raised. The trace is in the log under `error_id`; `summary` names the kind of error alone."""

    error_id: str
    summary: str
    at: datetime


# --- Task ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Recorded; the graph may not have been given its inputs yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The graph is at work, or was when its process died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Every open interrupt of the graph has its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    failure: Failure
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCancelled:
    by: Person
    at: datetime


TaskState: TypeAlias = Starting | Running | Waiting | Ended | Failed | TaskCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One run of a graph that a person started; owns a LangGraph thread and a Slack thread."""

    id: TaskId
    thread_id: ThreadId
    graph: str
    inputs: Mapping[str, JSON]
    requester: Person
    channel: ChannelId
    created_at: datetime
    state: TaskState = field(default_factory=Starting)
    revision: int = 0
    """Counts saves; storage compares it before it writes."""

    @property
    def finished(self) -> bool:
        """Nothing more will happen by itself or can be asked for."""
        return self.ended_at is not None

    @property
    def ended_at(self) -> datetime | None:
        """When it came to its end; None while it may still go on, if only by a person's retry."""
        match self.state:
            case Ended(at=at) | TaskCancelled(at=at):
                return at
            case Failed(failure=failure, retryable=False):
                return failure.at
            case _:
                return None


# --- Question -----------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What an approver may say of one item."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    CHOOSE = "choose"


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One proposed action: its name, its arguments, and the verdicts that the graph takes for it."""

    name: str
    arguments: Mapping[str, JSON]
    verdicts: tuple[Verdict, ...]
    schema: JSON = None
    """A JSON Schema of the arguments, where the graph gave one: an edit has to fit it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an interrupt asks, in our own form. `shape` names the module that reads and answers it."""

    shape: str
    title: str
    items: tuple[Item, ...]
    text: str = ""
    """Why it is asked, or what else the graph says of it."""
    choices: tuple[str, ...] = ()
    form: JSON = None
    """A JSON Schema of the value that the graph wants; None where it wants a verdict or plain text."""
    risk: Risk | None = None
    convention: str = ""
    """How the shape's module words its answer; empty for the shape's own way."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the graph calls a verdict, where it is not the verdict's own name."""
    payload: JSON = None
    """The interrupt's value as the graph gave it: what "View all" shows."""

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a question has at least one item: without one there is nothing to say a verdict of")

    @property
    def canonical(self) -> str:
        """All that can be seen of the question, in one way of writing."""
        seen: list[object] = [
            self.shape,
            self.title,
            self.text,
            [[item.name, item.arguments, list(item.verdicts)] for item in self.items],
            list(self.choices),
            self.form,
            self.risk,
            self.convention,
            self.payload,
            *([sorted(self.labels.items())] if self.labels else []),
        ]
        return json.dumps(seen, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all that can be seen of the question. A vote is bound to it."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


# --- Vote and decision --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    value: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    choice: str


ItemVerdict: TypeAlias = Approve | Reject | Respond | Choose
"""What was said of one item. An edit is not among them: it changes the question, and is then approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One approver's verdicts, one per item, on one version of the question."""

    person: Person
    verdicts: tuple[ItemVerdict, ...]
    version: int
    digest: str
    at: datetime
    surface: SurfaceId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """People settled it. `edited` says that what they approved is not what the graph proposed."""

    verdicts: tuple[ItemVerdict, ...]
    voters: tuple[Person, ...]
    edited: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Nobody answered in time. Never a consent, and not a rejection by a person either."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The task was called off; the graph is not resumed."""

    by: Person
    at: datetime


Decision: TypeAlias = Answered | Expired | Cancelled


class Outcome(StrEnum):
    """A decision in one word."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    CHOOSE = "choose"
    MIXED = "mixed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def outcome_of(decision: Decision) -> Outcome:
    """The decision in one word; `mixed` where the items of one question were answered differently."""
    if isinstance(decision, Expired):
        return Outcome.EXPIRED
    if isinstance(decision, Cancelled):
        return Outcome.CANCELLED
    words = {type(verdict).__name__.lower() for verdict in decision.verdicts}
    if len(words) > 1:
        return Outcome.MIXED
    outcome = Outcome(words.pop())
    return Outcome.EDIT if decision.edited and outcome is Outcome.APPROVE else outcome


# --- Request ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """People are asked. `next_step` counts the policy's steps already taken; `due_at` is the next one's time."""

    due_at: datetime | None
    next_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Settled; the graph has not been seen to go on. `attempts` counts the resumes that were begun."""

    decision: Decision
    attempts: int = 0
    next_try: datetime | None = None
    """When delivery is due; None: only a person's retry brings it on."""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Settled, and the interrupt was seen to be gone from the graph."""

    decision: Decision
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """The interrupt vanished from the graph, or the task was called off, before an answer of ours was seen to have
    got through."""

    at: datetime
    decision: Decision | None = None
    """What people had decided by then."""


RequestState: TypeAlias = Pending | Decided | Delivered | Superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Who changed the question's items, and when; what it was before is `Request.proposed`."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The durable record of one question put to people. Unique on (thread_id, interrupt_id)."""

    id: RequestId
    task_id: TaskId
    thread_id: ThreadId
    interrupt_id: InterruptId
    graph: str
    requester: Person
    proposed: Question
    """As the graph asked it."""
    question: Question
    """As it stands now: `proposed`, with the edits."""
    policy: Policy
    """A snapshot: later edits of the policy file do not change a running request."""
    place: str = ""
    """Where in the graph it is asked."""
    asked: tuple[Person, ...]
    """Who the policy's approvers were when the request was opened; shown, never relied on."""
    opened_at: datetime
    state: RequestState
    version: int = 1
    """Of the question: an edit, or a graph that asks anew, makes the next one and voids earlier votes."""
    renewed_at: datetime | None = None
    """When the graph last asked something else here than it had asked before; None: never."""
    edits: tuple[Edit, ...] = ()
    votes: tuple[Vote, ...] = ()
    escalated_to: tuple[str, ...] = ()
    """Approvers that steps have added, as the policy names them."""
    revision: int = 0
    """Counts saves; storage compares it before it writes."""

    @property
    def digest(self) -> str:
        return self.question.digest

    @property
    def edited(self) -> bool:
        return bool(self.edits)

    @property
    def decision(self) -> Decision | None:
        match self.state:
            case Decided(decision=decision) | Delivered(decision=decision) | Superseded(decision=decision):
                return decision
            case _:
                return None

    @property
    def approvers(self) -> tuple[str, ...]:
        """Everyone who may answer by now, as the policy names them."""
        return (
            *self.policy.approvers,
            *(ref for ref in self.escalated_to if ref not in self.policy.approvers),
        )

    @property
    def deadline(self) -> datetime | None:
        after = self.policy.deadline
        return None if after is None else self.opened_at + after


def with_arguments(question: Question, index: int, arguments: Mapping[str, JSON]) -> Question:
    """The question with one item's arguments replaced; its name stays, so an edit cannot switch the action."""
    items = list(question.items)
    items[index] = replace(items[index], arguments=dict(arguments))
    return replace(question, items=tuple(items))


# --- Surface ------------------------------------------------------------------------------------


class SurfaceKind(StrEnum):
    OPENING = "opening"
    """The message that opens the task's Slack thread."""
    CARD = "card"
    """The request in that thread."""
    COPY = "copy"
    """The same card in somebody's DM."""
    FILE = "file"
    """The whole of a request that is too long to be read in a modal, in the version that it had."""
    REMINDER = "reminder"
    OUTCOME = "outcome"
    """How the task ended, or why it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One Slack message and what it shows. Its id travels in the message's metadata, so that a post whose
    response was lost can be found again."""

    id: SurfaceId
    kind: SurfaceKind
    task_id: TaskId
    created_at: datetime
    request_id: RequestId | None = None
    to: Person | None = None
    """Whose DM a copy goes to."""
    version: int = 0
    """Of the request, whose whole a file holds; 0 of any other kind."""
    ref: MessageRef | None = None
    shown: int = -1
    """The revision of its task or request that it shows; -1: nothing yet."""
    fingerprint: str = ""
    """Of what was drawn last, so that an unchanged drawing costs no call."""
    attempted: bool = False
    """A post was begun and its outcome is not known."""
    tries: int = 0
    not_before: datetime | None = None
    """Claimed, or put off, until then."""
    abandoned: str = ""
    """Slack's reason why this message can never be shown; empty while it can."""
    revision: int = 0

    @property
    def shows(self) -> RequestId | None:
        """The request whose revision `shown` counts; None where it counts the task's."""
        match self.kind:
            case SurfaceKind.OPENING | SurfaceKind.OUTCOME:
                return None
            case SurfaceKind.CARD | SurfaceKind.COPY | SurfaceKind.FILE | SurfaceKind.REMINDER:
                if self.request_id is None:
                    raise ValueError(f"surface {self.id} is a {self.kind} of no request")
                return self.request_id
            case _:
                assert_never(self.kind)


# --- Audit --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What happened, written in the same transaction as the change that it tells of."""

    kind: str
    at: datetime
    task_id: TaskId
    request_id: RequestId | None = None
    person: Person | None = None
    data: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to drive one LangGraph thread until `until`. `token` grows with each lease of the thread."""

    thread_id: ThreadId
    token: int
    until: datetime
