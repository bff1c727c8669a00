"""The gateway of a bot that runs has loaded no agent's code, and neither has one that was started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stage import Slack

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
TELLS = """
import json, os, signal, sys

def tell(number, frame):
    file = f"{os.environ['MODULES']}/{os.getpid()}"
    with open(f"{file}.part", "w") as out:
        json.dump(sorted(sys.modules), out)
    os.rename(f"{file}.part", f"{file}.json")

signal.signal(signal.SIGUSR1, tell)
"""
"""A `sitecustomize`, which every process of the bot runs before anything else."""


def waited(found: object) -> object:
    """What this finds, once it finds something."""
    assert callable(found)
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return value


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[Slack]:
    running = Slack.start(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def bot(tmp_path: Path, slack: Slack) -> Iterator[subprocess.Popen[str]]:
    """A bot as people start it. One that is forked from the tests' starter would have all that this has imported."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(TELLS)
    (tmp_path / "modules").mkdir()
    (tmp_path / "policies.yaml").write_text('defaults:\n  approvers: ["@ops-leads"]\n')
    (tmp_path / "langgraph.json").write_text(json.dumps({"graphs": {"cleanup": f"{ROOT}/graphs/cleanup.py:graph"}}))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}",
        "MODULES": str(tmp_path / "modules"),
        "STATE_DIR": str(tmp_path / "state"),
        "SWEEP_INTERVAL": "0.2",
        "HTTP_BIND": "127.0.0.1:0",
        **slack.environment,
    }
    with (
        (tmp_path / "bot.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        assert "connected" in process.stdout.readline(), (tmp_path / "bot.log").read_text()
        yield process
        process.kill()


def modules(tmp_path: Path, pid: int) -> set[str]:
    """What a process has imported by now."""
    file = tmp_path / "modules" / f"{pid}.json"
    os.kill(pid, signal.SIGUSR1)
    waited(file.exists)
    return set(json.loads(file.read_text()))


def of_agents(loaded: set[str]) -> set[str]:
    """Those packages among them that belong to agents."""
    packages = {name.partition(".")[0] for name in loaded}
    return {each for each in packages if each.startswith(("langgraph", "langchain", "langsmith", "graphs"))}


def roles(bot: subprocess.Popen[str]) -> tuple[int, int]:
    """The process ids of the gateway and of the worker role, which is the one that has forked a worker."""

    def found() -> tuple[int, int] | None:
        pids = children(bot.pid)
        gateways = [pid for pid in pids if not children(pid)]
        workers = [pid for pid in pids if children(pid)]
        return (gateways[0], workers[0]) if len(gateways) == len(workers) == 1 else None

    pids = waited(found)
    assert isinstance(pids, tuple)
    return pids


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_gateway_has_loaded_no_agents_code_when_it_is_started_and_when_it_is_started_again(
    tmp_path: Path, bot: subprocess.Popen[str]
) -> None:
    gateway, worker = roles(bot)
    loaded = modules(tmp_path, gateway)
    assert {"slack_bolt", "bot.http.mcp.door"} <= loaded
    assert of_agents(loaded) == set()
    assert not loaded & {"mcp", "mcp_types", "httpx2"}, "the extra takes 30 MB, and nobody has called /mcp yet"
    assert of_agents(modules(tmp_path, bot.pid)) == set(), "what the supervisor has loaded, each gateway inherits"
    of_worker = modules(tmp_path, worker)
    assert "langgraph" in of_agents(of_worker), "the worker's master has it before it forks"
    assert "fastapi" not in of_worker, "only what serves the API loads it"

    log = tmp_path / "bot.log"
    before = log.read_text().count("process.started role=gateway")
    os.kill(gateway, signal.SIGKILL)
    waited(lambda: log.read_text().count("process.started role=gateway") > before)

    again, _ = roles(bot)
    assert again != gateway
    loaded = modules(tmp_path, again)
    assert "slack_bolt" in loaded
    assert of_agents(loaded) == set()
