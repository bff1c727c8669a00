"""Each test runs on each engine of `tests.engines.subjects`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.approvals.ports.engine import Engine
from bot.approvals.ports.storage import Storage
from tests.engines.processes import records
from tests.engines.subjects import DONE, ENGINES, Subject
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


@pytest.fixture(params=ENGINES)
async def acting(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """An engine whose agents have acted, and offer to undo that."""
    async with ENGINES[request.param](request, DONE) as subject:
        yield subject


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    async with records() as storage:
        yield storage
