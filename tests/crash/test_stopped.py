"""A replica that is stopped for longer than its lease wakes up believing in it, and is fenced off."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.approvals.ports.storage import Storage
from simulator.client import Simulator
from tests.crash.cluster import Cluster, at_rest, until
from tests.crash.evidence import effects_of, look
from tests.crash.people import People
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

TASKS = 4


@pytest.fixture
async def cluster(tmp_path: Path, redis: RedisServer, slack: Slack) -> AsyncIterator[Cluster]:
    cluster = Cluster.prepare(tmp_path / "crash", redis, slack, escalate=600, deadline=900, LEASE_SECONDS="2")
    yield cluster
    await cluster.kill_all()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_replica_that_slept_through_its_lease_in_a_node_writes_nothing_and_what_follows_the_node_is_run_once(
    cluster: Cluster, simulator: Simulator, storage: Storage
) -> None:
    hold = cluster.effects / "hold"
    hold.touch()
    (sleeper,) = await cluster.start()
    people = People(simulator, seed=1, deadline=900, prompt=True)
    async with people.at_work():
        for _ in range(TASKS):
            await people.start(str(cluster.effects), gates=1)
        await until(lambda: made(cluster, sleeper.number), "every task in its node")

        sleeper.send_all(signal.SIGSTOP)
        (other,) = await cluster.start()
        await until(lambda: made(cluster, other.number), "every task taken over")
        hold.unlink()
        sleeper.send_all(signal.SIGCONT)
        await at_rest(storage, simulator, TASKS)

    assert await cluster.stop_all() == [0, 0]
    findings = await look(
        storage,
        simulator,
        cluster.effects,
        sent=TASKS,
        acknowledged=people.acknowledged,
        interrupted=lambda effect: effect.replica == sleeper.number,
    )
    assert not findings.problems, "\n".join([*findings.problems, cluster.logs])
    assert findings.effects_twice == TASKS
    for number in range(TASKS):
        assert [e.replica for e in effects_of(cluster.effects, number) if e.node == "beyond"] == [other.number]


async def made(cluster: Cluster, replica: int) -> bool:
    """Whether this replica has made the effect of each task's node."""
    effects = [effect for number in range(TASKS) for effect in effects_of(cluster.effects, number)]
    return len({effect.task for effect in effects if effect.replica == replica}) == TASKS
