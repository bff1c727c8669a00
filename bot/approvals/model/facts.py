"""What the bot tells of its work: one typed fact for each thing that an operator may want to know.

A fact holds ids, names from the configuration, and figures: no text that people or agents wrote, and nothing secret.
`bot.telemetry` makes log lines, metrics and spans of facts. They stand here because every part of the bot tells them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import Person, RequestId, TaskId, ThreadId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.model.trouble import TroubleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Something is in the audit log. Told after its transaction, by the process that made it."""

    event: ClassVar[str] = "audit"
    """The audit event's own kind follows it: `audit.voted`."""
    entry: AuditEvent
    about: Task | Request | None = None
    """The task or the request as it was stored with the event, but for its revision. None if neither was."""


def named(error: BaseException) -> str:
    """What is told of an error: its class, and that of what caused it. Its words may be somebody's."""
    cause = error.__cause__
    return type(error).__name__ if cause is None else f"{type(error).__name__} from {type(cause).__name__}"


# --- Slack --------------------------------------------------------------------------------------

Outcome: TypeAlias = Literal["done", "refused", "limited", "not_sent", "unknown"]
"""How a call of Slack's Web API ended (`bot.slack.api.calls.Result`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackCalled:
    """A call of Slack's Web API has ended."""

    event: ClassVar[str] = "slack.called"
    method: str
    outcome: Outcome
    seconds: float
    error: str = ""
    """Slack's own word for why it refused, such as `channel_not_found`, or what came in place of an answer, such as
    `TimeoutError`. Empty if it was done or limited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackLimited:
    """Slack answered 429, and no call of this method is made for `seconds`."""

    event: ClassVar[str] = "slack.limited"
    method: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackHeldBack:
    """The bot did not make a call, because it would have had to wait for `seconds` to stay within Slack's limits."""

    event: ClassVar[str] = "slack.held_back"
    method: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackAcknowledged:
    """What Slack sent was acknowledged. Slack waits three seconds for that."""

    event: ClassVar[str] = "slack.acknowledged"
    kind: str
    """`events_api`, `interactive` or `slash_commands`."""
    seconds: float
    """From its arrival here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConnected:
    """The connection to Slack stands, for the first time or again."""

    event: ClassVar[str] = "slack.connected"
    away: float | None = None
    """For how many seconds there was none, counted from Slack's last sign of life. None at the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackDisconnected:
    """The connection to Slack is gone. No click arrives until it is back."""

    event: ClassVar[str] = "slack.disconnected"
    announced: bool = False
    """Whether Slack said so before, as it does every few hours, so that another one is opened at once."""


# --- The machine --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStarted:
    """A process of the bot is ready for work."""

    event: ClassVar[str] = "process.started"
    role: str
    version: str
    store: Literal["sqlite", "redis"]
    owner: str
    """The name under which it takes leases and claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessDraining:
    """A process of the bot was asked to end: it takes on nothing more, and finishes what it has."""

    event: ClassVar[str] = "process.draining"
    role: str
    owner: str
    seconds: float
    """How long it may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnded:
    """A process of the bot has drained, and ends in order."""

    event: ClassVar[str] = "process.ended"
    role: str
    owner: str


