"""What Slack and Redis do while tasks run: lost responses, 429, 500, cut sockets; a Redis that dies and comes back."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash import campaign
from tests.crash.campaign import Plan
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_while_slack_loses_responses_answers_429_and_500_and_drops_sockets_nothing_is_lost_or_doubled(
    tmp_path: Path, redis: RedisServer, slack: Slack
) -> None:
    plan = Plan(name="Slack misbehaves", tasks=4, kills=2, any_moment=5, faults="slack", deadline=5, seconds=15, seed=5)

    outcome = await campaign.run(plan, tmp_path / "crash", redis, slack)

    sys.stdout.write(f"{outcome}\n")
    assert outcome.whole, "\n".join([f"{outcome}", *outcome.findings.problems, outcome.cluster.logs])


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_while_redis_dies_and_comes_back_nothing_is_lost_or_decided_twice(
    tmp_path: Path, redis: RedisServer, slack: Slack
) -> None:
    plan = Plan(name="Redis dies", tasks=4, faults="redis", deadline=5, seconds=15, seed=2)

    outcome = await campaign.run(plan, tmp_path / "crash", redis, slack)

    sys.stdout.write(f"{outcome}\n")
    assert outcome.whole, "\n".join([f"{outcome}", *outcome.findings.problems, outcome.cluster.logs])
