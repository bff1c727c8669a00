"""SIGTERM under load: what has begun is finished or left whole, and another replica goes on at once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.approvals.ports.storage import Storage
from simulator.client import Simulator
from tests.crash.cluster import Cluster, at_rest, tasks_in, until
from tests.crash.evidence import effects_of, look
from tests.crash.people import People, all_messages
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

TASKS = 3


@pytest.fixture
async def cluster(tmp_path: Path, redis: RedisServer, slack: Slack) -> AsyncIterator[Cluster]:
    """Leases are so long that nobody could wait for their end: a replica that goes on had been given its threads."""
    cluster = Cluster.prepare(
        tmp_path / "crash", redis, slack, escalate=600, deadline=900, LEASE_SECONDS="600", SHUTDOWN_GRACE="5"
    )
    yield cluster
    await cluster.kill_all()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_replica_that_is_asked_to_end_ends_with_0_gives_its_threads_back_and_cuts_no_call_to_slack(
    cluster: Cluster, simulator: Simulator, storage: Storage
) -> None:
    (first,) = await cluster.start()
    people = People(simulator, seed=1, deadline=900, prompt=True)
    async with people.at_work():
        await simulator.fault("chat.postMessage", "delay", seconds=0.3, times=1000)
        await simulator.fault("chat.update", "delay", seconds=0.3, times=1000)
        for _ in range(TASKS):
            await people.start(str(cluster.effects), gates=2)
        await until(lambda: passed_a_gate(cluster), "work under way")

        first.send(signal.SIGTERM)
        assert await first.ended() == 0, first.words
        assert "Traceback" not in first.words, first.words
        await assert_every_post_is_recorded(storage, simulator, people.sent)
        await cluster.start()
        await simulator.clear_faults()
        await at_rest(storage, simulator, TASKS)

    assert await cluster.stop_all() == [0]
    findings = await look(
        storage,
        simulator,
        cluster.effects,
        sent=people.sent,
        acknowledged=people.acknowledged,
        interrupted=lambda _: False,
    )
    assert not findings.problems, "\n".join([*findings.problems, cluster.logs])


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_node_that_outlasts_the_grace_is_cut_and_run_again_by_another_replica(
    cluster: Cluster, simulator: Simulator, storage: Storage
) -> None:
    hold = cluster.effects / "hold"
    hold.touch()
    (first,) = await cluster.start()
    people = People(simulator, seed=1, deadline=900, prompt=True)
    async with people.at_work():
        await people.start(str(cluster.effects), gates=1)
        await until(lambda: passed_a_gate(cluster), "the task in its node")

        first.send(signal.SIGTERM)
        assert await first.ended() == 0, first.words
        hold.unlink()
        await cluster.start()
        await at_rest(storage, simulator, 1)

    assert "Traceback" not in first.words, first.words
    findings = await look(
        storage,
        simulator,
        cluster.effects,
        sent=1,
        acknowledged=people.acknowledged,
        interrupted=lambda effect: effect.replica == first.number,
    )
    assert not findings.problems, "\n".join([*findings.problems, cluster.logs])
    assert findings.effects_twice == 1


async def passed_a_gate(cluster: Cluster) -> bool:
    return any(effects_of(cluster.effects, number) for number in range(TASKS))


async def assert_every_post_is_recorded(storage: Storage, simulator: Simulator, sent: int) -> None:
    """Nothing is claimed any more, and what stands in Slack is known to stand there."""
    messages = [message for task in await tasks_in(storage) for message in await storage.messages_of(task.id)]
    places = {message.ref.ts for message in messages if message.ref is not None}

    assert {message["ts"] for message in await all_messages(simulator, sent)} == places
    assert not [message for message in messages if message.attempted]
