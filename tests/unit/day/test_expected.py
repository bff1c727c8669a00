"""What the day expects is complete, and names what there is."""

from __future__ import annotations

import re

import yaml

from tests.day.expected import EXPECTED, NOT_THERE, OF_NO_FACT
from tests.day.prometheus import RULES, Series, scaled
from tests.support.stage import ROOT


def test_every_event_is_accounted_for() -> None:
    """If this fails because you tell of something new, have it happen in the day, or say there why it cannot."""
    page = (ROOT / "docs" / "reference" / "log-events.md").read_text()
    listed = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", page, re.MULTILINE))

    assert listed == {row.event for row in EXPECTED} | NOT_THERE.keys()
    assert not {row.event for row in EXPECTED} & NOT_THERE.keys()


def test_the_metrics_are_those_of_the_reference() -> None:
    """No row waits for a metric that is gone."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    metrics = [*(row.metric for row in EXPECTED if row.metric), *OF_NO_FACT.values()]

    assert [each.name for each in metrics if f"`{each.name.removesuffix('_count')}`" not in page] == []


def test_every_alert_is_to_fire() -> None:
    """The day has all alerts of the rules, and no others."""
    rules = yaml.safe_load(RULES.read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]

    assert sorted(alerts) == sorted([*(row.alert for row in EXPECTED if row.alert), *OF_NO_FACT])


def test_rules_are_scaled_with_the_minute() -> None:
    """How long, over what time, and how old; but neither Slack's limit nor a number of sweeps."""
    rules = """
groups:
  - name: n
    rules:
      - {alert: Old, expr: "max(countersign_oldest_stale_seconds) > 300", for: 5m}
      - {alert: Slow, expr: "rate(countersign_ack_seconds_bucket[10m]) > 2.5"}
      - {alert: Sweeps, expr: "a > 3 * countersign_sweep_interval_seconds", for: 1m}
"""

    made = yaml.safe_load(scaled(rules, minute=2.0))["groups"][0]["rules"]

    assert [rule["expr"] for rule in made] == [
        "max(countersign_oldest_stale_seconds) > 10",
        "rate(countersign_ack_seconds_bucket[20000ms]) > 2.5",
        "a > 3 * countersign_sweep_interval_seconds",
    ]
    assert [rule.get("for") for rule in made] == ["10000ms", None, "2000ms"]


def test_a_counter_rises_over_a_restart() -> None:
    """It begins at zero each time."""
    assert Series(labels={}, values=[2, 5, 1, 1, 4]).rise == 9
