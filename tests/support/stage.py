"""The real bot and a local Slack as processes of their own, and what people see and do there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support.room import PEOPLE as PEOPLE
from tests.support.room import Message as Message
from tests.support.room import Room as Room
from tests.support.room import Thread as Thread
from tests.support.starter import WAIT as WAIT
from tests.support.starter import Process, start

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = ROOT / "tests" / "scenario" / "graphs"
ROOMS = 120
DAY = 24 * 60 * 60
UNPACED = ("benchmarks.unpaced",)
"""The bot without Slack's pace, where one serves so many tests that they would wait for each other."""
PATIENT_POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """A running simulator with a room for every test."""

    process: Process
    url: str
    environment: Mapping[str, str]

    @classmethod
    def start(
        cls,
        folder: Path,
        manifest: Path = ROOT / "manifest.yml",
        *,
        limits: Sequence[str] = ("--fast",),
        bind: str | None = None,
    ) -> Self:
        """Start it. Bots connect to it by Socket Mode, or listen at `bind`, to which the manifest sends everything."""
        workspace = folder / "workspace.yaml"
        workspace.write_text(yaml.safe_dump(_workspace()))
        options = ["--manifest", str(manifest), "--workspace", str(workspace), *limits]
        process = start(["simulator", *options], cwd=ROOT, env=dict(os.environ), log=folder / "simulator.log")
        ready = json.loads(_first_line(process) or "{}")
        if not ready:
            raise AssertionError(f"the simulator did not start: {(folder / 'simulator.log').read_text()}")
        environment = {"SLACK_API_URL": ready["api_url"], "SLACK_BOT_TOKEN": ready["bot_token"]}
        if bind is None:
            environment["SLACK_APP_TOKEN"] = ready["app_token"]
        else:
            environment |= {"SLACK_SIGNING_SECRET": ready["signing_secret"], "HTTP_BIND": bind}
        return cls(process=process, url=ready["url"], environment=environment)

    def stop(self) -> None:
        _end(self.process, signal.SIGTERM)


@dataclass(slots=True)
class Bot:
    """`python -m bot run` on files of its own; it can be killed and started again on what it left."""

    folder: Path
    environment: Mapping[str, str]
    module: Sequence[str] = ("bot", "run")
    """What is started, as after `python -m`."""
    process: Process | None = None
    starts: int = 0

    @classmethod
    def prepare(
        cls,
        folder: Path,
        slack: Mapping[str, str],
        *,
        policy: str = PATIENT_POLICY,
        graphs: Sequence[str] = (),
        **settings: str,
    ) -> Self:
        """A bot that has not been started: its policy, the cleanup graph, and these of `tests/scenario/graphs`."""
        (folder / "files").mkdir(parents=True)
        (folder / "policies.yaml").write_text(policy)
        named = {"cleanup": f"{ROOT}/graphs/cleanup.py:graph"}
        named |= {name: f"{GRAPHS}/{name}.py:graph" for name in graphs}
        (folder / "langgraph.json").write_text(json.dumps({"graphs": named}))
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SLACK_", "COUNTERSIGN_", "LANGSMITH_", "LANGCHAIN_", "CLEANUP_"))
        }
        environment = {
            **clean,
            **slack,
            "PYTHONPATH": str(ROOT),
            "STATE_DIR": str(folder / "state"),
            "POLICY_FILE": str(folder / "policies.yaml"),
            "LANGGRAPH_CONFIG": str(folder / "langgraph.json"),
            "CLEANUP_ROOT": str(folder / "files"),
            "CLEANUP_UNDO": "0",
            "SWEEP_INTERVAL": "0.2",
            "LEASE_SECONDS": "1",
            "SHUTDOWN_GRACE": "10",
            **settings,
        }
        return cls(folder, environment)

    def start(self, **changes: str) -> Self:
        """Start it, and return once it is connected; `changes` to its environment are for this start alone."""
        self.launch(**changes)
        assert self.process is not None
        if not _first_line(self.process):
            self.kill()
            raise AssertionError(f"the bot did not start (exit code {self.process.returncode}):\n{self.log}")
        return self

    def launch(self, **changes: str) -> Process:
        """Start it, and wait for nothing."""
        self.starts += 1
        environment = {**self.environment, **changes}
        self.process = start(self.module, cwd=self.folder, env=environment, log=self.folder / "bot.log")
        return self.process

    @property
    def log(self) -> str:
        return (self.folder / "bot.log").read_text(errors="replace")

    def trace(self, told: str) -> str:
        """What the log has under the error id that people were told."""
        found = re.search(r"error id (\w+)", told)
        assert found is not None, told
        records = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d )", self.log)
        return next(record for record in records if f"error {found[1]}" in record)

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self.process is not None
        assert self.process.stdout is not None
        code = self.process.wait(timeout=WAIT)
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        """As a lost node would: with it go its processes, which die one after the other and not at once."""
        if self.process is not None:
            processes = _descendants(self.process.pid)
            _end(self.process, signal.SIGKILL)
            until = time.monotonic() + WAIT
            while any(map(_lives, processes)):
                assert time.monotonic() < until, "a process of the bot outlives it"
                time.sleep(0.005)

    def stop(self) -> int:
        """Ask it to end, as an orderly shutdown does; returns its exit code."""
        assert self.process is not None
        return _end(self.process, signal.SIGTERM)

    def terminate(self) -> None:
        """Ask it to end, and wait for nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def fill(self, name: str, *, old: int = 3, young: int = 1, size: int = 1000) -> Path:
        """A folder below the root that cleanup may clean, with so many files of 40 days and of today."""
        folder = self.folder / "files" / name
        folder.mkdir()
        for number in range(old + young):
            file = folder / (f"old-{number}.log" if number < old else f"new-{number}.log")
            file.write_bytes(b"x" * size)
            age = (40 + number) * DAY if number < old else 0
            os.utime(file, (time.time() - age, time.time() - age))
        return folder

    def trashed(self, name: str) -> list[str]:
        """The names of the files of that folder that lie in the trash."""
        found = (self.folder / "files" / ".trash").glob(f"*/{name}/*")
        return sorted(file.name for file in found)


def _workspace() -> dict[str, Any]:
    """The packaged workspace with a room for every test; what each test changes there concerns nobody else."""
    packaged: dict[str, Any] = yaml.safe_load((ROOT / "simulator" / "workspace.yaml").read_text())
    rooms = [
        {"id": f"C0ROOM{number}", "name": f"room-{number}", "people": list(PEOPLE), "bot": True}
        for number in range(ROOMS)
    ]
    return {**packaged, "channels": [*packaged["channels"], *rooms]}


def _first_line(process: Process) -> str:
    """What it prints when it is ready; empty where it ended before."""
    assert process.stdout is not None
    return process.stdout.readline()


def _descendants(pid: int) -> list[int]:
    """The processes that it has started, and those that these have."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [each for child in map(int, children) for each in (child, *_descendants(child))]
    return []


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _end(process: Process, number: signal.Signals) -> int:
    """End this one process; returns its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(timeout=WAIT)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()
