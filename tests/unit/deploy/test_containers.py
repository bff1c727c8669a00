"""The Dockerfile and compose.yaml hold together, and with the settings and commands of the bot."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.__main__ import _parser, main
from bot.durations import duration
from bot.runtime.supervisor import EXTRA_SECONDS
from bot.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
REDIS, *ROLES = (COMPOSE["services"][name] for name in ("redis", "gateway", "worker"))
GATEWAY, WORKER = ROLES
EVERY_ROLE = pytest.mark.parametrize("role", ROLES, ids=["gateway", "worker"])
IN_THE_IMAGE = {"REDIS_URL", "STATE_DIR", "POLICY_FILE", "LANGGRAPH_CONFIG"}
"""Settings that are the composition's own: where records lie, and files that are copied into the image."""


def steps() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def said(instruction: str) -> list[str]:
    return [rest for name, rest in steps() if name == instruction]


def copied() -> list[str]:
    """What is copied from the checkout, by both stages."""
    copies = [shlex.split(rest) for rest in said("COPY") if "--from" not in rest]
    return [word for words in copies for word in [w for w in words if not w.startswith("--")][:-1]]


# --- compose.yaml -------------------------------------------------------------------------------


def test_there_are_two_of_each_role_and_a_redis_that_keeps_everything() -> None:
    command = " ".join(REDIS["command"])

    assert set(COMPOSE["services"]) == {"redis", "gateway", "worker", "prometheus"}
    assert COMPOSE["services"]["prometheus"]["profiles"] == ["watch"], "the others start without it"
    assert [role["deploy"]["replicas"] for role in ROLES] == [2, 2]
    assert REDIS["image"].startswith("redis:8.")
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert REDIS["volumes"] == ["redis:/data"]


@EVERY_ROLE
def test_a_role_waits_for_redis_and_finds_it(role: Mapping[str, Any]) -> None:
    assert role["depends_on"]["redis"]["condition"] == "service_healthy"
    assert REDIS["healthcheck"]["test"] == ["CMD-SHELL", "redis-cli ping | grep -q PONG"]
    assert role["environment"]["REDIS_URL"] == "redis://:${REDIS_PASSWORD}@redis:6379/0"


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_each_service_runs_the_role_that_it_is_called_by(name: str) -> None:
    """From the same image, by a command line that the bot understands."""
    python, option, module, *words = COMPOSE["services"][name]["command"]
    understood = _parser(words).parse_args(words)

    assert COMPOSE["services"][name]["build"] == "."
    assert (python, option, module) == ("python", "-m", "bot")
    assert (understood.command, understood.role) == ("run", name)


@EVERY_ROLE
def test_each_role_is_looked_after_as_the_image_alone_is(role: Mapping[str, Any]) -> None:
    """A container runs one role, so the image's health check says how this role is. What graphs leave is reaped."""
    (health,) = said("HEALTHCHECK")

    assert role["healthcheck"]["test"] == ["CMD", *json.loads(health.partition("CMD ")[2])]
    assert role["init"] is True


def test_redis_has_a_password_that_nobody_ships() -> None:
    """Without one in .env, compose does not start; no default stands in for it, and .env.example holds none."""
    command = REDIS["command"]
    password = command[command.index("--requirepass") + 1]
    example = (ROOT / ".env.example").read_text()

    assert password.startswith("${REDIS_PASSWORD:?")
    assert ":-" not in (ROOT / "compose.yaml").read_text()
    assert REDIS["environment"]["REDISCLI_AUTH"] == "${REDIS_PASSWORD}"
    assert "ports" not in REDIS
    assert re.search(r"^#?REDIS_PASSWORD=$", example, re.MULTILINE)


def test_every_image_is_named_by_what_is_in_it() -> None:
    """A tag may mean something else tomorrow; what is built here, or named by an earlier stage, has no digest. Nor has
    what only watches: it has no token and no record."""
    images = [rest.split()[0] for rest in said("FROM")]
    images += [
        service["image"] for service in COMPOSE["services"].values() if "image" in service and "profiles" not in service
    ]

    assert len(images) == 3
    assert all(re.fullmatch(r"[\w./-]+:[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}", image) for image in images)


def test_the_state_folder_is_the_replicas_own_and_private() -> None:
    """The heartbeat lies there: what replicas share would say of each that it is as well as the others."""
    (environment,) = said("ENV")
    state = re.search(r"STATE_DIR=(\S+)", environment)

    assert state is not None
    assert not any(state[1].startswith(volume.partition(":")[2]) for volume in WORKER["volumes"])
    assert "volumes" not in GATEWAY
    assert any(f"install -d -m 700 -o countersign {state[1].removeprefix('/app/')}" in rest for rest in said("RUN"))


@EVERY_ROLE
def test_a_stop_waits_for_longer_than_a_role_drains(role: Mapping[str, Any]) -> None:
    """A role that has not ended when its grace is over is killed a little later."""
    grace = duration(role["stop_grace_period"]).total_seconds()

    assert grace > float(role["environment"]["SHUTDOWN_GRACE"]) + EXTRA_SECONDS


@EVERY_ROLE
def test_every_setting_reaches_each_role_and_no_secret_is_written_there(role: Mapping[str, Any]) -> None:
    given = role["environment"]

    assert {name.upper() for name in Settings.model_fields} - IN_THE_IMAGE <= set(given)
    assert {name for name, value in given.items() if value is not None} == {"REDIS_URL", "SHUTDOWN_GRACE"}


