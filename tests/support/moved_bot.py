"""`bot.cli.demo.bot` for either store: all of it goes by the local Slack's clock, which a test may move.

A real bot on Redis goes by Redis' clock, and nothing but the time itself moves that. When a graph asked is taken from
the machine's clock, because that is the one that a graph reads; the graphs of these tests are told the time.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, tzinfo

from bot import stores
from bot.app import gateway, worker
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock
from bot.cli.demo.bot import main
from bot.engines.langgraph import guard, runner
from bot.settings import RoleSettings


@asynccontextmanager
async def opened(
    settings: RoleSettings, clock: Clock = stores.system_clock, telemetry: Telemetry = SILENT
) -> AsyncIterator[stores.Stores]:
    """The stores that the settings name, with this clock."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock().astimezone(tz)

    for module in (guard, runner):
        vars(module)["datetime"] = Moved
    async with stores.opened(settings, clock, telemetry) as found:
        yield replace(found, clock=clock)


if __name__ == "__main__":
    for role in (gateway, worker):
        vars(role)["opened"] = opened
    sys.exit(main())
