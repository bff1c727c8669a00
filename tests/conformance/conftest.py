"""Each test runs on each implementation of `tests.conformance.stores`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.approvals.ports.storage import Storage
from tests.conformance.stores import FACTORIES, Store


@pytest.fixture(params=FACTORIES)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store."""
    async with FACTORIES[request.param](request) as store:
        yield store


@pytest.fixture
async def storage(store: Store) -> Storage:
    """One handle to the empty store."""
    return await store.open()
