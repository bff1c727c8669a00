"""Wherever a role dies between an action and its undoing: one action, undone once or kept, and cards that agree."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash import campaign
from tests.crash.campaign import Plan
from tests.crash.cluster import UNDO_POINTS
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack


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
