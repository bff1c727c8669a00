"""A simulator in this process for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.desk import TRUSTED, Desk, make_world, opened


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A simulator without rate limits."""
    async with opened(make_world()) as desk:
        yield desk


@pytest.fixture
async def limited_desk() -> AsyncIterator[Desk]:
    """A simulator with rate limits."""
    async with opened(make_world(limited=True)) as desk:
        yield desk


@pytest.fixture
async def trusted_desk() -> AsyncIterator[Desk]:
    """A simulator without rate limits, with an app that may do more."""
    async with opened(make_world(manifest=TRUSTED)) as desk:
        yield desk
