"""What people answer to a question, and what follows: verdicts, votes and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from bot.approvals.model.ids import JSON, MessageRef, Operator, Person, Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    value: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    choice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Undo what the agent has done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Leave what the agent has done as it is."""


ItemVerdict: TypeAlias = Approve | Reject | Respond | Choose | Undo | Keep
"""The verdict on one item. An edit is not among them: it changes the question, which is then approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One approver's verdicts, one per item, on one version of the question."""

    person: Person
    verdicts: tuple[ItemVerdict, ...]
    version: int
    digest: str
    at: datetime
    surface: str | None = None
    """The message that it was given on, or `COMMAND`. None if it was neither."""
    stage: int = 0
    """The policy's stage in which it counts."""
    message: MessageRef | None = None
    """The message whose text is the answer. None if it was not given as text."""
    through: str = ""
    """The name of the token with which another page gave it. Empty if it was given in Slack."""


class Outcome(StrEnum):
    """A decision in one word."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"
    CHOOSE = "choose"
    MIXED = "mixed"
    UNDO = "undo"
    KEEP = "keep"
    CLOSED = "closed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """People or the policy answered. `edited` says that what was approved differs from what the graph proposed."""

    verdicts: tuple[ItemVerdict, ...]
    voters: tuple[Person, ...]
    edited: bool
    at: datetime
    ruled: str = ""
    """Why the policy settled it without people, as text. Empty if people settled it."""

    @property
    def outcome(self) -> Outcome:
        """The decision in one word: `mixed` if the items of the question were answered differently."""
        words = {type(verdict).__name__.lower() for verdict in self.verdicts}
        outcome = Outcome(words.pop()) if len(words) == 1 else Outcome.MIXED
        return Outcome.EDIT if self.edited and outcome is Outcome.APPROVE else outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Nobody answered in time. This is never a consent, and not a rejection by a person either."""

    at: datetime

    @property
    def outcome(self) -> Outcome:
        return Outcome.EXPIRED


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowClosed:
    """Nobody undid it in time, so the result stays. This is no approval, and no question was left unanswered: what the
    agent has done was done before anybody was told."""

    at: datetime

    @property
    def outcome(self) -> Outcome:
        return Outcome.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The task was cancelled, or the program that asked withdrew its request. The graph is not resumed."""

    by: Person | Program | Operator
    at: datetime
    reason: str = ""
    """Why an operator cancelled it. Empty if they did not say, or if it was not an operator."""

    @property
    def outcome(self) -> Outcome:
        return Outcome.CANCELLED


Decision: TypeAlias = Answered | Expired | Cancelled | WindowClosed


def outcome_of(decision: Decision) -> Outcome:
    return decision.outcome
