"""How late a process's event loop is, and how much waits in its lanes, as its metrics say it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from bot.telemetry.metrics import Metrics
from bot.telemetry.stream import Stream

log = logging.getLogger(__name__)

SECONDS: Final = 1.0
REMEMBERED: Final = 15
"""Beats whose greatest delay is shown, so that a scrape sees what happened since the one before."""


@asynccontextmanager
async def beating(telemetry: Stream, lanes: Callable[[], Mapping[str, int]]) -> AsyncIterator[None]:
    """Notes both once a second while the block runs, if the process has metrics."""
    metrics = telemetry.sink(Metrics)
    if metrics is None:
        yield
        return
    task = asyncio.create_task(_beat(metrics.pulse, lanes))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _beat(pulse: Callable[..., None], lanes: Callable[[], Mapping[str, int]]) -> None:
    loop = asyncio.get_running_loop()
    late: deque[float] = deque(maxlen=REMEMBERED)
    is_kept = True
    while True:
        due = loop.time() + SECONDS
        await asyncio.sleep(SECONDS)
        late.append(max(loop.time() - due, 0.0))
        try:
            pulse(lag=max(late), lanes=lanes())
            is_kept = True
        except OSError as error:  # no space, or no folder: the next beat tries again
            if is_kept:
                log.warning("the lag of the event loop and the depth of lanes cannot be kept (%s)", error)
            is_kept = False
