"""A simulator in this process for each test."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.simulator.client import Simulator
from bot.simulator.server import Server
from tests.simulator.desk import TRUSTED, Desk, make_world


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A simulator without rate limits."""
    async with (
        Server(make_world()) as server,
        Simulator.connect(server.world.base_url) as sim,
        aiohttp.ClientSession() as session,
    ):
        yield Desk(server, sim, session)


@pytest.fixture
async def limited_desk() -> AsyncIterator[Desk]:
    """A simulator with rate limits."""
    async with (
        Server(make_world(limited=True)) as server,
        Simulator.connect(server.world.base_url) as sim,
        aiohttp.ClientSession() as session,
    ):
        yield Desk(server, sim, session)


@pytest.fixture
async def trusted_desk() -> AsyncIterator[Desk]:
    """A simulator without rate limits, with an app that may do more."""
    async with (
        Server(make_world(manifest=TRUSTED)) as server,
        Simulator.connect(server.world.base_url) as sim,
        aiohttp.ClientSession() as session,
    ):
        yield Desk(server, sim, session)