WorkerEnd: TypeAlias = Literal["done", "exited", "killed", "hung", "over_memory", "late"]
"""Why a worker process ended: it had done what it was there for; it exited; a signal killed it; or the bot killed it,
because it did not respond, took too much memory, or outlived the grace period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnded:
    """A worker process has ended. What it was running goes on in others."""

    event: ClassVar[str] = "worker.ended"
    owner: str
    why: WorkerEnd
    code: int
    """Its exit code, negative for a signal."""
    task_id: TaskId | None = None
    """The one task that it was there to drive, if it was."""
    memory: int | None = None
    """The bytes that it used, if it is killed for them."""
    pause: float = 0.0
    """Seconds until another one is started in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEnded:
    """The process of a role has ended although nobody asked for it, or is killed because it did not end in time."""

    event: ClassVar[str] = "role.ended"
    role: str
    code: int | None = None
    """Its exit code, negative for a signal. None if it is only being killed."""
    pause: float | None = None
    """Seconds until it is started again. None if the bot ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPutOff:
    """Work for a task or a person did not come to its end, and the next sweep tries again."""

    event: ClassVar[str] = "job.put_off"
    queue: str
    key: TaskId | Person
    error: str
    """What kept it from its end (`named`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepEnded:
    """A look at everything that is due has ended."""

    event: ClassVar[str] = "sweep.ended"
    role: str
    seconds: float
    cut_short: bool = False
    """Whether storage, or whatever else it needs, did not answer, so that the next sweep has to do the rest."""
    error: str = ""
    """What cut it short (`named`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLost:
    """A run was stopped because its process no longer holds the thread."""

    event: ClassVar[str] = "lease.lost"
    task_id: TaskId
    thread_id: ThreadId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessGone:
    """A process of the bot is gone, and what it had taken on is free for others."""

    event: ClassVar[str] = "process.gone"
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageAnswered:
    """A call of storage has ended. It makes a metric and no log line.

    Reads of the SQLite file that need no thread are not told: they take microseconds.
    """

    event: ClassVar[str] = "storage.answered"
    verb: Literal["read", "change"]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageUnreachable:
    """Storage did not answer."""

    event: ClassVar[str] = "storage.unreachable"
    verb: Literal["read", "change"]
    error: str
    """SQLite's name for what is wrong, such as `SQLITE_FULL`, or the class of the error of Redis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """An engine has driven a task as far as it goes for now."""

    event: ClassVar[str] = "run.ended"
    task_id: TaskId
    engine: str
    """`langgraph`, `caller`, or the name of a LangGraph Server."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReached:
    """A LangGraph Server can be used again, or for the first time."""

    event: ClassVar[str] = "server.reached"
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAway:
    """A LangGraph Server cannot be used. Told once for as long as it is so."""

    event: ClassVar[str] = "server.away"
    server: str
    error: str
    """What came in place of an answer: `status 503`, or the class of an error."""


# --- Programs -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswered:
    """A call of the HTTP API was answered."""

    event: ClassVar[str] = "api.answered"
    route: str
    """The path with the names of its parameters, such as `/v1/requests/{id}`. `unknown` if there is no such address."""
    method: str
    """`GET`, `POST` or another one of HTTP's own; `unknown` if it is none of them."""
    code: int
    seconds: float
    """Until it was answered, with the time for which the caller wanted to wait."""
    token: str = ""
    """The name of the token that the call came with. Empty if it had no valid one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTried:
    """A program was told what became of its request, or could not be told."""

    event: ClassVar[str] = "webhook.tried"
    task_id: TaskId
    request_id: RequestId
    webhook: str
    outcome: Literal["delivered", "failed", "given_up"]
    tries: int
    """How many have been made by now."""
    error: str = ""
    """What came in place of a yes: `status 500`, or the class of an error."""


# --- Operators ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleBegan:
    """Something goes on only if a person acts."""

    event: ClassVar[str] = "trouble.began"
    kind: TroubleKind
    subject: str
    """The id of the task, the request or the webhook, or the name of the policy or the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleEnded:
    """It is resolved."""

    event: ClassVar[str] = "trouble.ended"
    kind: TroubleKind
    subject: str
    seconds: float
    """How long it lasted."""


# --- Rules --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChosen:
    """A rule of the policy file governs a request."""

    event: ClassVar[str] = "rule.chosen"
    task_id: TaskId
    rule: str
    passed_over: tuple[str, ...] = ()
    """The rules that were looked at before it and did not match, in order."""


Fact: TypeAlias = (
    Recorded
    | SlackCalled
    | SlackLimited
    | SlackHeldBack
    | SlackAcknowledged
    | SlackConnected
    | SlackDisconnected
    | ProcessStarted
    | ProcessDraining
    | ProcessEnded
    | WorkerEnded
    | RoleEnded
    | JobPutOff
    | SweepEnded
    | LeaseLost
    | ProcessGone
    | StorageAnswered
    | StorageUnreachable
    | RunEnded
    | ServerReached
    | ServerAway
    | ApiAnswered
    | WebhookTried
    | TroubleBegan
    | TroubleEnded
    | RuleChosen
)
"""Every kind of fact. To add one: its class here, its level in `telemetry.levels`, its row in
docs/reference/log-events.md, and its metric, if it has one."""
