"""Holding a thread's lease while its graph runs."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import TaskId
from bot.approvals.model.task import Lease, TaskCancelled
from bot.approvals.ports.storage import LeaseStore, Storage, TaskStore
from bot.approvals.ports.work import Clock

log = logging.getLogger(__name__)

SECONDS_TO_ASK_AGAIN = 1.0
"""Between two tries to renew a lease while storage does not answer."""


@asynccontextmanager
async def held(storage: Storage, clock: Clock, ttl: timedelta, lease: Lease, task_id: TaskId) -> AsyncIterator[None]:
    """Renew the lease at a third of its length while the block runs; cancel the block if the lease is lost or the task
    was cancelled meanwhile, here or elsewhere.

    While storage does not answer, the block goes on: nobody else can take the lease there either, and nothing that
    follows the present step is run before that step is saved.

    A cancellation can get lost on its way (`asyncio.wait_for` before Python 3.12, which redis-py sends its commands
    with), so that the look for a cancelled task is told by `over` as well; else it would go on for ever.
    """
    loop, owner = asyncio.get_running_loop(), asyncio.current_task()
    assert owner is not None  # noqa: S101 - a coroutine runs in a task
    stopped = over = False

    def stop() -> None:
        nonlocal stopped
        if not over:
            stopped = True
            owner.cancel()

    def stop_from_thread() -> None:
        with suppress(RuntimeError):  # the loop is closed: there is nothing left to stop
            loop.call_soon_threadsafe(stop)

    async def look() -> None:
        cancelled = False
        while not (cancelled or over):
            await asyncio.sleep(ttl.total_seconds() / 3)
            cancelled = await _is_cancelled(storage, task_id, ttl / 3)
        stop()

    keeper = Keeper(storage=storage, clock=clock, ttl=ttl, lease=lease, lost=stop_from_thread)
    keeper.start()
    looking = asyncio.create_task(look(), name=f"a look for task {task_id}")
    try:
        yield
    except asyncio.CancelledError:
        if not stopped or owner.uncancel() > 0:
            raise
    finally:
        over = True
        keeper.stop()
        looking.cancel()
        await asyncio.wait([looking])
        await storage.release(lease)
        if keeper.bug is not None:
            raise keeper.bug
        if not looking.cancelled():
            looking.result()


async def _is_cancelled(storage: TaskStore, task_id: TaskId, within: timedelta) -> bool:
    try:
        async with asyncio.timeout(within.total_seconds()):
            return isinstance((await storage.task(task_id)).state, TaskCancelled)
    except (TimeoutError, Unreachable):
        return False


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Renews a lease from a thread of its own, so that the lease outlives an event loop that a graph blocks. It ends
    with the run that it was made for."""

    storage: LeaseStore
    clock: Clock
    ttl: timedelta
    lease: Lease
    lost: Callable[[], None]
    """Called, in that thread, if the lease is somebody else's by now, or cannot be renewed because of a bug."""
    bug: Exception | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Return at once. The thread is a daemon: no shutdown waits for it."""
        threading.Thread(target=self._keep, name=f"lease of {self._thread}", daemon=True).start()

    def stop(self) -> None:
        """Renew no more. A renewal that is under way finds the lease released, and changes nothing."""
        self._over.set()

    def _keep(self) -> None:
        third = self.ttl.total_seconds() / 3
        pause = third
        while not self._over.wait(pause):
            try:
                renewed = self.storage.renew(self.lease, self.ttl, self.clock())
            except Unreachable as error:
                log.warning("thread %s: its lease could not be renewed, and is tried again: %s", self._thread, error)
                pause = min(third, SECONDS_TO_ASK_AGAIN)
                continue
            except Exception as bug:  # raised by `held`, once the run that nobody guards any more has stopped
                self.bug = bug
                break
            if renewed is None:
                break
            pause = third
        if not self._over.is_set():
            log.error("thread %s: its lease was lost, so its run is cancelled", self._thread)
            self.lost()

    @property
    def _thread(self) -> str:
        return self.lease.thread_id
