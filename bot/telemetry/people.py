"""What people do, as metrics: made of what is added to the audit log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from prometheus_client import Counter, Histogram

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import Answered, Cancelled, Outcome
from bot.approvals.model.facts import Recorded
from bot.approvals.model.ids import TaskId
from bot.approvals.model.policy import Escalate, Via
from bot.approvals.model.request import Decided, Delivered, Request, Superseded, Then
from bot.approvals.model.server import server_of
from bot.approvals.rules.reach import nobody_was_reached

WAITS: Final = (60, 300, 900, 3600, 14400, 43200, 86400, 259200, 604800)
"""Seconds: from a minute to a week."""
WORDS: Final = {
    Outcome.APPROVE: "approved",
    Outcome.EDIT: "edited",
    Outcome.REJECT: "rejected",
    Outcome.RESPOND: "responded",
    Outcome.CHOOSE: "chosen",
    Outcome.MIXED: "mixed",
    Outcome.UNDO: "undone",
    Outcome.KEEP: "kept",
    Outcome.CLOSED: "closed",
    Outcome.EXPIRED: "expired",
    Outcome.CANCELLED: "cancelled",
}
"""The label `outcome` of a decision."""
SUPERSEDED: Final = "superseded"
"""That of a question that was gone before anybody had decided."""
SETTLING: Final = frozenset({"opened", "voted", "edited", "ruled", "expired", "window_closed"})
"""The kinds of events after which a request may be decided that was not before."""
BY_SILENCE: Final = frozenset({"expired", "ruled"})


class OfNames(Protocol):
    """Keeps a label to a bounded number of values."""

    def of(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One decision that has reached its agent."""

    engine: str
    seconds: float


class People:
    """Requests and decisions, refusals and escalations."""

    def __init__(
        self,
        counter: Callable[..., Counter],
        histogram: Callable[..., Histogram],
        names: Callable[[], OfNames],
    ) -> None:
        self._graphs, self._reasons = names(), names()
        self._requests = counter("requests_total", "Requests that were opened", "graph", "risk")
        self._decisions = counter("decisions_total", "Requests that were settled", "graph", "outcome")
        self._seconds = histogram(
            "decision_seconds", "From the opening of a request until people had answered it", WAITS, "graph"
        )
        self._refusals = counter("refusals_total", "Things that somebody tried and may not do, or too late", "reason")
        self._escalations = counter("escalations_total", "Escalations that came due", "as", "reached")
        self._unreached = counter("unreached_total", "Deadlines that passed although nobody had been reached")
        self._failures = counter("delivery_failures_total", "Tries to deliver a decision that failed", "graph")

    def take(self, fact: Recorded) -> None:
        kind, request = fact.entry.kind, fact.about
        if kind == "refused":
            self._refusals.labels(self._reasons.of(str(fact.entry.data.get("why", "")))).inc()
        if not isinstance(request, Request):
            return
        graph = self._graphs.of(request.graph)
        if kind == "opened":
            self._requests.labels(graph, request.question.risk or "none").inc()
        elif kind == "escalated":
            self._escalated(fact, request)
        elif kind == "delivery_failed":
            self._failures.labels(graph).inc()
        if (outcome := _settled(kind, request)) is not None:
            self._decisions.labels(graph, outcome).inc()
            decision = request.decision
            if isinstance(decision, Answered) and decision.voters:
                self._seconds.labels(graph).observe(_seconds(request.opened_at, decision.at))
            if kind in BY_SILENCE and nobody_was_reached(request):
                self._unreached.inc()

    def delivered(self, fact: Recorded) -> Delivery | None:
        """How long a delivery took that this says of. None if it says of none."""
        request = fact.about
        if fact.entry.kind not in ("delivered", "stopped_there") or not isinstance(request, Request):
            return None
        if not isinstance(request.state, Delivered) or isinstance(request.state.decision, Cancelled):
            return None
        since = request.state.decision.at
        if isinstance(request.state.decision, Answered):  # only what people or the policy said is held
            since = min(since + request.policy.hold, request.state.at)
        return Delivery(engine=engine_of(request.task_id), seconds=_seconds(since, request.state.at))

    def _escalated(self, fact: Recorded, request: Request) -> None:
        missed = [each for each in request.unreached if each.asked_at == fact.entry.at]
        nobody = any(each.then is not Then.OTHERS for each in missed)
        reached = "nobody" if nobody else "some" if missed else "all"
        asked = fact.entry.data.get("to")
        names = set(asked) if isinstance(asked, list) else set()
        steps = (step.action for step in request.stage.steps)
        ways = {each.via for each in steps if isinstance(each, Escalate) and names.intersection(each.to)}
        for way in sorted(ways or {Via.DM}):
            self._escalations.labels(str(way), reached).inc()


def _seconds(since: datetime, until: datetime) -> float:
    """How long that was. Nothing, if the clock was put back meanwhile: a sum that falls would look like a new start."""
    return max((until - since).total_seconds(), 0.0)


def engine_of(task_id: TaskId) -> str:
    """What runs the task's agent: `caller`, the name of a LangGraph Server, or `langgraph`."""
    return "caller" if is_of_caller(task_id) else server_of(task_id) or "langgraph"


def _settled(kind: str, request: Request) -> str | None:
    """How this event settled the request, as the label says it. None if it did not.

    A cancelled request is counted when it is done with, which happens once, and all others when they are decided.
    """
    match request.state:
        case Delivered(decision=Cancelled()) if kind in ("cancelled", "delivered"):
            return WORDS[Outcome.CANCELLED]
        case Superseded(decision=None) if kind == "superseded":
            return SUPERSEDED
        case Decided(decision=decision, attempts=0) if kind in SETTLING and not isinstance(decision, Cancelled):
            return WORDS[decision.outcome]
        case _:
            return None
