"""A program that asks people, on gateways that die: nothing is lost, no decision changes, and one execution has it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash import calls
from tests.crash.cluster import CALL_POINTS
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack


@pytest.mark.slow
async def test_a_gateway_that_dies_at_the_hand_over_changes_nothing_for_the_program(
    tmp_path: Path, slack: Slack
) -> None:
    outcome = await calls.run(tmp_path / "crash", None, slack, ["handed-over"], short=True)

    assert not outcome.problems, "\n".join([f"{outcome}", *outcome.problems, outcome.logs])
    assert outcome.died_at["handed-over"] == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", ["SQLite", "Redis"])
async def test_wherever_a_gateway_dies_the_program_is_told_the_same_and_one_execution_has_it(
    tmp_path: Path, redis: RedisServer, slack: Slack, store: str
) -> None:
    outcome = await calls.run(tmp_path / "crash", redis if store == "Redis" else None, slack, CALL_POINTS)

    sys.stdout.write(f"{outcome}\n")
    assert not outcome.problems, "\n".join([f"{outcome}", *outcome.problems, outcome.logs])
    assert set(CALL_POINTS) <= set(outcome.died_at)
