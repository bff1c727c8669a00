"""One local Slack per test process, one bot per module or per test, one channel per test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.client import Simulator
from tests.support.stage import PATIENT_POLICY, PEOPLE, Bot, Room, Slack


@pytest.fixture(scope="session")
def slack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slack]:
    """The local Slack of this test process."""
    slack = Slack.start(tmp_path_factory.mktemp("slack"))
    yield slack
    slack.stop()


@pytest.fixture(scope="session")
def room_numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture(scope="module")
def bot(slack: Slack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """A bot for all tests of a module, with the module's POLICY, GRAPHS and SETTINGS."""
    bot = _prepared(slack, request, tmp_path_factory.mktemp("bot")).start()
    yield bot
    assert bot.stop() == 0, bot.log


@pytest.fixture
def own_bot(slack: Slack, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    """A bot for one test, which may kill it; not started."""
    bot = _prepared(slack, request, tmp_path / "bot")
    yield bot
    bot.kill()


@pytest.fixture
async def simulator(slack: Slack) -> AsyncIterator[Simulator]:
    """The control of the local Slack; nothing that a test plans for it, or leaves open there, outlives the test."""
    async with Simulator.connect(slack.url) as simulator:
        yield simulator
        for seat in map(simulator.seat, PEOPLE):
            if await seat.modal() is not None:
                await seat.close_modal(everything=True)
        await simulator.clear_faults()
        await simulator.refuse_sockets(0)


@pytest.fixture
async def room(simulator: Simulator, room_numbers: Iterator[int]) -> Room:
    """A channel in which nothing has happened yet, and in which everybody is."""
    return Room(simulator, await simulator.names(), f"#room-{next(room_numbers)}")


def _prepared(slack: Slack, request: pytest.FixtureRequest, folder: Path) -> Bot:
    def wanted(name: str, otherwise: Any) -> Any:
        return getattr(request.module, name, otherwise)

    prepare: Callable[..., Bot] = Bot.prepare
    return prepare(
        folder,
        slack.environment,
        policy=wanted("POLICY", PATIENT_POLICY),
        graphs=wanted("GRAPHS", ()),
        **wanted("SETTINGS", {}),
    )
