"""`python -m bot.cli.demo.bot`: `bot run` on the environment alone, on the local Slack's clock."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot import printable, settings
from bot.app.run import run
from bot.approvals.model.errors import CountersignError
from bot.approvals.ports.work import Clock
from bot.runtime import logs


def main() -> int:
    """Run it; returns the exit code."""
    try:
        loaded = settings.load(Path(os.devnull))

        @asynccontextmanager
        async def by_slack() -> AsyncIterator[Clock]:
            from bot.cli.demo.clock import following  # it imports what a supervisor does not need

            async with following(loaded.slack_api_url.removesuffix("/").removesuffix("/api")) as clock:
                yield clock

        return run(loaded, None, logs.to_stderr(loaded.log_format, loaded.log_level), lambda: None, by_slack)
    except CountersignError as error:
        sys.stderr.write(f"{printable.lines(str(error))}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
