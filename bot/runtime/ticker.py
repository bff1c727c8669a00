"""APScheduler as a ticker: it knows no deadlines, it only says "look now".

Each process has one interval job, in memory. Deadlines are in storage, so a missed or doubled tick changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)


@asynccontextmanager
async def ticking(tick: Callable[[], Awaitable[None]], seconds: float) -> AsyncIterator[None]:
    """Call `tick` at once and then every `seconds`, never twice at a time, until the block ends. A tick that is under
    way then is cancelled.
    """

    async def one() -> None:
        try:
            await tick()
        except asyncio.CancelledError:  # the scheduler would log its own shutdown as a failure
            log.debug("a sweep was cut short by the shutdown")

    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_job(
        one,
        "interval",
        seconds=seconds,
        next_run_time=datetime.now(UTC),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()  # no further tick is due
        await asyncio.sleep(0)  # a tick that is about to begin does, so that it can be cancelled as any other
        scheduler.shutdown(wait=False)
