"""Replicas of the bot as processes of their own, on one Redis and one local Slack, and what becomes of each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, get_args

from bot import crash_points
from bot.approvals.model.ids import Person, TeamId, UserId
from bot.approvals.model.task import Task
from bot.storage.redis.store import RedisStorage, client
from simulator.client import Simulator
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

ROOT = Path(__file__).resolve().parents[2]
ALICE = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0ALICE"))
GRAPH_POINTS = ("answer-taken", "effect-made", "next-node")
POINTS: tuple[str, ...] = (
    *(
        point for point in get_args(crash_points.Point) if not point.startswith("summary-")
    ),  # there a scenario of its own dies
    *GRAPH_POINTS,
)
LEASE = 4
WAIT = 120.0
"""Seconds that anything may take on a busy machine before the test fails."""
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  reason_required: no
  escalate: {{after: {escalate}s, to: ["@on-call"]}}
  deadline: {deadline}s
"""

LEASE_LOST = re.compile("its lease was lost|its lease could not be renewed|the task is in other hands")

Found = TypeVar("Found")


@dataclass(slots=True)
class Replica:
    """One `python -m bot run`."""

    process: asyncio.subprocess.Process
    point: str
    log: Path
    ready: bool = False
    killed: bool = False
    """By us, not at its point."""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Past asyncio's own way, which may reap the process before asyncio's watcher does."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """As a lost node."""
        if self.alive:
            self.killed = True
            self.send(signal.SIGKILL)

    async def connected(self) -> bool:
        """True once it is connected, False where it ended before."""
        assert self.process.stdout is not None
        self.ready = bool(await self.process.stdout.readline())
        return self.ready

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        async with asyncio.timeout(WAIT):
            return await self.process.wait()

    @property
    def lost_leases(self) -> int:
        """How many runs it gave up, because it had stood still for longer than its lease, or could not renew it."""
        return len(LEASE_LOST.findall(self.words))

    @property
    def words(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass(slots=True)
class Cluster:
    """The replicas that there are and were."""

    folder: Path
    redis: RedisServer
    slack: Slack = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    replicas: list[Replica] = field(default_factory=list)
    launched: int = 0

    @classmethod
    def prepare(
        cls, folder: Path, redis: RedisServer, slack: Slack, *, escalate: int = 4, deadline: int = 7, **settings: str
    ) -> Cluster:
        """Nothing is started yet; `escalate` and `deadline` are seconds of the policy."""
        effects = folder / "effects"
        effects.mkdir(parents=True)
        (folder / "policies.yaml").write_text(POLICY.format(escalate=escalate, deadline=deadline))
        named = {"gates": f"{Path(__file__).parent}/graph.py:graph"}
        (folder / "langgraph.json").write_text(json.dumps({"graphs": named}))
        foreign = ("SLACK_", "REDIS_", "COUNTERSIGN_", "CRASH_", "LANGSMITH_", "LANGCHAIN_")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            **slack.environment,
            "PYTHONPATH": str(ROOT),
            "POLICY_FILE": str(folder / "policies.yaml"),
            "LANGGRAPH_CONFIG": str(folder / "langgraph.json"),
            "STATE_DIR": str(folder / "state"),
            "SWEEP_INTERVAL": "0.3",
            "LEASE_SECONDS": str(LEASE),
            "SHUTDOWN_GRACE": "20",
            **settings,
        }
        return cls(folder, redis, slack, environment)

    @property
    def effects(self) -> Path:
        return self.folder / "effects"

    @property
    def alive(self) -> list[Replica]:
        return [replica for replica in self.replicas if replica.alive]

    @property
    def logs(self) -> str:
        return "\n".join(f"--- {replica.log.name}\n{replica.words}" for replica in self.replicas)

    async def launch(self, point: str = "", chance: float = 1) -> Replica:
        """Start one more, which dies at this point, and wait for nothing."""
        log = self.folder / f"bot-{self.launched}.log"
        self.launched += 1
        variable = "CRASH_GRAPH_AT" if point in GRAPH_POINTS else crash_points.VARIABLE
        crashing = {variable: f"{point}:{chance}"} if point else {}
        command = [sys.executable, "-m", "bot", "run", "--env-file", os.devnull]
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.folder,
                env={**self.environment, "REDIS_URL": self.redis.url, **crashing},
                stdout=asyncio.subprocess.PIPE,
                stderr=out,
            )
        replica = Replica(process=process, point=point, log=log)
        self.replicas.append(replica)
        return replica

    async def start(self, number: int = 1) -> list[Replica]:
        """Start so many that nothing kills, and return once all are connected."""
        replicas = [await self.launch() for _ in range(number)]
        for replica in replicas:
            if not await replica.connected():
                raise AssertionError(f"a replica did not start (exit code {await replica.ended()}):\n{replica.words}")
        return replicas

    @property
    def interrupted(self) -> set[int]:
        """The processes in which a node may have been cut short: that were killed, or that lost a lease."""
        return {replica.pid for replica in self.replicas if not replica.alive or replica.lost_leases}

    async def kill_all(self) -> None:
        """A power cut."""
        for replica in self.alive:
            replica.kill()
        for replica in self.replicas:
            await replica.process.wait()

    async def stop_all(self) -> list[int]:
        """An orderly shutdown of all; returns their exit codes."""
        stopping = self.alive
        for replica in stopping:
            replica.send(signal.SIGTERM)
        return [await replica.ended() for replica in stopping]

    async def a_minute_passes(self, storage: RedisStorage) -> None:
        """What killed processes had claimed for their calls to Slack is free again. Only where none is alive."""
        assert not self.alive
        for task in await storage.tasks_of(ALICE, 10_000):
            for message in await storage.messages_of(task.id):
                if message.not_before is not None:
                    await storage.save_message(replace(message, not_before=None))


@asynccontextmanager
async def records(redis: RedisServer) -> AsyncIterator[RedisStorage]:
    """The records, read past the bot."""
    storage = RedisStorage(client(redis.url))
    try:
        yield storage
    finally:
        await storage.close()


async def tasks_in(storage: RedisStorage) -> list[Task]:
    """All tasks, the oldest first."""
    return list(reversed(await storage.tasks_of(ALICE, 10_000)))


async def until(
    predicate: Callable[[], Awaitable[Found | None]], what: Callable[[], str] | str, seconds: float = WAIT
) -> Found:
    """What the predicate finds in time; fails with what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if found := await predicate():
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not seen in {seconds} s: {what if isinstance(what, str) else what()}") from None


async def at_rest(storage: RedisStorage, simulator: Simulator, number: int, seconds: float = WAIT) -> None:
    """Wait until so many tasks have ended, and Slack shows all that the records say."""
    left: list[str] = []

    async def resting() -> bool:
        tasks = await tasks_in(storage)
        left[:] = [f"task {task.inputs['number']}: {task.state}" for task in tasks if not task.finished]
        if len(tasks) < number or left:
            return False
        later = tasks[-1].created_at + timedelta(days=1)
        left[:] = [f"{each}" for each in await storage.out_of_date(later, 1000)]
        return not left

    await until(resting, lambda: "all at rest; left: " + "\n".join(left), seconds)
