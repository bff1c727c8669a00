"""The table of goals: what was, what is, and whether it is enough."""

from typing import Any

import pytest

from benchmarks import goals, report
from benchmarks.goals import Goal

CPU = Goal(
    label="CPU", now=lambda it: it["now"], before={"sqlite": 20.0}, times=0.5, measured_before=lambda it: it["was"]
)
RATE = Goal(label="rate", now=lambda it: it["now"], before={"sqlite": 20.0}, times=2.5)
ACK = Goal(label="ack", now=lambda it: it["now"], most={"sqlite": 3.0, "redis": 10.0})


@pytest.mark.parametrize(
    ("goal", "now", "verdict"),
    [
        (CPU, 10.0, "0.50 x: met"),
        (CPU, 10.2, "0.51 x: NOT MET"),
        (RATE, 50.0, "2.50 x: met"),
        (RATE, 49.0, "2.45 x: NOT MET"),
        (ACK, 3.0, "met"),
        (ACK, 3.1, "NOT MET"),
    ],
)
def test_a_goal_is_met_or_not(goal: Goal, now: float, verdict: str) -> None:
    assert goal.row("sqlite", {"now": now})[-1] == verdict


def test_what_was_measured_in_the_same_run_counts_instead_of_the_kept_figure() -> None:
    """The kept one is of another machine."""
    assert CPU.row("sqlite", {"now": 10.0, "was": 40.0}) == ("CPU", "40", "10", "<= 0.5 x", "0.25 x: met")


def test_what_was_not_measured_is_a_dash() -> None:
    assert CPU.row("sqlite", {}) == ("CPU", "20", "-", "<= 0.5 x", "-")
    assert RATE.row("redis", {"now": 5.0}) == ("rate", "-", "5", ">= 2.5 x", "-")


def test_each_store_has_its_own_bound() -> None:
    assert [ACK.row(store, {"now": 5.0})[3:] for store in ("sqlite", "redis")] == [
        ("<= 3", "NOT MET"),
        ("<= 10", "met"),
    ]


def test_the_table_has_each_goal_of_each_store_though_nothing_was_measured() -> None:
    """Redis has no durable transactions, in the sense of SQLite."""
    results: dict[str, dict[str, Any]] = {"sqlite": {}, "redis": {}}
    table = report.goals(results)

    labels = {name: [row[0] for row in goals.rows(name, {})] for name in results}
    assert all(f"{name}: {label}" in table for name in results for label in labels[name])
    assert set(labels["sqlite"]) - set(labels["redis"]) == {"durable transactions a decision, records"}
