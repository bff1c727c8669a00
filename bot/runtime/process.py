"""The process around the event loop: no graph ends it, and no graph keeps it from ending.

A callback that raises `SystemExit`, or one that stops the loop, would end the bot; so the loop is run on until the
bot's own work is done. And a shutdown has a limit that needs neither the loop nor anybody's good will: a thread, a task
or an exit handler of a graph may hang for ever.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final, NoReturn, TypeVar

log = logging.getLogger(__name__)

Result = TypeVar("Result")

SECONDS_TO_CLOSE: Final = 1.0
"""Of the grace, what is left for closing stores and connections once the runs were given up."""
SECONDS_AT_LEAST: Final = 2.0
"""Of a shutdown, also if it is given no grace at all."""


def run_to_end(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    """What the work returns or raises, however often somebody breaks the loop on the way."""
    task = loop.create_task(work)
    while True:
        try:
            return loop.run_until_complete(task)
        except BaseException as error:
            if task.done():
                raise
            log.error("something in a graph tried to end the process (%s); it goes on", type(error).__name__)


@dataclass(slots=True)
class Ending:
    """How the process ends: when SIGTERM or SIGINT asks for it, and within `grace` seconds from then."""

    grace: float
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _end: float | None = None

    def listen(self) -> None:
        """Take the signals from now on. Python's own handlers, as they run also while the loop is blocked; a second
        signal changes nothing."""
        loop = asyncio.get_running_loop()

        def heard(_number: int, _frame: FrameType | None) -> None:
            if self._end is None:
                self._end = time.monotonic() + self.grace
                within(max(self.grace, SECONDS_AT_LEAST), 0)
                loop.call_soon_threadsafe(self.asked.set)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, heard)

    def left(self) -> float:
        """Seconds that runs and calls to Slack may still take."""
        if self._end is None:
            return self.grace
        return max(self._end - time.monotonic() - min(SECONDS_TO_CLOSE, self.grace / 4), 0.0)


def within(seconds: float, code: int) -> None:
    """End the process with this exit code in so many seconds, if it has not ended by itself. Returns at once.

    Nothing is lost by it: what is recorded is on disk, and what runs is found by the next process.
    """

    def wait() -> NoReturn:
        time.sleep(seconds)
        log.warning("something did not end in %g s, so the process is ended as it is", seconds)
        for stream in (sys.stderr, sys.stdout):
            stream.flush()
        os._exit(code)

    threading.Thread(target=wait, name="the end", daemon=True).start()
