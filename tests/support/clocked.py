"""A local Slack of a test's own, and a bot that has its clock: hours pass when the test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from simulator.client import Simulator
from tests.support.stage import WAIT, Bot, Slack


@pytest.fixture
def slack(tmp_path: Path) -> Iterator[Slack]:
    """A local Slack whose clock nobody else reads."""
    slack = Slack.start(tmp_path)
    yield slack
    slack.stop()


@pytest.fixture
async def simulator(slack: Slack) -> AsyncIterator[Simulator]:
    async with Simulator.connect(slack.url) as simulator:
        yield simulator


async def born(bot: Bot, simulator: Simulator, *, module: str = "bot.cli.demo.bot", **changes: str) -> None:
    """A bot with the local Slack's clock, connected. `module` is what runs it."""
    opened = int((await simulator.state())["connections_opened"])
    bot.module = (module,)
    bot.launch(**changes)
    await simulator.wait_connected(since=opened, timeout=WAIT)
