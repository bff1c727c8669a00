"""What the bot tells of its work: one typed fact for each thing that an operator may want to know.

A fact holds ids, names from the configuration, and figures: no text that people or agents wrote, and nothing secret.
`bot.telemetry` makes log lines, metrics and spans of facts. They stand here because every part of the bot tells them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Something is in the audit log. Told after its transaction, by the process that made it."""

    event: ClassVar[str] = "audit"
    """The audit event's own kind follows it: `audit.voted`."""
    entry: AuditEvent
    about: Task | Request | None = None
    """The task or the request as it was stored with the event, but for its revision. None if neither was."""


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
    """Slack's own word for why it refused, such as `channel_not_found`. Empty if it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackLimited:
    """Slack answered 429, and no call of this method is made for `seconds`."""

    event: ClassVar[str] = "slack.limited"
    method: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackAcknowledged:
    """What Slack sent was acknowledged. Slack waits three seconds for that."""

    event: ClassVar[str] = "slack.acknowledged"
    kind: str
    """`events_api`, `interactive` or `slash_commands`."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConnected:
    """The connection to Slack stands, for the first time or again."""

    event: ClassVar[str] = "slack.connected"
    away: float | None = None
    """For how many seconds there was none. None at the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackDisconnected:
    """The connection to Slack is gone. No click arrives until it is back."""

    event: ClassVar[str] = "slack.disconnected"


# --- The machine --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepEnded:
    """A look at everything that is due has ended."""

    event: ClassVar[str] = "sweep.ended"
    role: str
    seconds: float
    cut_short: bool = False
    """Whether storage did not answer, so that the next sweep has to do the rest."""


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
    """A LangGraph Server cannot be used."""

    event: ClassVar[str] = "server.away"
    server: str


# --- Programs -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswered:
    """A call of the HTTP API was answered."""

    event: ClassVar[str] = "api.answered"
    route: str
    """The path with the names of its parameters, such as `/v1/requests/{id}`."""
    code: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTried:
    """A program was told what became of its request, or could not be told."""

    event: ClassVar[str] = "webhook.tried"
    task_id: TaskId
    webhook: str
    outcome: Literal["delivered", "failed", "given_up"]


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
    | SlackAcknowledged
    | SlackConnected
    | SlackDisconnected
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
    | RuleChosen
)
"""Every kind of fact. To add one: its class here, its line in `telemetry.lines`, and its metric, if it has one."""
