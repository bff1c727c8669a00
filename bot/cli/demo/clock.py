"""The local Slack's time for the bot beside it: who skips an hour there sees what the bot does an hour later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp

from bot.approvals.ports.work import Clock
from simulator.client import Simulator

log = logging.getLogger(__name__)

SECONDS_AWAY = 1.0
"""How long to wait before asking a Slack again that did not answer."""


@asynccontextmanager
async def following(url: str) -> AsyncIterator[Clock]:
    """A clock that is as far ahead of this machine's as the simulator at that address, within milliseconds."""
    async with Simulator.connect(url) as simulator:
        ahead = timedelta(seconds=await simulator.skipped())

        async def follow() -> None:
            nonlocal ahead
            while True:
                try:
                    ahead = timedelta(seconds=await simulator.skipped(ahead.total_seconds()))
                except (aiohttp.ClientError, TimeoutError) as error:
                    log.warning("the local Slack does not say what time it is: %s", error)
                    await asyncio.sleep(SECONDS_AWAY)

        follower = asyncio.create_task(follow())
        try:
            yield lambda: datetime.now(UTC) + ahead
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
