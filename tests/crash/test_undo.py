"""Wherever a role dies between an action and its undoing: one action, undone once or kept, and cards that agree."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from simulator.client import Simulator
from tests.crash import campaign, undo_evidence
from tests.crash.campaign import Plan
from tests.crash.cluster import UNDO_POINTS, Cluster, at_rest
from tests.crash.evidence import look
from tests.crash.people import People
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack


@pytest.mark.slow
async def test_a_bot_that_dies_when_it_begins_to_undo_is_followed_by_one_that_undoes_it_once(
    tmp_path: Path, slack: Slack
) -> None:
    cluster = Cluster.prepare(tmp_path / "crash", None, slack, escalate=600, deadline=900, LEASE_SECONDS="1")
    try:
        async with Simulator.connect(slack.url) as simulator, cluster.records() as storage:
            people = People(simulator, seed=1, deadline=900, prompt=True, agreeable=True)
            async with people.at_work():
                first = await cluster.launch(point="undo-begun")
                assert await first.connected(), first.words
                await people.start(str(cluster.effects), gates=0)
                assert await first.ended() == -signal.SIGKILL
                await cluster.start()
                await at_rest(storage, simulator, 1)
            found = await look(
                storage,
                simulator,
                cluster.effects,
                sent=1,
                acknowledged=people.acknowledged,
                interrupted=cluster.interrupted,
                check=undo_evidence.check,
            )
    finally:
        await cluster.kill_all()

    assert not found.problems, "\n".join([*found.problems, cluster.logs])
    assert found.decisions == {"approve": 1, "undo": 1}


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("store", ["SQLite", "Redis"])
async def test_wherever_a_role_dies_an_action_is_undone_once_or_kept_and_every_card_says_so(
    tmp_path: Path, redis: RedisServer, slack: Slack, store: str
) -> None:
    kills = len(UNDO_POINTS)
    plan = Plan(name="undo", points=UNDO_POINTS, gates=0, tasks=8, kills=kills, deadline=6, seconds=480, seed=3)

    outcome = await campaign.run(plan, tmp_path / "crash", redis if store == "Redis" else None, slack)

    sys.stdout.write(f"{outcome}\n")
    assert outcome.whole, "\n".join([f"{outcome}", *outcome.findings.problems, outcome.cluster.logs])
    assert set(UNDO_POINTS) <= set(outcome.died_at)
    assert outcome.findings.decisions["undo"]
