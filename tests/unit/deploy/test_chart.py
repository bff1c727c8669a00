"""The Helm chart: helm finds nothing wrong, and what it renders runs the bot as the image and the settings want it."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import bot
from bot.__main__ import _parser
from bot.runtime.supervisor import EXTRA_SECONDS
from bot.settings import RoleSettings, Settings

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "helm" / "countersign"
POLICIES = "defaults: {approvers: ['@ops-leads'], deadline: 24h}\n"
TOKENS = {
    "SLACK_BOT_TOKEN": "xoxb-s3cret",
    "SLACK_APP_TOKEN": "xapp-s3cret",
    "REDIS_URL": "redis://:s3cret@redis:6379/0",
}
EXISTING = {"policies": POLICIES, "secret": {"existing": "bot-tokens"}}
OWN = {"policies": POLICIES, "secret": {"values": TOKENS}}
SQLITE = {**EXISTING, "storage": "sqlite"}
EVERYTHING = {
    **OWN,
    "langgraph": '{"graphs": {}}',
    "servers": "servers: {}\n",
    "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": [{"name": "registry"}]},
    "worker": {"replicas": 1, "filesClaim": "files", "envFrom": [{"secretRef": {"name": "model-keys"}}]},
    "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True},
    "networkPolicy": {"enabled": True, "from": [{"namespaceSelector": {}}], "egress": [{"ports": [{"port": 587}]}]},
    "podLabels": {"team": "payments"},
    "podAnnotations": {"note": "x"},
}
VALUES: Mapping[str, Mapping[str, Any]] = {"existing": EXISTING, "own": OWN, "sqlite": SQLITE, "everything": EVERYTHING}
EVERY_VALUES = pytest.mark.parametrize("name", VALUES)


@pytest.fixture(scope="session")
def helm() -> str:
    """`make .venv-helm/helm` fetches it; without it these tests skip on a desk, and fail in CI."""
    own = ROOT / ".venv-helm" / "helm"
    found = str(own) if own.exists() else shutil.which("helm")
    if found is None:
        why = "THE HELM CHART IS NOT TESTED: there is no helm; run `make .venv-helm/helm`"
        if os.environ.get("CI"):
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return found


def ran(helm: str, *words: str, values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    command = [helm, *words, "--values", "-"]
    return subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, timeout=60)


@functools.cache
def rendered(helm: str, name: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Kind and name -> each object that is rendered with these values."""
    done = ran(helm, "template", "bot", str(CHART), "--namespace", "approvals", values=VALUES[name])
    assert done.returncode == 0, done.stderr
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def pods(objects: Mapping[tuple[str, str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Role -> the pod's spec."""
    templates = [
        each["spec"]["template"] for (kind, _), each in objects.items() if kind in ("Deployment", "StatefulSet")
    ]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"] for each in templates}


def variables(pod: Mapping[str, Any]) -> dict[str, str | None]:
    (container,) = pod["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


@EVERY_VALUES
def test_helm_finds_nothing_wrong(helm: str, name: str) -> None:
    """Not even what is only worth a warning."""
    done = ran(helm, "lint", "--strict", str(CHART), values=VALUES[name])

    assert done.returncode == 0, done.stdout


@EVERY_VALUES
def test_every_pod_is_locked_down_as_the_restricted_standard_wants(helm: str, name: str) -> None:
    """Not root, nothing to gain, no capability, a read-only root, and no way to Kubernetes."""
    (user,) = [line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("USER ")]

    for pod in pods(rendered(helm, name)).values():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == int(user)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)


@EVERY_VALUES
def test_every_pod_runs_its_role_where_it_may_write(helm: str, name: str) -> None:
    """By a command that there is, with its state in a folder of its own within a volume: the mount itself is root's."""
    for role, pod in pods(rendered(helm, name)).items():
        (container,) = pod["containers"]
        python, option, module, *words = container["command"]
        understood = _parser(words).parse_args(words)
        writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        state = Path(str(variables(pod)["STATE_DIR"]))

        assert (python, option, module, understood.command) == ("python", "-m", "bot", "run")
        assert (understood.role or "single") == role
        assert {str(state.parent), "/tmp"} <= writable  # noqa: S108
        assert ("/app/var" in writable) is (role != "gateway")
        claimed = {mount["name"] for mount in container["volumeMounts"]}
        claims = {"state"} if role == "single" else set()
        assert claimed == {volume["name"] for volume in pod["volumes"]} | claims


@EVERY_VALUES
def test_every_pod_is_asked_how_it_is_at_its_port(helm: str, name: str) -> None:
    for pod in pods(rendered(helm, name)).values():
        (container,) = pod["containers"]
        (port,) = container["ports"]

        assert variables(pod)["HTTP_BIND"] == f"0.0.0.0:{port['containerPort']}"
        for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            assert container[probe]["httpGet"] == {"path": path, "port": port["name"]}
        assert container["resources"]["limits"]["memory"]


@EVERY_VALUES
def test_a_stop_waits_for_longer_than_a_role_drains(helm: str, name: str) -> None:
    """A role that has not ended when its grace is over is killed a little later."""
    for pod in pods(rendered(helm, name)).values():
        grace = float(str(variables(pod)["SHUTDOWN_GRACE"]))

        assert pod["terminationGracePeriodSeconds"] > grace + EXTRA_SECONDS


@EVERY_VALUES
def test_every_variable_is_a_setting(helm: str, name: str) -> None:
    known = {setting.upper() for setting in Settings.model_fields}

    for pod in pods(rendered(helm, name)).values():
        assert set(variables(pod)) <= known


@EVERY_VALUES
def test_no_secret_is_anywhere_but_in_the_secret(helm: str, name: str) -> None:
    """And a Secret is made only of values that were given."""
    objects = rendered(helm, name)

    for (kind, _), each in objects.items():
        assert (kind == "Secret") == ("s3cret" in yaml.safe_dump(each)), kind
    assert (("Secret", "bot") in objects) is bool(VALUES[name]["secret"].get("values"))


def test_a_worker_gets_only_what_a_worker_needs(helm: str) -> None:
    """It runs the agents' code, so it has no token that opens Slack's events, and no webhook's secret."""
    pod = pods(rendered(helm, "own"))["worker"]
    (container,) = pod["containers"]
    secrets = {each["name"] for each in container["env"] if "valueFrom" in each}

    assert secrets == {"SLACK_BOT_TOKEN", "REDIS_URL"}
    assert {name.lower() for name in secrets} <= set(RoleSettings.model_fields)
    assert [each for each in container["envFrom"] if "secretRef" in each] == []


def test_redis_has_two_of_each_role_and_sqlite_one_pod_with_a_volume(helm: str) -> None:
    """Two of SQLite would refuse each other, so nothing can ask for them."""
    redis, sqlite = rendered(helm, "existing"), rendered(helm, "sqlite")
    (single,) = [each for (kind, _), each in sqlite.items() if kind == "StatefulSet"]

    for role in ("gateway", "worker"):
        assert redis["Deployment", f"bot-{role}"]["spec"]["replicas"] == 2
        assert redis["PodDisruptionBudget", f"bot-{role}"]["spec"]["minAvailable"] == 1
    assert single["spec"]["replicas"] == 1
    assert [claim["metadata"]["name"] for claim in single["spec"]["volumeClaimTemplates"]] == ["state"]
    assert not [kind for kind, _ in sqlite if kind in ("Deployment", "PodDisruptionBudget")]


@EVERY_VALUES
def test_the_service_leads_to_whoever_talks_to_slack(helm: str, name: str) -> None:
    objects = rendered(helm, name)
    service = objects["Service", "bot"]["spec"]
    wanted = service["selector"]["app.kubernetes.io/component"]

    assert wanted == ("single" if name == "sqlite" else "gateway")
    assert wanted in pods(objects)


def test_another_configuration_is_another_pod(helm: str) -> None:
    """A policy that was changed is in force once helm is done."""
    before = rendered(helm, "existing")
    changed = {**EXISTING, "policies": POLICIES.replace("24h", "12h")}
    done = ran(helm, "template", "bot", str(CHART), values=changed)
    after = [each for each in yaml.safe_load_all(done.stdout) if each and each["kind"] == "Deployment"]

    for deployment in after:
        known = before["Deployment", deployment["metadata"]["name"]]
        sums = [each["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for each in (known, deployment)]
        assert sums[0] != sums[1]


def test_the_files_are_mounted_where_the_settings_say(helm: str) -> None:
    objects = rendered(helm, "everything")
    pod = pods(objects)["worker"]
    (container,) = pod["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    data = objects["ConfigMap", "bot"]["data"]

    assert set(data) == {"policies.yaml", "langgraph.json", "servers.yaml"}
    assert data["policies.yaml"] == POLICIES
    assert variables(pod)["POLICY_FILE"] == "/etc/countersign/policies.yaml"
    assert variables(pod)["SERVERS_FILE"] == "/etc/countersign/servers.yaml"
    assert mounts["/app/langgraph.json"]["subPath"] == "langgraph.json"


def test_prometheus_gets_every_pod_and_the_rules(helm: str) -> None:
    """The rules are those of deploy/prometheus, and the network policy lets it in."""
    objects = rendered(helm, "everything")
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text())
    (endpoint,) = objects["PodMonitor", "bot"]["spec"]["podMetricsEndpoints"]
    selected = objects["PodMonitor", "bot"]["spec"]["selector"]["matchLabels"]
    allowed = objects["NetworkPolicy", "bot"]["spec"]

    assert objects["PrometheusRule", "bot"]["spec"] == rules
    assert (endpoint["port"], endpoint["path"]) == ("http", "/metrics")
    assert "app.kubernetes.io/component" not in selected
    assert allowed["ingress"] == [{"from": [{"namespaceSelector": {}}], "ports": [{"port": "http"}]}]
    assert {"ports": [{"port": 443}]} in allowed["egress"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({**EXISTING, "policies": ""}, "policies"),
        ({"policies": POLICIES}, "secret"),
        ({"policies": POLICIES, "secret": {"values": {"SLACK_BOT_TOKEN": "x"}}}, "REDIS_URL is missing"),
        (
            {"policies": POLICIES, "storage": "sqlite", "secret": {"values": {"SLACK_BOT_TOKEN": "x"}}},
            "SLACK_APP_TOKEN",
        ),
        ({**EXISTING, "settings": {"REDIS_URL": "redis://:s3cret@redis"}}, "REDIS_URL"),
        ({**EXISTING, "settings": {"LOG_LEVEL": 3}}, "settings"),
        ({**EXISTING, "gatway": {}}, "gatway"),
        ({**EXISTING, "storage": "postgres"}, "storage"),
        ({**EXISTING, "image": {"digest": "latest"}}, "digest"),
    ],
    ids=[
        "no policies",
        "no secret",
        "no Redis",
        "no way to Slack",
        "a secret as a setting",
        "a number",
        "a typo",
        "a store",
        "a digest",
    ],
)
def test_wrong_values_are_refused_before_anything_is_made(helm: str, values: Mapping[str, Any], said: str) -> None:
    done = ran(helm, "template", "bot", str(CHART), values=values)

    assert done.returncode != 0
    assert said in done.stderr


def test_the_chart_is_of_the_bots_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert chart["appVersion"] == bot.__version__
    assert chart["description"] == project["description"].partition(":")[0]
