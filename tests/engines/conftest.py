"""Each test runs on each engine of `tests.engines.subjects`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.approvals.ports.engine import Engine
from tests.engines.subjects import ENGINES, Subject
from tests.support.langgraph_server import langgraph_server

__all__ = ["langgraph_server"]


@pytest.fixture(params=ENGINES)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """An engine with nothing in it."""
    async with ENGINES[request.param](request) as subject:
        yield subject


@pytest.fixture
async def engine(subject: Subject) -> AsyncIterator[Engine]:
    """The engine, as one process has it."""
    async with subject.open() as engine:
        yield engine
