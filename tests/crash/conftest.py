"""A local Slack and a Redis for each test, and a cluster on them whose processes end with the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.approvals.ports.storage import Storage
from simulator.client import Simulator
from tests.crash.cluster import records
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[Slack]:
    folder = tmp_path / "slack"
    folder.mkdir()
    slack = Slack.start(folder)
    yield slack
    slack.stop()


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """Started, with an append-only file."""
    redis_server.start()
    return redis_server


@pytest.fixture
async def simulator(slack: Slack) -> AsyncIterator[Simulator]:
    async with Simulator.connect(slack.url) as simulator:
        yield simulator


@pytest.fixture
async def storage(redis: RedisServer) -> AsyncIterator[Storage]:
    async with records(redis) as storage:
        yield storage
