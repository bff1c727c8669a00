"""Facts as metrics of Prometheus.

`docs/reference/metrics.md` says what each means, and a test holds that page and this module together. Labels come from
the configuration and from the code, and never from what people or programs write, so there are few series.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar, assert_never

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bot.approvals.model.facts import (
    ApiAnswered,
    Fact,
    JobPutOff,
    LeaseLost,
    ProcessDraining,
    ProcessEnded,
    ProcessGone,
    ProcessStarted,
    Recorded,
    RoleEnded,
    RuleChosen,
    RunEnded,
    ServerAway,
    ServerReached,
    SlackAcknowledged,
    SlackCalled,
    SlackConnected,
    SlackDisconnected,
    SlackHeldBack,
    SlackLimited,
    StorageAnswered,
    StorageUnreachable,
    SweepEnded,
    TroubleBegan,
    TroubleEnded,
    WebhookTried,
    WorkerEnded,
)
from bot.approvals.model.trace import Trace
from bot.telemetry import figures
from bot.telemetry.people import People

Key = TypeVar("Key")
Child = TypeVar("Child")

MAX_NAMES: Final = 100
"""How many values a label takes that is a name: of a graph, a server, a route. All further ones are `OTHER`."""
OTHER: Final = "other"
LANGGRAPH: Final = "langgraph"
"""The engine that runs graphs in the bot's own workers."""
QUICK: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Seconds, for what is usually over within milliseconds."""
CALLS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ACK: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 3)
"""Slack waits three seconds, and the alert looks at 2.5."""
SWEEPS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)
LONG: Final = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)


@dataclass(slots=True)
class Names:
    """Keeps a label to a bounded number of values."""

    most: int = MAX_NAMES
    _known: set[str] = field(default_factory=set)

    def of(self, name: str) -> str:
        """The name, or `OTHER` if this process has seen too many."""
        if name in self._known:
            return name
        if len(self._known) < self.most:
            self._known.add(name)
            return name
        return OTHER


class _Series(dict[Key, Child]):
    """The series of a metric by its labels. It finds one in a third of the time that `labels` takes."""

    def __init__(self, labels: Callable[[Key], Child]) -> None:
        super().__init__()
        self._labels = labels

    def __missing__(self, key: Key) -> Child:
        self[key] = child = self._labels(key)
        return child


class Metrics:
    """Counts facts. Each process has one; `bot.telemetry.exposition` adds them up."""

    def __init__(self, registry: CollectorRegistry | None = None, now: Callable[[], float] = time.time) -> None:
        """`now` gives seconds since 1970, by this machine's clock. Raises OSError if there is no space for figures, or
        if the folder for them is gone."""
        figures.share()
        self.registry: Final = registry or CollectorRegistry()
        self._now = now
        self._engines, self._methods, self._routes, self._kinds = Names(), Names(), Names(), Names()
        registry = self.registry

        def counter(name: str, means: str, *labels: str) -> Counter:
            return Counter(f"countersign_{name}", means, labels, registry=registry)

        def histogram(name: str, means: str, buckets: Collection[float], *labels: str) -> Histogram:
            return Histogram(f"countersign_{name}", means, labels, buckets=tuple(buckets), registry=registry)

        def gauge(name: str, means: str, mode: str, *labels: str) -> Gauge:
            # `live...`: only what processes say that live. `max` keeps a moment beyond the end of its process.
            return Gauge(f"countersign_{name}", means, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]

        self._people = People(counter, histogram, Names)
        self._delivery = histogram(
            "delivery_seconds", "From the decision, or the end of its hold, to its delivery", LONG, "engine"
        )
        self._acks = histogram("ack_seconds", "From the arrival of what Slack sent to its acknowledgement", ACK, "kind")
        self._calls = counter("slack_calls_total", "Calls of Slack's Web API", "method", "outcome")
        self._call_seconds = histogram("slack_call_seconds", "How long calls of Slack's Web API took", CALLS, "method")
        self._calls_by: _Series[tuple[str, str], Counter] = _Series(lambda by: self._calls.labels(*by))
        self._call_seconds_by = _Series(self._call_seconds.labels)
        self._retry_after = counter(
            "slack_retry_after_seconds_total", "Seconds that Slack told the bot to wait (429)", "method"
        )
        self._envelope = gauge(
            "slack_last_envelope_timestamp_seconds", "When something from Slack was last acknowledged", "max"
        )
        self._sweeps = histogram("sweep_seconds", "How long sweeps took", SWEEPS, "role")
        self._swept = gauge(
            "sweep_last_success_timestamp_seconds", "When a sweep last ended that was not cut short", "max", "role"
        )
        self._lanes = gauge("lane_depth", "Jobs that run or wait for their turn", "livesum", "lane")
        self._leases_lost = counter(
            "leases_lost_total", "Runs that were stopped because their process no longer held the thread"
        )
        self._storage = histogram("storage_seconds", "How long calls of storage took", QUICK, "verb")
        self._answers = _Series(self._storage.labels)
        self._unreachable = counter("storage_unreachable_total", "Calls that storage did not answer")
        self._engine_up = gauge("engine_up", "Whether the engine can run agents: 1 or 0", "livemax", "engine")
        self._engine_up.labels(LANGGRAPH).set(0)  # until a worker that lives says otherwise
        self._lag = gauge(
            "loop_lag_seconds", "The longest time that an event loop was late in the last 15 seconds", "livemax"
        )
        self._api = counter("api_requests_total", "Calls of the HTTP API", "route", "code")
        self._webhooks = counter("webhook_deliveries_total", "Tries to tell a program of its request", "outcome")
        for outcome in ("delivered", "failed", "given_up"):
            self._webhooks.labels(outcome)  # an alert looks at the first one too, which it would see appear at 1

    def take(self, fact: Fact, at: float | None = None, trace: Trace | None = None) -> None:  # noqa: ARG002
        match fact:
            case StorageAnswered():  # first, because it is the most frequent one
                self._answers[fact.verb].observe(fact.seconds)
            case Recorded():
                self._people.take(fact)
                if (delivered := self._people.delivered(fact)) is not None:
                    self._delivery.labels(self._engines.of(delivered.engine)).observe(delivered.seconds)
            case SlackCalled():
                self._called(fact)
            case SlackLimited():
                self._retry_after.labels(self._methods.of(fact.method)).inc(fact.seconds)
            case SlackAcknowledged():
                self._acks.labels(self._kinds.of(fact.kind)).observe(fact.seconds)
                self._envelope.set(self._now())
            case SweepEnded():
                self._sweeps.labels(fact.role).observe(fact.seconds)
                if not fact.cut_short:
                    self._swept.labels(fact.role).set(self._now())
            case LeaseLost():
                self._leases_lost.inc()
            case StorageUnreachable():
                self._unreachable.inc()
            case ProcessStarted():
                if fact.role == "worker":
                    self._engine_up.labels(LANGGRAPH).set(1)
            case ServerReached() | ServerAway():
                self._engine_up.labels(self._engines.of(fact.server)).set(isinstance(fact, ServerReached))
            case ApiAnswered():
                self._api.labels(self._routes.of(fact.route), str(fact.code)).inc()
            case WebhookTried():
                self._webhooks.labels(fact.outcome).inc()
            case (
                SlackConnected()
                | SlackDisconnected()
                | SlackHeldBack()
                | ProcessDraining()
                | ProcessEnded()
                | ProcessGone()
                | WorkerEnded()
                | RoleEnded()
                | JobPutOff()
                | RunEnded()
                | RuleChosen()
                | TroubleBegan()
                | TroubleEnded()
            ):
                pass
            case _:
                assert_never(fact)

    def _called(self, fact: SlackCalled) -> None:
        method = self._methods.of(fact.method)
        self._calls_by[method, fact.outcome].inc()
        self._call_seconds_by[method].observe(fact.seconds)

    def pulse(self, *, lag: float, lanes: Mapping[str, int]) -> None:
        """How late this process's event loop was, in seconds, and how many jobs each of its lanes has."""
        self._lag.set(lag)
        for lane, depth in lanes.items():
            self._lanes.labels(lane).set(depth)
