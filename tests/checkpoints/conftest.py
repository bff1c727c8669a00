"""Each test runs on SQLite and on Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.engines.langgraph.checkpoints import sqlite_saver
from bot.engines.langgraph.checkpoints.redis import redis_saver
from tests.checkpoints.savers import Leases, Saver, Store


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path, redis_prefix: str) -> Store:
    """An empty one."""
    if request.param == "sqlite":
        return Store("sqlite", Leases(), lambda fence: sqlite_saver(tmp_path / "checkpoints.sqlite", fence))
    url: str = request.getfixturevalue("redis_url")
    return Store("redis", Leases(), lambda fence: redis_saver(url, fence, redis_prefix))


@pytest.fixture
async def saver(store: Store) -> AsyncIterator[Saver]:
    async with store.open() as saver:
        yield saver


@pytest.fixture
async def other(store: Store) -> AsyncIterator[Saver]:
    """Another process's saver on the same data."""
    async with store.open() as saver:
        yield saver


@pytest.fixture
def leases(store: Store) -> Leases:
    return store.leases
