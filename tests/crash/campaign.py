"""A run of many tasks during which replicas die, at one named point or at several, and then all comes to its end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bot.approvals.model.errors import Unreachable
from bot.storage.redis.store import RedisStorage
from simulator.client import Simulator
from tests.crash.cluster import LEASE, WAIT, Cluster, at_rest, records, tasks_in, until
from tests.crash.evidence import Findings, look
from tests.crash.people import People
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

REPLICAS = 3
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

Faults = Literal["none", "slack", "redis", "sleep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a campaign does. A replica that dies is started again, with the next of `points`."""

    name: str
    points: tuple[str, ...] = ()
    chance: float = 1.0
    """Of dying each time that the point is reached."""
    tasks: int = 8
    gates: int = 2
    kills: int = 0
    """SIGKILLs of all kinds, after which replicas live."""
    any_moment: float = 0
    """Seconds between two kills at no point in particular, about; 0: none."""
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
    """How often a replica died at which point; "" stands for no point in particular."""
    seconds: float
    cluster: Cluster

    @property
    def kills(self) -> int:
        return self.died_at.total()

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
            f"{self.plan.name} (seed {self.plan.seed}): {found.tasks} tasks, {self.kills} kills, {found.ended} ended, "
            f"decided: {decided}; cards twice: {found.cards_twice}, effects twice: {found.effects_twice}, "
            f"leases lost: {self.lost_leases}, commands lost: {found.lost}; {self.seconds:.0f} s"
        )


async def run(plan: Plan, folder: Path, redis: RedisServer, slack: Slack) -> Outcome:
    """Run it on a Redis and a Slack of its own. No replica is left behind."""
    cluster = Cluster.prepare(folder, redis, slack, escalate=max(plan.deadline - 3, 1), deadline=plan.deadline)
    try:
        async with Simulator.connect(slack.url) as simulator, records(redis) as storage:
            return await _Campaign(plan, cluster, simulator, storage).run()
    finally:
        await cluster.kill_all()


@dataclass(slots=True)
class _Campaign:
    plan: Plan
    cluster: Cluster
    simulator: Simulator
    storage: RedisStorage
    died_at: Counter[str] = field(default_factory=Counter)
    ahead: list[str] = field(default_factory=list)
    """The points that living replicas are on the way to."""

    async def run(self) -> Outcome:
        began = time.monotonic()
        people = People(self.simulator, self.plan.seed, self.plan.deadline)
        async with people.at_work():
            await self._among_kills(people)
            await self._power_cut()
            await self.cluster.a_minute_passes(self.storage)
            await self.cluster.start(REPLICAS)
            await at_rest(self.storage, self.simulator, self.plan.tasks, seconds=600)
        findings = await look(
            self.storage,
            self.simulator,
            self.cluster.effects,
            sent=people.sent,
            acknowledged=people.acknowledged,
            interrupted=self.cluster.interrupted,
        )
        return Outcome(
            plan=self.plan,
            findings=findings,
            died_at=self.died_at,
            seconds=time.monotonic() - began,
            cluster=self.cluster,
        )

    async def _power_cut(self) -> None:
        self.died_at[""] += len(self.cluster.alive)
        await self.cluster.kill_all()
        await self.simulator.clear_faults()

    async def _among_kills(self, people: People) -> None:
        """Start the tasks, and again what dies, until all points were seen, or the kills are used up."""
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(self._keep()) for _ in range(REPLICAS)]
            await self.simulator.wait_connected(REPLICAS, timeout=2 * WAIT)
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
            while await self._recorded() < self.plan.tasks:  # commands were lost with the processes that took them
                if not self.cluster.alive:
                    await self.cluster.start()
                await people.start(str(self.cluster.effects), self.plan.gates)
                await asyncio.sleep(0.5)

    async def _start_tasks(self, people: People) -> None:
        """So many at first, and then more for as long as points are left that need some."""
        for _ in range(self.plan.tasks):
            await people.start(str(self.cluster.effects), self.plan.gates)
        while not await self._enough() and people.sent < 3 * self.plan.tasks:
            await asyncio.sleep(1)
            if await self._all_ended() or await self._recorded() < self.plan.tasks:
                await people.start(str(self.cluster.effects), self.plan.gates)

    async def _enough(self) -> bool:
        if self.died_at.total() >= self.plan.kills and self.plan.faults == "none":
            return True
        return set(self.plan.points) <= set(self.died_at) and await self._all_ended()

    async def _all_ended(self) -> bool:
        try:
            return all(task.finished for task in await tasks_in(self.storage))
        except Unreachable:
            return False

    async def _recorded(self) -> int:
        try:
            return len(await tasks_in(self.storage))
        except Unreachable:
            return 0

    async def _keep(self) -> None:
        """One place for a replica: whenever it dies, start another."""
        while True:
            point = self._point()
            self.ahead.append(point)
            replica = await self.cluster.launch(point, self.plan.chance)
            if not await replica.connected() and self.plan.faults == "none" and not (replica.killed or point):
                raise AssertionError(f"a replica did not start:\n{replica.words}")
            await replica.process.wait()
            self.ahead.remove(point)
            if replica.killed or point:  # else it did not start, as Slack or Redis was away
                self.died_at["" if replica.killed else point] += 1

    def _point(self) -> str:
        """The next point that nobody has died at, nor is on the way to; with the kills used up, none."""
        if self.died_at.total() >= self.plan.kills or not self.plan.points:
            return ""
        if len(self.plan.points) == 1:
            return self.plan.points[0]
        return next((p for p in self.plan.points if not self.died_at[p] and p not in self.ahead), "")

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
        chance = random.Random(self.plan.seed)
        while True:
            await asyncio.sleep(chance.uniform(4, 8))
            self.cluster.redis.kill()
            try:
                await asyncio.sleep(chance.uniform(0.2, 4))
            finally:
                self.cluster.redis.start()

    async def _replicas_sleep(self) -> None:
        """One at a time, for about two leases."""
        chance = random.Random(self.plan.seed)
        while True:
            await asyncio.sleep(chance.uniform(0.5, 2))
            sleeper = chance.choice(
                [replica for replica in self.cluster.alive if replica.ready] or self.cluster.replicas
            )
            sleeper.send(signal.SIGSTOP)
            try:
                await asyncio.sleep(2 * LEASE)
            finally:
                sleeper.send(signal.SIGCONT)

    async def _slack_misbehaves(self) -> None:
        """One thing after another goes wrong in Slack."""
        chance = random.Random(self.plan.seed)
        while True:
            await self.simulator.fault(chance.choice(FAULTY), times=chance.randint(1, 2), **chance.choice(FAULTS))
            if chance.random() < 0.05:
                await self.simulator.drop_sockets(politely=chance.random() < 0.5)
            await asyncio.sleep(0.3)

    async def _kill_at_any_moment(self) -> None:
        chance = random.Random(self.plan.seed)
        while True:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * self.plan.any_moment)
            ready = [replica for replica in self.cluster.alive if replica.ready]
            if self.died_at.total() < self.plan.kills and ready:
                chance.choice(ready).kill()
