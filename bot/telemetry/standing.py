"""How things stand at this moment, as metrics: what waits in storage, and what the process that serves them knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from bot import __version__
from bot.approvals.model.census import Census, Some, Waiting
from bot.telemetry.metrics import MAX_NAMES, OTHER

PREFIX: Final = "countersign_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known at this moment. None stands for what is not known: then the page does not have it."""

    sweep_interval: float
    census: Census | None = None
    counted_at: datetime | None = None
    """When that was so, if the next counts are not due yet. None if storage could not be asked for them: then ages are
    counted to the present, so that they go on growing."""
    connected: bool | None = None
    """Whether Slack is connected."""
    waiting: int | None = None
    """Calls of the API that wait for a change."""

    def metrics(self, now: datetime) -> list[Metric]:
        """All of it."""
        of_storage = [] if self.census is None else _of(self.census, self.counted_at or now)
        connected = [] if self.connected is None else [((), float(self.connected))]
        waiting = [] if self.waiting is None else [((), float(self.waiting))]
        return [
            *of_storage,
            _gauge("slack_connected", "Whether what people do in Slack reaches the bot: 1 or 0", connected),
            _gauge("api_waiting", "Calls of the HTTP API that wait for a change", waiting),
            _gauge("sweep_interval_seconds", "Seconds between two sweeps", [((), self.sweep_interval)]),
            _gauge("build_info", "The version that runs", [((__version__,), 1)], "version"),
        ]


def _of(census: Census, now: datetime) -> list[Metric]:
    pending = _bounded(census)

    def age(some: Some) -> float:
        return 0.0 if some.since is None else max((now - some.since).total_seconds(), 0.0)

    def each(value: str) -> list[tuple[Sequence[str], float]]:
        found: list[tuple[Sequence[str], float]] = []
        for graph, waiting in pending.items():
            age = max((now - waiting.since).total_seconds(), 0.0)
            found.append(((graph,), {"count": waiting.count, "age": age, "overdue": waiting.overdue}[value]))
        return found

    return [
        _gauge("requests_pending", "Requests that people have not answered", each("count"), "graph"),
        _gauge("oldest_pending_seconds", "Age of the oldest pending request", each("age"), "graph"),
        _gauge("overdue", "Pending requests with a step that is due and not taken", each("overdue"), "graph"),
        _gauge("undelivered", "Decisions that nobody is delivering at the moment", [((), census.undelivered.count)]),
        _gauge("oldest_undelivered_seconds", "Age of the oldest undelivered decision", [((), age(census.undelivered))]),
        _gauge("tasks_failed", "Tasks that an error has stopped until somebody acts", [((), census.failed)]),
        _gauge("surfaces_stale", "Messages in Slack that are out of date", [((), census.stale.count)]),
        _gauge("oldest_stale_seconds", "Seconds that the stalest message is out of date", [((), age(census.stale))]),
        _gauge("audit_entries", "Entries of the audit log", [((), census.entries)]),
        _gauge("oldest_webhook_seconds", "Age of the oldest undelivered webhook", [((), age(census.webhooks))]),
    ]


def _bounded(census: Census) -> dict[str, Waiting]:
    """The graphs with the most requests. All others are one."""
    ranked = sorted(census.pending.items(), key=lambda item: (-item[1].count, item[0]))
    found = dict(ranked[:MAX_NAMES])
    if rest := [waiting for _, waiting in ranked[MAX_NAMES:]]:
        found[OTHER] = Waiting(
            count=sum(each.count for each in rest),
            since=min(each.since for each in rest),
            overdue=sum(each.overdue for each in rest),
        )
    return found


def _gauge(name: str, means: str, samples: Iterable[tuple[Sequence[str], float]], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}{name}", means, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
