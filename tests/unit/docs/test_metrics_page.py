"""docs/reference/metrics.md names each metric as the bot does, and no other; so do the alerts and the dashboard."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from bot.approvals.model.census import Census, Some, Waiting
from bot.telemetry.metrics import Metrics
from bot.telemetry.people import SUPERSEDED, WORDS
from bot.telemetry.standing import Standing
from tests.support.builders import NOON
from tests.unit.docs.pages import PAGES, ROOT, codes, rows, section

PAGE = "docs/reference/metrics.md"
PARTS = ("People", "Delivery", "Slack", "Machine", "Programs")
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "countersign.json").read_text())
NAMED = re.compile(r"countersign_[a-z_]+")
SUFFIXES = ("_bucket", "_sum", "_count")


def known() -> dict[str, tuple[str, list[str]]]:
    """Each metric of the bot with its type and labels."""
    waiting = Waiting(count=1, since=NOON, overdue=0)
    census = Census(pending={"cleanup": waiting}, undelivered=Some(count=1, since=NOON))
    standing = Standing(sweep_interval=5, census=census, connected=True, waiting=0).metrics(NOON)
    found = {each.name: (each.type, list(each.samples[0].labels)) for each in standing}
    for collector in Metrics().registry._collector_to_names:
        counted: Any = collector
        name = f"{counted._name}_total" if counted._type == "counter" else counted._name
        found[name] = (counted._type, list(counted._labelnames))
    return found


def documented() -> dict[str, tuple[str, list[str]]]:
    listed = [row for part in PARTS for row in rows(section(PAGE, f"## {part}"))]
    assert len({row[0] for row in listed}) == len(listed), "a metric is listed twice"
    return {codes(name)[0]: (kind, codes(labels)) for name, kind, labels, _ in listed}


def expressions() -> dict[str, str]:
    """All that alerts and panels ask Prometheus, by what asks it."""
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    return {
        **{rule["alert"]: rule["expr"] for rule in ALERTS},
        **{f"{panel['title']} {each['refId']}": each["expr"] for panel in panels for each in panel["targets"]},
        **{each["name"]: each["expr"] for each in DASHBOARD["annotations"]["list"]},
    }


def test_the_page_lists_each_metric_with_its_type_and_labels() -> None:
    assert documented() == known()


def test_the_page_lists_each_outcome() -> None:
    listed = [word for row in rows(section(PAGE, "## Outcomes")) for word in codes(row[0])]

    assert sorted(listed) == sorted([*WORDS.values(), SUPERSEDED])


@pytest.mark.parametrize("asked", expressions().items(), ids=lambda asked: asked[0])
def test_alerts_and_panels_ask_for_metrics_that_there_are(asked: tuple[str, str]) -> None:
    """In the form that their type has: a histogram's buckets, and a counter only through its growth."""
    name, expression = asked
    metrics = known()

    for word in NAMED.findall(expression):
        base = next((word.removesuffix(end) for end in SUFFIXES if word.endswith(end)), word)
        base = word if word in metrics else base
        assert base in metrics, f"{name} asks for {word}"
        kind, _ = metrics[base]
        assert (kind == "histogram") is (base != word), f"{name}: {word} is a {kind}"
        assert kind != "counter" or re.search(rf"(rate|increase)\({word}\b", expression), f"{name}: {word} only grows"
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        offered = {label for word in NAMED.findall(expression) for label in _labels(word, metrics)}
        wanted = {label.strip() for label in grouped.split(",")}
        assert wanted <= offered | {"job", "instance"}, f"{name} groups by {wanted}"


def _labels(word: str, metrics: dict[str, tuple[str, list[str]]]) -> list[str]:
    base = next((word.removesuffix(end) for end in SUFFIXES if word not in metrics and word.endswith(end)), word)
    return [*metrics[base][1], *(["le"] if word.endswith("_bucket") else [])]


def test_each_alert_says_what_happened_what_it_means_and_where_to_read_on() -> None:
    """The guide has a paragraph for each, and for no other."""
    guide = PAGES["docs/guides/watch.md"]
    headings = re.findall(r"^### (Countersign\w+)$", guide, re.MULTILINE)

    for rule in ALERTS:
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["runbook"] == f"docs/guides/watch.md#{rule['alert'].lower()}"
    assert headings == [rule["alert"] for rule in ALERTS]


def test_each_panel_says_what_it_shows() -> None:
    """And stands where no other does."""
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    places = [
        (x, y)
        for each in panels
        for x in range(each["gridPos"]["x"], each["gridPos"]["x"] + each["gridPos"]["w"])
        for y in range(each["gridPos"]["y"], each["gridPos"]["y"] + each["gridPos"]["h"])
    ]

    assert all(panel["description"] for panel in panels)
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) == 23