@EVERY_ROLE
def test_a_role_writes_only_where_it_has_to(role: Mapping[str, Any]) -> None:
    """Its root is read-only, its state folder and /tmp are in memory and its own, and it can gain no right."""
    (user,) = said("USER")
    (environment,) = said("ENV")
    state = environment.split("STATE_DIR=")[1]

    assert role["read_only"] is True
    assert role["cap_drop"] == ["ALL"]
    assert role["security_opt"] == ["no-new-privileges:true"]
    assert role["tmpfs"] == ["/tmp", f"{state}:uid={user},gid={user},mode=0700"]  # noqa: S108


def test_prometheus_finds_every_role_and_the_rules() -> None:
    """It asks for the services by their names, at the port that the file says to listen at."""
    watching = COMPOSE["services"]["prometheus"]
    scraping = yaml.safe_load((ROOT / "deploy" / "prometheus" / "compose.yml").read_text())
    ((found,),) = [job["dns_sd_configs"] for job in scraping["scrape_configs"]]

    assert "./deploy/prometheus:/etc/prometheus:ro" in watching["volumes"]
    assert "--config.file=/etc/prometheus/compose.yml" in watching["command"]
    assert found["names"] == ["gateway", "worker"]
    assert f"HTTP_BIND=0.0.0.0:{found['port']}" in (ROOT / "compose.yaml").read_text()
    assert watching["ports"] == ["127.0.0.1:9090:9090"]
    assert watching["read_only"] is True


@pytest.mark.skipif(shutil.which("promtool") is None, reason="PROMETHEUS' CONFIGURATION IS NOT TESTED: no promtool")
def test_prometheus_understands_its_configuration() -> None:
    """With the rules that it names, which lie beside it."""
    config = ROOT / "deploy" / "prometheus" / "compose.yml"

    looked = subprocess.run(["promtool", "check", "config", str(config)], capture_output=True, text=True, timeout=60)

    assert looked.returncode == 0, looked.stdout + looked.stderr


def test_every_volume_is_declared() -> None:
    watching = COMPOSE["services"]["prometheus"]
    used = {volume.partition(":")[0] for service in (REDIS, WORKER, watching) for volume in service["volumes"]}

    assert {name for name in used if not name.startswith(".")} == set(COMPOSE["volumes"])


# --- Dockerfile ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_not_ignored(source: str) -> None:
    first, *rules = (ROOT / ".dockerignore").read_text().split()
    wanted = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]

    assert (ROOT / source).exists()
    assert first == "*"
    assert any(source == each or source.startswith(f"{each}/") for each in wanted)


def test_what_the_build_of_the_package_names_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    named = [*wheel["packages"], *wheel["force-include"], *project["project"]["license-files"]]

    assert {*named, "requirements.lock", "README.md", "pyproject.toml"} <= {*copied()}
    assert {"bot", "graphs"} <= set(copied())


def test_neither_the_local_slack_nor_the_tests_are_in_the_image() -> None:
    """Whatever is not asked for is ignored, and nobody asks for these."""
    ignored = (ROOT / ".dockerignore").read_text()

    assert not {"simulator", "tests", "benchmarks", "."} & set(copied())
    assert not re.search(r"^!(simulator|tests|benchmarks)", ignored, re.MULTILINE)


def test_the_image_can_send_mail_and_serve_mcp() -> None:
    """The graph `email` and `/mcp` ship with it; what only the demo or an agent needs stays out."""
    (build, *_) = [rest for rest in said("RUN") if "runtime_only" in rest]

    assert "tools/runtime_only.py mail mcp" in build


def test_what_the_bot_reads_in_its_folder_is_copied() -> None:
    config = json.loads((ROOT / "langgraph.json").read_text())
    entries = [entry if isinstance(entry, str) else entry["path"] for entry in config["graphs"].values()]
    folders = {entry.removeprefix("./").partition("/")[0] for entry in entries}

    assert folders | {"langgraph.json", "policies.yaml", "manifest.yml"} <= set(copied())


def test_what_the_graphs_work_on_lies_in_the_shared_volume() -> None:
    given = json.loads((ROOT / "langgraph.json").read_text())["env"]

    assert all(
        value.startswith("var/") for name, value in given.items() if name.endswith(("_ROOT", "_LEDGER", "_OUTBOX"))
    )


def test_the_bot_is_not_root_and_owns_what_it_writes_to() -> None:
    """Its user is a number, by which Kubernetes can tell that it is not root."""
    (user,) = said("USER")

    assert any(f"useradd --create-home --uid {user} countersign" in rest for rest in said("RUN"))
    assert int(user) > 0
    assert any("chown -R countersign var" in rest for rest in said("RUN"))
    assert any(volume.endswith(":/app/var") for volume in WORKER["volumes"])
    assert "/app" in said("WORKDIR")


def test_the_image_runs_a_command_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = said("CMD")

    with pytest.raises(SystemExit):
        main(["--help"])

    assert json.loads(run) == ["python", "-m", "bot", "run"]
    assert re.search(r"^ +run ", capsys.readouterr().out, re.MULTILINE)
    assert said("STOPSIGNAL") == ["SIGTERM"]


def test_the_image_says_what_it_is() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', " ".join(said("LABEL"))))

    assert labels == {
        "title": "Countersign",
        "description": tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["description"].partition(":")[0],
        "licenses": "MIT",
        "revision": "${REVISION}",
    }


def test_the_health_check_is_one_that_there_is() -> None:
    (health,) = said("HEALTHCHECK")
    program, option, module = json.loads(health.partition("CMD ")[2])

    assert (program, option) == ("python", "-m")
    assert importlib.util.find_spec(module) is not None
