"""A run of many tasks during which gateways and workers die, at one named point or at several, and then all comes to
its end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bot.approvals.model.errors import Unreachable
from bot.approvals.ports.storage import Storage
from simulator.client import Simulator
from tests.crash import undo_evidence
from tests.crash.cluster import BOTH, GATEWAY_POINTS, LEASE, WAIT, Cluster, Replica, Role, at_rest, tasks_in, until
from tests.crash.evidence import Findings, look
from tests.crash.people import People
from tests.crash.processes import Kind
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

FAULTY = (
    *("chat.postMessage", "chat.postMessage", "chat.update", "response_url", "chat.postEphemeral", "views.open"),
    "conversations.open",
    *("conversations.replies", "conversations.history", "users.info", "usergroups.list", "apps.connections.open"),
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "lose_response"},
    {"kind": "lose_response"},
    {"kind": "lose_request"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 429, "retry_after": 1},
    {"kind": "error", "error": "internal_error"},
)

VICTIMS: tuple[tuple[Role, Kind], ...] = (
    ("gateway", "node"),
    ("gateway", "gateway"),
    ("worker", "node"),
    ("worker", "parent"),
    ("worker", "worker"),
)

Faults = Literal["none", "slack", "redis", "sleep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a campaign does. A replica, which is one role, is started again when it dies, with the next of `points` that
    its role gets to."""

    name: str
    points: tuple[str, ...] = ()
    chance: float = 1.0
    """Of dying each time that the point is reached."""
    tasks: int = 8
    gates: int = 2
    """How many approvals each task asks for, one after the other. 0: one, and what it then does can be undone."""
    of: Literal["node", "process"] = "node"
    """What dies at a point: the whole replica, or the process that gets there, which its parent starts again."""
    kills: int = 0
    """SIGKILLs of all kinds, after which all live."""
    any_moment: float = 0
    """Seconds between two kills of any process at no point in particular, about; 0: none."""
    deadline: int = 7
    faults: Faults = "none"
    """In the first part. slack: it loses responses, answers 429 and 500, drops sockets. redis: it is killed and comes
    back. sleep: replicas are stopped for longer than their leases."""
    seconds: float = 240.0
    """For the first part; what is left is for replicas that nobody kills."""
    seed: int = 1


@dataclass(slots=True, kw_only=True)
class Outcome:
    plan: Plan
    findings: Findings
    died_at: Counter[str]
    """How often something died at which point; "" stands for no point in particular."""
    died: Counter[tuple[Role, Kind]]
    seconds: float
    cluster: Cluster

    @property
    def kills(self) -> int:
        return self.died_at.total()

    def killed(self, role: Role) -> str:
        """The role's kills: of nodes, and of single processes."""
        nodes = self.died[role, "node"]
        return f"{nodes} + {sum(count for (of, _), count in self.died.items() if of == role) - nodes}"

    @property
    def lost_leases(self) -> int:
        return sum(replica.lost_leases for replica in self.cluster.replicas)

    @property
    def whole(self) -> bool:
        """Whether every promise was kept."""
        found = self.findings
        return not found.problems and found.ended == found.tasks >= self.plan.tasks

    def __str__(self) -> str:
        found = self.findings
        decided = ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.decisions.items()))
        return (
            f"{self.plan.name} on {self.cluster.store} (seed {self.plan.seed}): {found.tasks} tasks, "
            f"{self.kills} kills (gateways {self.killed('gateway')}, workers {self.killed('worker')}), "
            f"at points: {dict(self.died_at)}, {found.ended} ended, "
            f"decided: {decided}; cards twice: {found.cards_twice}, effects twice: {found.effects_twice}, "
            f"leases lost: {self.lost_leases}, commands lost: {found.lost}; {self.seconds:.0f} s"
        )


async def run(plan: Plan, folder: Path, redis: RedisServer | None, slack: Slack) -> Outcome:
    """Run it on a Redis, or on SQLite in the folder, and on a Slack of its own. No replica is left behind."""
    cluster = Cluster.prepare(folder, redis, slack, escalate=max(plan.deadline - 3, 1), deadline=plan.deadline)
    try:
        async with Simulator.connect(slack.url) as simulator, cluster.records() as storage:
            return await _Campaign(plan, cluster, simulator, storage).run()
    finally:
        await cluster.kill_all()


