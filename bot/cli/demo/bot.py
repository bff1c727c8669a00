"""`python -m bot.cli.demo.bot`: `bot run` on the environment alone, on the local Slack's clock."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from bot import printable, settings
from bot.app import run
from bot.approvals.model.errors import CountersignError
from bot.cli.demo.clock import following
from bot.runtime import logs
from bot.runtime.logs import Learned
from bot.runtime.process import run_to_end
from bot.settings import Settings


def main() -> int:
    """Run it; returns the exit code."""
    try:
        loaded = settings.load(Path(os.devnull))
        learned = logs.to_stderr(loaded.log_level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            run_to_end(runner.get_loop(), _run(loaded, learned))
    except CountersignError as error:
        sys.stderr.write(f"{printable.lines(str(error))}\n")
        return 2
    return 0


async def _run(loaded: Settings, learned: Learned) -> None:
    async with following(loaded.slack_api_url.removesuffix("/").removesuffix("/api")) as clock:
        await run(loaded, clock=clock, learned=learned.learn)


if __name__ == "__main__":
    sys.exit(main())
