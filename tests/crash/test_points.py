"""Each point once on each store, in campaigns of some minutes; `python -m tests.crash` has longer ones."""

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
@pytest.mark.parametrize("store", ["SQLite", "Redis"])
async def test_wherever_a_role_dies_every_task_ends_with_its_decisions_each_made_and_shown_once(
    tmp_path: Path, redis: RedisServer, slack: Slack, store: str
) -> None:
    plan = Plan(name="each point once", points=POINTS, tasks=8, kills=len(POINTS), deadline=6, seconds=480, seed=3)

    outcome = await campaign.run(plan, tmp_path / "crash", redis if store == "Redis" else None, slack)

    sys.stdout.write(f"{outcome}\n")
    assert outcome.whole, "\n".join([f"{outcome}", *outcome.findings.problems, outcome.cluster.logs])
    assert set(POINTS) <= set(outcome.died_at)


@pytest.mark.slow
@pytest.mark.timeout(1500)
async def test_whichever_process_dies_its_parent_starts_it_again_and_every_task_ends(
    tmp_path: Path, slack: Slack
) -> None:
    """On SQLite: the gateway, a worker, the worker role's own process and the supervisors, at any moment."""
    plan = Plan(name="any process", tasks=8, kills=16, any_moment=3, deadline=6, seconds=240, seed=2)

    outcome = await campaign.run(plan, tmp_path / "crash", None, slack)

    sys.stdout.write(f"{outcome}\n")
    assert outcome.whole, "\n".join([f"{outcome}", *outcome.findings.problems, outcome.cluster.logs])
    assert {"gateway", "parent", "worker", "node"} == {kind for (_, kind), count in outcome.died.items() if count}
