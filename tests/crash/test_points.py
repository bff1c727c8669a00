"""Each point once, in one campaign of some minutes; `python -m tests.crash` has longer ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash import campaign
from tests.crash.campaign import Plan
from tests.crash.cluster import POINTS
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_wherever_a_replica_dies_every_task_ends_with_its_decisions_each_made_and_shown_once(
    tmp_path: Path, redis: RedisServer, slack: Slack
) -> None:
    plan = Plan(name="each point once", points=POINTS, tasks=8, kills=len(POINTS), deadline=6, seconds=480, seed=3)

    outcome = await campaign.run(plan, tmp_path / "crash", redis, slack)

    sys.stdout.write(f"{outcome}\n")
    assert outcome.whole, "\n".join([f"{outcome}", *outcome.findings.problems, outcome.cluster.logs])
    assert set(POINTS) <= set(outcome.died_at)
