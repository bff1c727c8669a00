"""The process around the event loop. No graph can end it, and no graph can keep it from ending.

A callback that raises SystemExit or stops the loop would end the bot, so the loop runs on until the bot's own work is
done. A shutdown has a time limit that does not depend on the loop, because a thread, a task or an exit handler of a
graph may hang for ever.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final, NoReturn, TypeVar

from bot.runtime import outlet

log = logging.getLogger(__name__)

Result = TypeVar("Result")

GC_THRESHOLDS: Final = (10_000, 20, 20)
"""New objects until the collector looks, and how much more rarely it looks at those that have lived longer."""
SECONDS_TO_CLOSE: Final = 1.0
"""The part of the grace period that is left to close stores and connections after runs were given up."""
MIN_SHUTDOWN_SECONDS: Final = 2.0
"""How long a shutdown may take even with a grace period of zero."""


def run_to_end(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    """Returns or raises what the work does, even if something stops the loop on the way."""
    task = loop.create_task(work)
    while True:
        try:
            return loop.run_until_complete(task)
        except BaseException as error:
            if task.done():
                raise
            log.error("something in a graph tried to end the process (%s); the process goes on", type(error).__name__)


def open_as_many_as_allowed() -> None:
    """Lets this process open as many files and connections as the system allows it. Each call that waits is one, and
    the usual limit is 1,024 until a process asks for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS refuses what it calls unlimited
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@dataclass(slots=True)
class Ending:
    """Ends the process when SIGTERM or SIGINT asks for it, within `grace` seconds from then."""

    grace: float
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    _end: float | None = None

    def listen(self) -> None:
        """Handles the signals from now on, with Python's own handlers, which run even if the loop is blocked. A second
        signal changes nothing."""
        loop = asyncio.get_running_loop()

        def heard(_number: int, _frame: FrameType | None) -> None:
            if self._end is None:
                self._end = time.monotonic() + self.grace
                within(max(self.grace, MIN_SHUTDOWN_SECONDS), 0)
                with suppress(RuntimeError):  # the loop is closed: this process ends anyway
                    loop.call_soon_threadsafe(self.asked.set)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, heard)

    def left(self) -> float:
        """The seconds that runs and calls to Slack may still take."""
        if self._end is None:
            return self.grace
        return max(self._end - time.monotonic() - min(SECONDS_TO_CLOSE, self.grace / 4), 0.0)


def settle() -> None:
    """Has the garbage collector look no more at what has been loaded by now, and more rarely at what is new."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def within(seconds: float, code: int) -> None:
    """Ends the process with this exit code after `seconds`, unless it has ended by then. Returns at once.

    Nothing is lost: records are on disk, and the next process finds what was running.
    """

    def wait() -> NoReturn:
        time.sleep(seconds)
        log.warning("something did not end within %g s, so the process ends now", seconds)
        outlet.flush()
        os._exit(code)

    threading.Thread(target=wait, name="the end", daemon=True).start()


async def at_most(waiting: Awaitable[object], seconds: float, otherwise: str) -> None:
    """Waits for it. After `seconds`, gives it up and logs the sentence `otherwise`."""
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        log.warning("%s", otherwise)
