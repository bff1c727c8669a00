"""The goals of a decision's cost and of what a kill leaves behind, beside what was and what is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

Found: TypeAlias = Mapping[str, Any]
"""What was measured on one store, by section."""
Row: TypeAlias = tuple[str, str, str, str, str]
"""The label, what was, what is, the goal, whether it is met."""

MEASURED_BEFORE: Final = "2026-11-29, commit 52831925 (one process), a machine of two cores"
"""What `before` is of. Another machine has other figures, and so has this one when it is busier. For a ratio that
counts, name a checkout of that commit with `--before`, and it is measured in the same run, in turns."""
AFTER_A_KILL: Final = {"sqlite": 3.0, "redis": 10.0}
DURABLE: Final = "durable countersign.sqlite"
NOTHING_KEPT: Final = 0.1
"""kB a task: 2 MB over 20,000 tasks, which is less than the noise of the allocator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A number that may be at most `most`, by store. Or, without `most`, one that is to be `times` what was before: at
    most that if it is less than 1, else at least."""

    label: str
    now: Callable[[Found], float]
    digits: int = 0
    before: Mapping[str, float] = field(default_factory=dict)
    measured_before: Callable[[Found], float] | None = None
    most: Mapping[str, float] = field(default_factory=dict)
    times: float = 1.0

    def row(self, store: str, found: Found) -> Row:
        """A dash stands for what was not measured."""
        was, is_now = self._was(store, found), _or_none(self.now, found)
        goal = f"<= {self.most[store]:g}" if self.most else f"{'<=' if self.times < 1 else '>='} {self.times:g} x"
        return self.label, self._shown(was), self._shown(is_now), goal, self._verdict(store, was, is_now)

    def _verdict(self, store: str, was: float | None, is_now: float | None) -> str:
        if is_now is None:
            return "-"
        if self.most:
            return "met" if is_now <= self.most[store] else "NOT MET"
        if not was:
            return "-"
        ratio = is_now / was
        met = ratio <= self.times if self.times < 1 else ratio >= self.times
        return f"{ratio:.2f} x: {'met' if met else 'NOT MET'}"

    def _was(self, store: str, found: Found) -> float | None:
        measured = _or_none(self.measured_before, found) if self.measured_before else None
        return self.before.get(store) if measured is None else measured

    def _shown(self, number: float | None) -> str:
        return "-" if number is None else f"{number:.{self.digits}f}"


def rows(store: str, found: Found) -> Iterator[Row]:
    """Each goal, for one store."""
    for goal in GOALS:
        if store in goal.most or not goal.most:
            yield goal.row(store, found)


def _or_none(what: Callable[[Found], float], found: Found) -> float | None:
    try:
        return what(found)
    except KeyError:
        return None


def _of(*path: str) -> Callable[[Found], float]:
    """The number under these names. KeyError if it was not measured."""

    def number(found: Found) -> float:
        for name in path:
            found = found[name]
        return cast("float", found)

    return number


GOALS: Final = (
    Goal(
        label="CPU a decision, all processes: ms",
        now=_of("bot", "cpu_ms_each"),
        digits=1,
        before={"sqlite": 50.5, "redis": 47.0},
        measured_before=_of("before", "cpu_ms_each"),
        times=0.5,
    ),
    Goal(
        label="telemetry, of a decision's CPU: %",
        now=_of("telemetry", "percent", "median"),
        digits=1,
        most={"sqlite": 3.0, "redis": 3.0},
    ),
    Goal(
        label="durable transactions a decision, records",
        now=_of("calls", "bot", "commits", DURABLE),
        digits=1,
        before={"sqlite": 12.0},
        measured_before=_of("calls", "before", "commits", DURABLE),
        most={"sqlite": 6},
    ),
    Goal(
        label="decisions/s",
        now=_of("bot", "per_second"),
        digits=1,
        before={"sqlite": 17.3, "redis": 14.0},
        measured_before=_of("before", "per_second"),
        times=2.5,
    ),
    Goal(
        label="click to acknowledged, graphs hinder, p99: ms",
        now=_of("hindered", "acknowledged_p99_ms"),
        most={"sqlite": 50, "redis": 50},
    ),
    Goal(
        label="click to resumed, graphs hinder, p50: ms",
        now=_of("hindered", "resumed_p50_ms"),
        most={"sqlite": 50, "redis": 50},
    ),
    Goal(
        label="kill of all to delivered: s",
        now=_of("kill_all", "delivered_seconds"),
        digits=1,
        before={"sqlite": 31.5, "redis": 32.5},
        most=AFTER_A_KILL,
    ),
    Goal(
        label="kill of all to shown: s",
        now=_of("kill_all", "shown_seconds"),
        digits=1,
        before={"sqlite": 59.0, "redis": 59.0},
        most=AFTER_A_KILL,
    ),
    Goal(
        label="kill of the worker to delivered: s",
        now=_of("kill_worker", "delivered_seconds"),
        digits=1,
        most=AFTER_A_KILL,
    ),
    Goal(
        label="kill of the worker to shown: s",
        now=_of("kill_worker", "shown_seconds"),
        digits=1,
        most=AFTER_A_KILL,
    ),
    Goal(
        label="memory kept of a finished task: kB",
        now=_of("leak", "kilobytes_each"),
        digits=2,
        most={"sqlite": NOTHING_KEPT, "redis": NOTHING_KEPT},
    ),
)
