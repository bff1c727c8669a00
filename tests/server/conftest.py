"""Each test drives the real domain over a real LangGraph Server, which all tests of a worker share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.server.stage import Stage
from tests.support.langgraph_server import LangGraphServer, langgraph_server, own_server

__all__ = ["langgraph_server", "own_server"]


@pytest.fixture
async def stage(langgraph_server: LangGraphServer) -> AsyncIterator[Stage]:
    """A bot that knows the server, with records of its own."""
    async with Stage.of(langgraph_server) as stage:
        yield stage
