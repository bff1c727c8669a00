"""Real graphs on real savers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiosqlite
import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver


@pytest.fixture(params=["memory", "sqlite"])
async def saver(request: pytest.FixtureRequest) -> AsyncIterator[BaseCheckpointSaver[str]]:
    """Each saver that a graph may be compiled onto, empty."""
    if request.param == "memory":
        yield InMemorySaver()
        return
    async with aiosqlite.connect(":memory:") as connection:
        yield AsyncSqliteSaver(connection)