@dataclass(slots=True)
class _Campaign:
    plan: Plan
    cluster: Cluster
    simulator: Simulator
    storage: Storage
    ahead: list[str] = field(default_factory=list)
    """The points that living replicas are on the way to."""
    nodes: Counter[tuple[Role, str]] = field(default_factory=Counter)
    """The replicas that died, with the point."""

    async def run(self) -> Outcome:
        began = time.monotonic()
        people = People(self.simulator, self.plan.seed, self.plan.deadline, agreeable=not self.plan.gates)
        async with people.at_work():
            await self._among_kills(people)
            await self._power_cut()
            await self.cluster.start_roles()
            await at_rest(self.storage, self.simulator, self.plan.tasks, seconds=600)
        findings = await look(
            self.storage,
            self.simulator,
            self.cluster.effects,
            sent=people.sent,
            acknowledged=people.acknowledged,
            interrupted=self.cluster.interrupted,
            check=None if self.plan.gates else undo_evidence.check,
        )
        died: Counter[tuple[Role, Kind]] = Counter()
        for (role, _), count in self.nodes.items():
            died[role, "node"] += count
        for replica in self.cluster.replicas:
            for kind, count in self._died_alone(replica).items():
                died[replica.role or "gateway", kind] += count
        return Outcome(
            plan=self.plan,
            findings=findings,
            died_at=self._died_at(),
            died=died,
            seconds=time.monotonic() - began,
            cluster=self.cluster,
        )

    def _died_at(self) -> Counter[str]:
        """Replicas and single processes. What we did not kill died at its point."""
        counted: Counter[str] = Counter()
        for (_, point), count in self.nodes.items():
            counted[point] += count
        for replica in self.cluster.replicas:
            died = self._died_alone(replica)
            ours = (died & replica.sent).total()
            counted[""] += ours
            counted[replica.point] += died.total() - ours
        return +counted

    def _died_alone(self, replica: Replica) -> Counter[Kind]:
        """The single processes of a replica that died. Where nodes die at points, what else died with its node."""
        return replica.died if self.plan.of == "process" else replica.died & replica.sent

    async def _power_cut(self) -> None:
        for replica in self.cluster.alive:
            self.nodes[replica.role or "gateway", ""] += 1
        await self.cluster.kill_all()
        await self.simulator.clear_faults()

    async def _among_kills(self, people: People) -> None:
        """Start the tasks, and again what dies, until all points were seen, or the kills are used up."""
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(self._keep(role)) for role in self.cluster.roles]
            await until(self._all_ready, "all replicas ready", 2 * WAIT)
            if self.plan.any_moment:
                keeping.append(group.create_task(self._kill_at_any_moment()))
            if (disturb := self._disturbance()) is not None:
                keeping.append(group.create_task(disturb))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.plan.seconds):
                    await self._start_tasks(people)
                    await until(self._enough, "the kills", self.plan.seconds + 1)
            for task in keeping:
                task.cancel()
        await self.simulator.clear_faults()
        async with asyncio.timeout(2 * WAIT):
            while (
                await self._recorded() or 0
            ) < self.plan.tasks:  # commands were lost with the processes that took them
                for role in {*BOTH} - {replica.role for replica in self.cluster.alive}:
                    await self.cluster.launch(role)
                await self._start(people)
                await asyncio.sleep(0.5)

    async def _start_tasks(self, people: People) -> None:
        """So many at first, and then more for as long as something is left to die that needs some."""
        while people.sent < 10 * self.plan.tasks:
            recorded = await self._recorded()
            if recorded is not None and recorded < self.plan.tasks:
                await self._start(people)
                await asyncio.sleep(0.1)
                continue
            if await self._enough():
                return
            if recorded is not None and recorded < 3 * self.plan.tasks and await self._all_ended():
                await self._start(people)
            await asyncio.sleep(1)

    async def _start(self, people: People) -> None:
        """One task, once somebody is there to take the command."""
        await self.simulator.wait_connected(1, timeout=2 * WAIT)
        await people.start(str(self.cluster.effects), self.plan.gates)

    async def _enough(self) -> bool:
        if self.plan.faults != "none":
            return await self._all_ended()
        died_at = self._died_at()
        return died_at.total() >= self.plan.kills and set(self.plan.points) <= set(died_at)

    async def _all_ready(self) -> bool:
        """Whether as many have been ready as run at the same time: some may have died since."""
        return sum(replica.ready for replica in self.cluster.replicas) >= len(self.cluster.roles)

    async def _all_ended(self) -> bool:
        try:
            return all(task.finished for task in await tasks_in(self.storage))
        except Unreachable:
            return False

    async def _recorded(self) -> int | None:
        """None while storage is away."""
        try:
            return len(await tasks_in(self.storage))
        except Unreachable:
            return None

    async def _keep(self, role: Role) -> None:
        """One place for a replica: whenever it dies, start another."""
        while True:
            point = self._point(role)
            self.ahead.append(point)
            replica = await self.cluster.launch(role, point=point, chance=self.plan.chance, of=self.plan.of)
            if not await replica.connected() and self.plan.faults == "none" and not (replica.killed or point):
                raise AssertionError(f"a replica did not start:\n{replica.words}")
            await replica.process.wait()
            self.ahead.remove(point)
            if replica.killed or point:  # else it did not start, as Slack or Redis was away
                self.nodes[role, "" if replica.killed else point] += 1

    def _point(self, role: Role) -> str:
        """The next point of this role that nobody has died at, nor is on the way to; with the kills used up, none."""
        points = [point for point in self.plan.points if (point in GATEWAY_POINTS) == (role == "gateway")]
        died_at = self._died_at()
        if len(self.plan.points) == 1 and points:
            return "" if died_at[points[0]] and died_at.total() >= self.plan.kills else points[0]
        return next((point for point in points if not died_at[point] and point not in self.ahead), "")

    def _disturbance(self) -> Coroutine[Any, Any, None] | None:
        match self.plan.faults:
            case "slack":
                return self._slack_misbehaves()
            case "redis":
                return self._redis_dies()
            case "sleep":
                return self._replicas_sleep()
            case "none":
                return None

    async def _redis_dies(self) -> None:
        """Now and then, for a while; what was written by then is on its disk."""
        chance, redis = random.Random(self.plan.seed), self.cluster.redis
        assert redis is not None
        while True:
            await asyncio.sleep(chance.uniform(4, 8))
            redis.kill()
            try:
                await asyncio.sleep(chance.uniform(0.2, 4))
            finally:
                redis.start()

    async def _replicas_sleep(self) -> None:
        """One at a time, for about two leases."""
        chance = random.Random(self.plan.seed)
        while True:
            await asyncio.sleep(chance.uniform(0.5, 2))
            sleeper = chance.choice(
                [replica for replica in self.cluster.alive if replica.ready] or self.cluster.replicas
            )
            sleeper.send_all(signal.SIGSTOP)
            try:
                await asyncio.sleep(2 * LEASE)
            finally:
                sleeper.send_all(signal.SIGCONT)

    async def _slack_misbehaves(self) -> None:
        """One thing after another goes wrong in Slack."""
        chance = random.Random(self.plan.seed)
        while True:
            await self.simulator.fault(chance.choice(FAULTY), times=chance.randint(1, 2), **chance.choice(FAULTS))
            if chance.random() < 0.05:
                await self.simulator.drop_sockets(politely=chance.random() < 0.5)
            await asyncio.sleep(0.3)

    async def _ready(self, role: Role) -> list[Replica]:
        return [replica for replica in self.cluster.alive if replica.ready and replica.role == role]

    async def _kill_at_any_moment(self) -> None:
        """Each kind of process of each role in turn."""
        chance = random.Random(self.plan.seed)
        for role, kind in itertools.cycle(chance.sample(VICTIMS, len(VICTIMS))):
            await asyncio.sleep(chance.uniform(0.5, 1.5) * self.plan.any_moment)
            ready = await until(partial(self._ready, role), f"a {role} that is ready", 2 * WAIT)
            if self._died_at().total() < self.plan.kills:
                chance.choice(ready).kill_one(kind, chance)
