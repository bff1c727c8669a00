"""What a measurement stands on: a store of its own, a local Slack, and a bot as a process whose use can be read."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import SecretStr

from benchmarks.naive import STORE
from benchmarks.processes import Tree
from bot.settings import Settings
from simulator.client import Simulator, SimulatorProcess, spawn
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[1]
GRAPHS = {
    "approval": "approval.py:graph",
    "plain": "plain.py:graph",
    "held": "held.py:graph",
    "blocking": "hindering.py:blocking",
    "burning": "hindering.py:burning",
}
GRAPH = ROOT / "benchmarks" / "graphs" / "approval.py"
MARKS, NOTED, HOLD = "marks", "commits", "hold"
"""Files in the bot's folder: what graphs and `unpaced` write, and what a graph waits for the end of."""
PEOPLE = ("alice", "bob", "carol")
ROOMS = 100
POLICY = 'defaults:\n  approvers: ["@ops-leads"]\n  deadline: 7d\n'
BACKENDS = ("sqlite", "redis")


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
async def slack(folder: Path, more: Sequence[str] = ()) -> AsyncIterator[SimulatorProcess]:
    """A local Slack that has no rate limits, with many channels, and more people of those names in each."""
    async with await spawn(ROOT / "manifest.yml", workspace=_workspace(folder, more), fast=True) as process:
        yield process


def user_id(name: str) -> str:
    return f"U0{name.upper()}"


def _workspace(folder: Path, more: Sequence[str]) -> Path:
    packaged = yaml.safe_load((ROOT / "simulator" / "workspace.yaml").read_text())
    people = [{"id": user_id(name), "name": name, "real_name": name} for name in more]
    there = [*PEOPLE, *more]
    rooms = [{"id": f"C0R{n}", "name": f"room-{n}", "people": there, "bot": True} for n in range(ROOMS)]
    made = {"people": [*packaged["people"], *people], "channels": [*packaged["channels"], *rooms]}
    workspace = folder / "workspace.yaml"
    workspace.write_text(yaml.safe_dump({**packaged, **made}))
    return workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a bot is: a module of the benches, and the checkout that its code is of."""

    module: str = "benchmarks.unpaced"
    checkout: Path = ROOT

    @property
    def words(self) -> tuple[str, ...]:
        """For Python's command line. The module is the one of these benches, whatever the checkout."""
        if self.checkout == ROOT:
            return ("-m", self.module)
        return ("-P", f"{ROOT / self.module.replace('.', '/')}.py")


OURS = Program()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that is connected."""

    tree: Tree
    seconds_to_start: float
    folder: Path

    @property
    def cpu_seconds(self) -> float:
        """Of all its processes with their threads, so far."""
        return self.tree.cpu_seconds

    def resumed(self) -> dict[str, float]:
        """When each task's graph went on last, by name. Seconds since 1970."""
        return {name: float(at) for name, at in (line.split() for line in _lines(self.folder / MARKS))}

    def marked(self) -> int:
        """How many times a graph said that it went on."""
        file = self.folder / MARKS
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def commits(self) -> Counter[str]:
        """SQLite transactions so far that changed something, by what `unpaced` notes of them."""
        return Counter(_lines(self.folder / NOTED))


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@asynccontextmanager
async def bot(
    backend: Backend, slack: SimulatorProcess, program: Program = OURS, **settings: str
) -> AsyncIterator[Bot]:
    """The bot (or another) on that store and Slack, from its start until it is connected and on. At the end all its
    processes are killed."""
    folder = backend.folder / program.module
    folder.mkdir(exist_ok=True)
    (folder / "policies.yaml").write_text(POLICY)
    graphs = {name: str(GRAPH.parent / place) for name, place in GRAPHS.items()}
    (folder / "langgraph.json").write_text(json.dumps({"graphs": graphs}))
    environment = {
        **inherited(os.environ),
        **slack.environment,
        **backend.environment,
        "PYTHONPATH": str(program.checkout),
        "POLICY_FILE": str(folder / "policies.yaml"),
        "LANGGRAPH_CONFIG": str(folder / "langgraph.json"),
        "BENCH_MARKS": str(folder / MARKS),
        "BENCH_HOLD": str(folder / HOLD),
        "LOG_LEVEL": "WARNING",
        **settings,
    }
    began = time.monotonic()
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *program.words,
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    tree = Tree(process.pid)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(120):
            ready = await process.stdout.readline()
        if not ready:
            raise RuntimeError(f"{program.module} did not start:\n{(folder / 'log').read_text()[-3000:]}")
        async with Simulator.connect(slack.url) as simulator:
            await simulator.wait_connected(timeout=60)
        yield Bot(tree=tree, seconds_to_start=time.monotonic() - began, folder=folder)
    finally:
        tree.kill()
        await process.wait()


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    foreign = ("SLACK_", "REDIS_", "COUNTERSIGN_", "LANGSMITH_", "LANGCHAIN_")
    return {name: value for name, value in environment.items() if not name.startswith(foreign)}
