"""The alerts and the dashboard, as Prometheus' own promtool sees them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.docs.test_metrics_page import expressions

RULES = Path(__file__).parents[3] / "deploy" / "prometheus"


@pytest.fixture
def promtool() -> str:
    """The program. Without it these tests skip on a desk and fail in CI."""
    found = shutil.which("promtool")
    if found is None:
        missing = "promtool is not installed (Debian: it is in the package prometheus)"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    return found


def said(*command: str, folder: Path = RULES) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_is_silent_when_it_should_not(promtool: str) -> None:
    assert "SUCCESS" in said(promtool, "test", "rules", "rules.test.yml")


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    alerts = {rule["alert"] for rule in yaml.safe_load((RULES / "rules.yml").read_text())["groups"][0]["rules"]}
    cases = [
        case
        for test in yaml.safe_load((RULES / "rules.test.yml").read_text())["tests"]
        for case in test["alert_rule_test"]
    ]

    assert {case["alertname"] for case in cases if case["exp_alerts"]} == alerts
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == alerts


def test_prometheus_reads_each_expression_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    """With the values that Grafana gives the dashboard's variables."""
    asked = [each.replace("$__rate_interval", "1m").replace("$job", ".*") for each in expressions().values()]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    assert f"SUCCESS: {len(rules)} rules found" in said(promtool, "check", "rules", "panels.yml", folder=tmp_path)
