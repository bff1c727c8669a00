"""A task whose request was just answered, and storage that renews leases as a test wants."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.approvals.model.decision import Approve, Reject
from bot.approvals.model.task import Lease, Task
from bot.approvals.ports.storage import Storage
from tests.support.fakes.world import ALICE, World


async def decided(world: World, *, reject: bool = False) -> Task:
    """A task whose one request was just answered, with nothing driven since."""
    task = await world.started()
    verdict = Reject(reason="no") if reject else Approve()
    await world.vote(ALICE, verdict, on=await world.request(task))
    return task


TTL = timedelta(milliseconds=30)
"""Of loop time, so that a renewal is due at once; the manual clock stands still."""


class Lossy:
    """Storage whose renewals do what a test wants: first raise what it names, one after the other, then work."""

    def __init__(self, storage: Storage, *renewals: Exception) -> None:
        self._storage = storage
        self._loop = asyncio.get_running_loop()
        self._renewals = list(renewals)
        self.renewals = 0
        self.renewed = asyncio.Event()
        """Two renewals got through."""
        self.after_two: Callable[[], None] = lambda: None
        """Called then, in the thread that renews."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        if self._renewals:
            raise self._renewals.pop(0)
        renewed = self._storage.renew(lease, ttl, now)
        self.renewals += 1
        if self.renewals == 2:
            self.after_two()
            self._loop.call_soon_threadsafe(self.renewed.set)
        return renewed
