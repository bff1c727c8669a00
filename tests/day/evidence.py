"""What the day has left behind: lines of the log, entries of the audit log, and what must be in neither."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.approvals.model.audit import AuditEvent
from bot.cli.audit.rows import event_of
from bot.storage.redis.store import RedisStorage, client
from bot.telemetry.lines import TOLD
from tests.day.expected import Metric, Row
from tests.day.prometheus import Firing, Prometheus

DECISIONS: Final = frozenset({"voted", "withdrawn", "edited", "ruled", "expired", "cancelled"})
"""Kinds of audit events with which people, or silence, decide. The gateway records them, which the day never kills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found of one row."""

    row: Row
    lines: int
    example: str
    metric: str
    """In words. Empty if none is promised."""
    alert: str
    missing: tuple[str, ...]


async def recorded(url: str) -> list[AuditEvent]:
    """Everything in the audit log of this Redis, in order."""
    storage = RedisStorage(client(url))
    try:
        entries = await storage.trail(0, 1_000_000)
    finally:
        await storage.close()
    return [event for entry in entries if (event := event_of(entry)) is not None]


def facts_in(log: str) -> list[dict[str, Any]]:
    """The lines of the log that tell of a fact."""
    told = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    return [each for each in told if "event" in each]


def look(
    row: Row, facts: Sequence[Mapping[str, Any]], seen: Mapping[Metric, str | None], fired: Mapping[str, str]
) -> Found:
    """What there is of one row."""
    lines = [
        each
        for each in facts
        if each["event"] == row.event and all(each.get(name) == value for name, value in row.only.items())
    ]
    metric = seen[row.metric] if row.metric is not None else ""
    alert = fired.get(row.alert) if row.alert is not None else ""
    missing = []
    if row.line and not lines:
        missing.append("line")
    if metric is None:
        missing.append("metric")
    if alert is None:
        missing.append("alert")
    return Found(
        row=row,
        lines=len(lines),
        example=_text(lines[-1]) if lines else "",
        metric=metric or "",
        alert=alert or "",
        missing=tuple(missing),
    )


def moved(metric: Metric, prometheus: Prometheus, seconds: float) -> str | None:
    """How a metric moved, in words. None if it did not."""
    series = [
        each
        for each in prometheus.series(metric.name, seconds)
        if all(each.labels.get(name) == value for name, value in metric.labels.items())
    ]
    values = [value for each in series for value in each.values]
    match metric.how:
        case "rises":
            rise = sum(each.rise for each in series)
            return f"+{rise:,.6g}" if rise > 0 else None
        case "is above 0":
            return f"up to {max(values):,.1f}".removesuffix(".0") if values and max(values) > 0 else None
        case "falls to 0":
            return "1, then 0" if values and min(values) == 0 < max(values) else None
        case "is there":
            return f"{max(values):.0f}" if values else None


def spoken(firings: Iterable[Firing], began: float) -> str:
    """When an alert fired and was resolved, in seconds since the beginning."""
    return ", ".join(
        f"{each.began - began:.0f} s to " + ("the end" if each.ended is None else f"{each.ended - began:.0f} s")
        for each in firings
    )


def unmatched(events: Iterable[AuditEvent], facts: Iterable[Mapping[str, Any]], by_hand: frozenset[str]) -> list[str]:
    """What is wrong between the audit log and its lines, in words: a decision without a line, or anything with two.
    `by_hand` are kinds that a command in another process has recorded, which has no log."""
    recorded = Counter(_key_of(event) for event in events)
    told = Counter(_key(each) for each in facts if each["event"].startswith("audit."))
    problems = [f"{_words(key)}: {told[key]} lines for {count} entries" for key, count in (told - recorded).items()]
    for key, count in (recorded - told).items():
        kind = key[0].removeprefix("audit.")
        if kind in DECISIONS and kind not in by_hand:
            problems.append(f"{_words(key)}: {count} without a line")
    return problems


def without_line(events: Iterable[AuditEvent], facts: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """The kinds of entries that have no line: what a killed process had no time to write."""
    recorded = Counter(_key_of(event) for event in events)
    told = Counter(_key(each) for each in facts if each["event"].startswith("audit."))
    return Counter(key[0] for key in (recorded - told).elements())


def leaks(texts: Mapping[str, str], secrets: Mapping[str, str]) -> list[str]:
    """Which secret stands in which text."""
    return [f"{secret} in {name}" for name, text in texts.items() for secret, value in secrets.items() if value in text]


def _key_of(event: AuditEvent) -> tuple[str, ...]:
    person = f"{event.person.team_id}/{event.person.user_id}" if event.person else ""
    told = [str(event.data.get(key, "")) for key in TOLD.get(event.kind, ("version", "outcome"))]
    return (f"audit.{event.kind}", event.task_id, event.request_id or "", person, *told)


def _key(fact: Mapping[str, Any]) -> tuple[str, ...]:
    kind = fact["event"].removeprefix("audit.")
    told = [str(fact.get(key, "")) for key in TOLD.get(kind, ("version", "outcome"))]
    return (fact["event"], fact.get("task", ""), fact.get("request", ""), fact.get("person", ""), *told)


def _words(key: tuple[str, ...]) -> str:
    return " ".join(word for word in key if word)


def _text(fact: Mapping[str, Any]) -> str:
    told = (f"{name}={value}" for name, value in fact.items() if name not in ("time", "level", "event"))
    return " ".join([fact["level"], fact["event"], *told])
