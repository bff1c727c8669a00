"""Holding a thread's lease while its graph runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.approvals.errors import Unreachable
from bot.approvals.ids import TaskId
from bot.approvals.ports import Clock, Storage
from bot.approvals.task import Lease, TaskCancelled

log = logging.getLogger(__name__)


@asynccontextmanager
async def held(storage: Storage, clock: Clock, ttl: timedelta, lease: Lease, task_id: TaskId) -> AsyncIterator[None]:
    """Renew the lease at a third of its length while the block runs; cancel the block when the lease is lost
    or the task was cancelled meanwhile, here or elsewhere.

    A cancellation can get lost on its way (`asyncio.wait_for` before Python 3.12, which redis-py sends its commands
    with), so that the renewal is told by `over` as well; else it would go on for ever, and the lease with it.
    """
    owner = asyncio.current_task()
    assert owner is not None  # noqa: S101 - a coroutine runs in a task
    stopped = over = False

    def stop() -> None:
        nonlocal stopped
        if not over:
            stopped = True
            owner.cancel()

    async def renew() -> None:
        mine: Lease | None = lease
        try:
            while mine is not None and not over:
                await asyncio.sleep(ttl.total_seconds() / 3)
                mine = await _renewed(storage, clock, ttl, mine, task_id)
        except Exception:  # a bug: it is raised below, once the run that nobody guards any more has stopped
            stop()
            raise
        stop()

    renewal = asyncio.create_task(renew(), name=f"lease of {lease.thread_id}")
    try:
        yield
    except asyncio.CancelledError:
        if not stopped or owner.uncancel() > 0:
            raise
    finally:
        over = True
        renewal.cancel()
        await asyncio.wait([renewal])
        await storage.release(lease)
        if not renewal.cancelled():
            renewal.result()


async def _renewed(storage: Storage, clock: Clock, ttl: timedelta, lease: Lease, task_id: TaskId) -> Lease | None:
    """The renewed lease, or None where the run has to stop: the lease is lost, storage does not say whose it
    is by now, or the task was cancelled."""
    try:
        async with asyncio.timeout(ttl.total_seconds() / 3):
            renewed = await storage.renew(lease, ttl, clock())
            task = await storage.task(task_id)
    except (TimeoutError, Unreachable) as error:
        log.error(
            "thread %s: its lease could not be renewed, so its run is cancelled: %s",
            lease.thread_id,
            error,
        )
        return None
    if renewed is None:
        log.error("thread %s: its lease was lost, so its run is cancelled", lease.thread_id)
    return None if isinstance(task.state, TaskCancelled) else renewed
