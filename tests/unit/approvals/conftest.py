"""The world of the domain's tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.fakes.world import World, a_world


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    """A graph that asks one question, and a policy by which any one approver may answer it."""
    async with a_world() as world:
        yield world
