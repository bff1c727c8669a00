"""The day as a table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.approvals.model.audit import AuditEvent
from tests.day.evidence import Found, facts_in, leaks, look, moved, spoken, unmatched, without_line
from tests.day.expected import EXPECTED, NOT_THERE, OF_NO_FACT, Metric
from tests.day.prometheus import RULES, Prometheus
from tests.day.scene import Scene
from tests.day.story import Day

BY_COMMAND = frozenset({"token_added", "cancelled", "retried"})
"""What a command of an operator may record, in a process without a log."""
COLUMNS = ("what happened", "lines", "metric", "how it moved", "alert: fired, resolved", "missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What Prometheus has seen."""

    metrics: Mapping[Metric, str | None]
    alerts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The day, for a terminal and as a page."""

    text: str
    markdown: str
    missing: bool
    """Whether anything that is promised is."""


def gathered(prometheus: Prometheus, began: float, step: float) -> Seen:
    """All that the table needs of Prometheus."""
    seconds = time.time() - began + 5
    metrics = [*(row.metric for row in EXPECTED if row.metric is not None), *OF_NO_FACT.values()]
    return Seen(
        metrics={each: moved(each, prometheus, seconds) for each in metrics},
        alerts={name: spoken(each, began) for name, each in prometheus.firings(began, step).items()},
    )


def made(scene: Scene, day: Day, seen: Seen, events: Sequence[AuditEvent], seconds: float) -> Done:
    """The report."""
    log = scene.logs
    facts = facts_in(log)
    rows = [look(row, facts, seen.metrics, seen.alerts) for row in EXPECTED]
    rows_of_states = [
        (alert, str(metric), seen.metrics[metric], seen.alerts.get(alert)) for alert, metric in OF_NO_FACT.items()
    ]
    known = {row.event for row in EXPECTED} | NOT_THERE.keys()
    surprises = sorted({each["event"] for each in facts} - known)
    happened = sorted({each["event"] for each in facts} & NOT_THERE.keys())
    leaked = leaks({"the log": log}, scene.secrets)
    unpaired = unmatched(events, facts, BY_COMMAND)
    lost = without_line(events, facts)
    missing = [f"{each.row}: {', '.join(each.missing)}" for each in rows if each.missing]
    missing += [f"{alert}: nothing" for alert, _, moved_, fired in rows_of_states if not (moved_ and fired)]
    problems = [*day.problems, *(f"missing: {each}" for each in missing), *(f"secret: {each}" for each in leaked)]
    problems += [*(f"audit log and lines differ: {each}" for each in unpaired)]
    problems += [f"not accounted for: {each}" for each in surprises]
    head = (
        f"{seconds:.0f} s; a minute of the alerts lasted {scene.minute:g} s (`for`, ranges and ages of "
        f"`{RULES.relative_to(RULES.parents[2])}` are scaled by {scene.minute / 60:.3f}; limits of Slack's are not). "
        f"The team started {day.tasks} tasks, of which {day.disturbed} ran into a fault and were left. "
        f"{len(facts):,} lines, {len(events):,} entries of the audit log."
    )
    facts_of_day = [
        f"Secrets looked for in {len(log):,} characters of the log at DEBUG: {len(scene.secrets)}; found: "
        f"{len(leaked)}.",
        f"Entries of the audit log without a line: {_counted(lost)}. Commands beside the bot have no log, and a "
        "process that is killed may take its last quarter of a second with it.",
        f"Lines without exactly one entry, or decisions without a line: {len(unpaired)}.",
    ]
    if happened:
        facts_of_day.append(f"Happened this time although it need not: {', '.join(happened)}.")
    table = list(_table(rows, rows_of_states))
    markdown = "\n".join(
        [
            "# A day in ten minutes",
            "",
            head,
            "",
            *facts_of_day,
            "",
            *(f"- **{each}**" for each in problems),
            "",
            *_markdown(COLUMNS, table),
            "",
            "## An example of each line",
            "",
            "```text",
            *(each.example for each in rows if each.example),
            "```",
            "",
            "## What does not happen in this day",
            "",
            *_markdown(("event", "why"), [(f"`{event}`", why) for event, why in NOT_THERE.items()]),
            "",
        ]
    )
    text = "\n".join([head, *facts_of_day, "", *_aligned([COLUMNS, *table]), "", *(f"PROBLEM: {p}" for p in problems)])
    return Done(text=f"{text}\n", markdown=markdown, missing=bool(problems))


def _table(
    rows: Iterable[Found], states: Iterable[tuple[str, str, str | None, str | None]]
) -> Iterator[tuple[str, ...]]:
    for each in rows:
        row = each.row
        yield (
            str(row),
            f"{each.lines:,}" if row.line else "none promised",
            str(row.metric).removeprefix("countersign_") if row.metric else "",
            each.metric,
            f"{(row.alert or '').removeprefix('Countersign')}: {each.alert}" if row.alert else "",
            ", ".join(each.missing),
        )
    for alert, metric, how, fired in states:
        yield (
            "(what lasts)",
            "",
            metric.removeprefix("countersign_"),
            how or "",
            f"{alert.removeprefix('Countersign')}: {fired or ''}",
            "" if how and fired else "metric or alert",
        )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "none"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
