"""What a measurement stands on: a store of its own, a local Slack, and a bot as a process whose use can be read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import SecretStr

from benchmarks.naive import STORE
from bot.settings import Settings
from simulator.client import Simulator, SimulatorProcess, spawn
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[1]
GRAPH = Path(__file__).resolve().parent / "graphs" / "approval.py"
PEOPLE = ("alice", "bob", "carol")
ROOMS = 100
POLICY = 'defaults:\n  approvers: ["@ops-leads"]\n  deadline: 7d\n'
BACKENDS = ("sqlite", "redis")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """An empty store of one kind, in a folder of its own."""

    name: str
    folder: Path
    url: str = ""

    @property
    def settings(self) -> Settings:
        """As a bot on this store has them, with tokens of nobody."""
        return Settings(
            slack_bot_token=SecretStr("xoxb-bench"),
            slack_app_token=SecretStr("xapp-bench"),
            state_dir=self.folder / "state",
            redis_url=SecretStr(self.url) if self.url else None,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Where the bot and the naive one find it."""
        named = {"REDIS_URL": self.url} if self.url else {}
        return {**named, "STATE_DIR": str(self.folder / "state"), STORE: self.url or str(self.folder / "naive.sqlite")}


@contextmanager
def backend(name: str, folder: Path) -> Iterator[Backend]:
    """The store for one measurement; Redis is a server of its own, with its append-only file."""
    folder.mkdir(parents=True)
    if name == "sqlite":
        yield Backend(name=name, folder=folder)
        return
    server = RedisServer(folder=folder / "redis")
    server.start()
    try:
        yield Backend(name=name, folder=folder, url=server.url)
    finally:
        server.kill()


@asynccontextmanager
async def slack(folder: Path) -> AsyncIterator[SimulatorProcess]:
    """A local Slack that has no rate limits, with many channels."""
    async with await spawn(ROOT / "manifest.yml", workspace=_workspace(folder), fast=True) as process:
        yield process


def _workspace(folder: Path) -> Path:
    packaged = yaml.safe_load((ROOT / "simulator" / "workspace.yaml").read_text())
    rooms = [{"id": f"C0R{n}", "name": f"room-{n}", "people": list(PEOPLE), "bot": True} for n in range(ROOMS)]
    workspace = folder / "workspace.yaml"
    workspace.write_text(yaml.safe_dump({**packaged, "channels": [*packaged["channels"], *rooms]}))
    return workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that is connected."""

    process: asyncio.subprocess.Process
    seconds_to_start: float
    marks: Path

    @property
    def cpu_seconds(self) -> float:
        """Of the process with its threads, so far."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / TICKS

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0

    def resumed(self) -> dict[str, float]:
        """When each task's graph went on, by name."""
        lines = self.marks.read_text().splitlines() if self.marks.exists() else []
        return {name: float(at) for name, at in (line.split() for line in lines)}


@asynccontextmanager
async def bot(
    backend: Backend, slack: SimulatorProcess, module: str = "benchmarks.unpaced", **settings: str
) -> AsyncIterator[Bot]:
    """The bot (or the module of another) on that store and Slack, from its start until it is connected and on."""
    folder = backend.folder / module
    folder.mkdir(exist_ok=True)
    (folder / "policies.yaml").write_text(POLICY)
    (folder / "langgraph.json").write_text(json.dumps({"graphs": {"approval": f"{GRAPH}:graph"}}))
    environment = {
        **_inherited(os.environ),
        **slack.environment,
        **backend.environment,
        "PYTHONPATH": str(ROOT),
        "POLICY_FILE": str(folder / "policies.yaml"),
        "LANGGRAPH_CONFIG": str(folder / "langgraph.json"),
        "BENCH_MARKS": str(folder / "marks"),
        "LOG_LEVEL": "WARNING",
        **settings,
    }
    began = time.monotonic()
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(120):
            ready = await process.stdout.readline()
        if not ready:
            raise RuntimeError(f"{module} did not start:\n{(folder / 'log').read_text()[-3000:]}")
        async with Simulator.connect(slack.url) as simulator:
            await simulator.wait_connected(timeout=60)
        yield Bot(process=process, seconds_to_start=time.monotonic() - began, marks=folder / "marks")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    foreign = ("SLACK_", "REDIS_", "COUNTERSIGN_", "LANGSMITH_", "LANGCHAIN_")
    return {name: value for name, value in environment.items() if not name.startswith(foreign)}
