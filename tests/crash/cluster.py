"""Replicas of the bot as processes of their own, on one store and one local Slack, and what becomes of each."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from bot import crash_points
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Storage
from bot.private_files import private_folder
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from bot.stores import RECORDS
from simulator.client import Simulator
from tests.crash.evidence import Effect
from tests.crash.people import ALICE
from tests.crash.processes import DYING, Kind, below, lives, send
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

ROOT = Path(__file__).resolve().parents[2]
Role: TypeAlias = Literal["gateway", "worker"]
GRAPH_POINTS = ("answer-taken", "effect-made", "next-node")
GATEWAY_POINTS = ("start-received", "task-recorded", "message-posted", "vote-saved")
CALL_POINTS = ("call-recorded", "call-asked", "handed-over", "webhook-claimed", "webhook-sent", "consumed")
"""Those that a gateway gets to because a program asks; `tests.crash.calls` kills it there."""
SERVER_POINTS = (
    *("thread-adopted", "interrupt-reached", "request-opened", "message-posted", "vote-saved", "decided", "leased"),
    *("resume-begun", "server-run-begun", "server-stop-answered", "run-returned", "before-delivered"),
)
"""Those that a gateway gets to because a thread on a LangGraph Server asks; `tests.crash.servers` kills it there."""
_ONLY_SERVERS = ("thread-adopted", "server-run-begun", "server-stop-answered")
UNDO_POINTS = (
    *("effect-made", "interrupt-reached", "window-opened", "message-posted", "vote-saved", "undo-begun"),
    *("run-returned", "before-delivered"),
)
"""Those on the way from an action to its undoing, where tasks that offer that die."""
POINTS: tuple[str, ...] = (
    *(
        point
        for point in get_args(crash_points.Point)
        if not point.startswith(("summary-", "trouble-"))
        and point not in (*CALL_POINTS, *_ONLY_SERVERS, "window-opened", "undo-begun")  # other tests die there
    ),
    *GRAPH_POINTS,
)
BOTH: Final[tuple[Role, ...]] = ("gateway", "worker")
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

LEASE_LOST = re.compile(r"lease\.lost|from LeaseLost")

Found = TypeVar("Found")


@dataclass(slots=True)
class Replica:
    """One `python -m bot run`, with both roles or with one."""

    process: asyncio.subprocess.Process
    number: int
    role: Role | None
    point: str
    log: Path
    ready: bool = False
    killed: bool = False
    """By us, not at its point."""
    sent: Counter[Kind] = field(default_factory=Counter)
    """How many of its processes we have killed, of which kind."""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def send(self, number: signal.Signals) -> None:
        """Past asyncio's own way, which may reap the process before asyncio's watcher does."""
        if self.alive:
            send(self.pid, number)

    def send_all(self, number: signal.Signals) -> None:
        """To each of its processes, as something does that concerns the whole machine."""
        for _, pid in below(self.pid) if self.alive else ():
            send(pid, number)

    def kill(self) -> None:
        """As a lost node."""
        if self.alive:
            self.killed = True
            self.send(signal.SIGKILL)

    def kill_one(self, kind: Kind, chance: random.Random) -> None:
        """Kills one process of this kind, if there is any now. What else lives has to start it again."""
        names: list[Kind] = ["node", "gateway"] if self.role == "gateway" else ["node", "parent", "worker"]
        found = [pid for depth, pid in below(self.pid) if names[depth : depth + 1] == [kind]] if self.alive else []
        if found and kind == "node":
            self.kill()
        elif found:
            self.sent[kind] += 1
            send(chance.choice(found), signal.SIGKILL)

    @property
    def died(self) -> Counter[Kind]:
        """How many of its processes were killed, of which kind, while it lived: as its log says."""
        words = self.words
        return Counter({kind: len(re.findall(pattern, words)) for kind, pattern in DYING.items()})

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
    redis: RedisServer | None
    """Where the records are. None: in SQLite, in the folder."""
    slack: Slack = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    replicas: list[Replica] = field(default_factory=list)
    launched: int = 0

    @classmethod
    def prepare(
        cls,
        folder: Path,
        redis: RedisServer | None,
        slack: Slack,
        *,
        escalate: int = 4,
        deadline: int = 7,
        **settings: str,
    ) -> Cluster:
        """Nothing is started yet; `escalate` and `deadline` are seconds of the policy."""
        effects = folder / "effects"
        effects.mkdir(parents=True)
        (folder / "ended").mkdir()
        (folder / "policies.yaml").write_text(POLICY.format(escalate=escalate, deadline=deadline))
        here = Path(__file__).parent
        named = {"gates": f"{here}/graph.py:graph", "undo": f"{here}/undo_graph.py:graph"}
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
            "CRASH_ENDED": str(folder / "ended"),
            **settings,
        }
        return cls(folder, redis, slack, environment)

    @property
    def effects(self) -> Path:
        return self.folder / "effects"

    @property
    def store(self) -> str:
        return "SQLite" if self.redis is None else "Redis"

    @property
    def roles(self) -> Sequence[Role]:
        """What a campaign runs, each in a replica of its own."""
        return BOTH if self.redis is None else BOTH * 3

    @property
    def alive(self) -> list[Replica]:
        return [replica for replica in self.replicas if replica.alive]

    @property
    def logs(self) -> str:
        return "\n".join(f"--- {replica.log.name}\n{replica.words}" for replica in self.replicas)

    def records(self) -> AbstractAsyncContextManager[Storage]:
        """The records, read past the bot."""
        return records(self.redis) if self.redis is not None else records_in(self.folder / "state")

    async def launch(
        self, role: Role | None = None, *, point: str = "", chance: float = 1, of: str = "node", **settings: str
    ) -> Replica:
        """Start one more and wait for nothing. It dies at this point, or with `of="process"` its process does."""
        number, self.launched = self.launched, self.launched + 1
        log = self.folder / f"bot-{number}.log"
        variable = "CRASH_GRAPH_AT" if point in GRAPH_POINTS else crash_points.VARIABLE
        crashing = {variable: f"{point}:{chance}", crash_points.OF: of} if point else {}
        stored = {"REDIS_URL": self.redis.url} if self.redis is not None else {}
        needless = {"SLACK_APP_TOKEN"} if role == "worker" else set()  # only gateways open a socket
        given = {name: value for name, value in self.environment.items() if name not in needless}
        command = [sys.executable, "-m", "bot", "run", "--env-file", os.devnull, *(("--role", role) if role else ())]
        with log.open("ab") as out:
            starting = asyncio.create_subprocess_exec(
                *command,
                cwd=self.folder,
                env={**given, **stored, **crashing, **settings, "CRASH_REPLICA": str(number)},
                stdout=asyncio.subprocess.PIPE,
                stderr=out,
            )
            replica = Replica(process=await starting, number=number, role=role, point=point, log=log)
        self.replicas.append(replica)
        return replica

    async def start(self, number: int = 1) -> list[Replica]:
        """Start so many with both roles that nothing kills, and return once all are connected."""
        return await self._started([None] * number)

    async def start_roles(self) -> list[Replica]:
        """Start all that a campaign runs, and return once all are ready."""
        return await self._started(self.roles)

    async def _started(self, roles: Sequence[Role | None]) -> list[Replica]:
        replicas = [await self.launch(role) for role in roles]
        for replica in replicas:
            if not await replica.connected():
                raise AssertionError(f"a replica did not start (exit code {await replica.ended()}):\n{replica.words}")
        return replicas

    def interrupted(self, effect: Effect) -> bool:
        """Whether the process that made this effect may have cut a node short: it was killed, or lost a lease."""
        if any(replica.lost_leases for replica in self.replicas if replica.number == effect.replica):
            return True
        return not (self.folder / "ended" / str(effect.pid)).exists() and not lives(effect.pid)

    async def kill_all(self) -> None:
        """A power cut."""
        for replica in self.alive:
            replica.kill()
        for replica in self.replicas:
            await replica.process.wait()
            assert replica.process.stdout is not None
            await replica.process.stdout.read()  # its processes have it open, so that its end is their end

    async def stop_all(self) -> list[int]:
        """An orderly shutdown of all; returns their exit codes."""
        stopping = self.alive
        for replica in stopping:
            replica.send(signal.SIGTERM)
        return [await replica.ended() for replica in stopping]


@asynccontextmanager
async def records(redis: RedisServer) -> AsyncIterator[Storage]:
    """The records in Redis, read past the bot."""
    storage = RedisStorage(client(redis.url))
    try:
        yield storage
    finally:
        await storage.close()


@asynccontextmanager
async def records_in(state_dir: Path) -> AsyncIterator[Storage]:
    """The records in SQLite, read past the bot."""
    private_folder(state_dir)
    storage = await SqliteStorage.open(state_dir / RECORDS)
    try:
        yield storage
    finally:
        await storage.close()


async def tasks_in(storage: Storage) -> list[Task]:
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


async def at_rest(storage: Storage, simulator: Simulator, number: int, seconds: float = WAIT) -> None:
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
