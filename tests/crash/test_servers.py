"""Threads on a LangGraph Server, watched by gateways that die: each is asked about once, and told its answer once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash import servers
from tests.crash.cluster import SERVER_POINTS
from tests.support.langgraph_server import LangGraphServer, langgraph_server
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

__all__ = ["langgraph_server"]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("store", ["SQLite", "Redis"])
async def test_wherever_a_gateway_dies_each_thread_is_asked_about_once_and_told_once(
    tmp_path: Path, redis: RedisServer, slack: Slack, langgraph_server: LangGraphServer, store: str
) -> None:
    """`tests/server/test_scenarios_killed.py` has a few of the points for every day."""
    on = redis if store == "Redis" else None
    outcome = await servers.run(tmp_path / "crash", on, slack, langgraph_server, SERVER_POINTS)

    sys.stdout.write(f"{outcome}\n")
    assert not outcome.problems, "\n".join([f"{outcome}", *outcome.problems, outcome.logs])
    assert set(SERVER_POINTS) <= set(outcome.died_at)
