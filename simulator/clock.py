"""The simulator's time: the wall clock plus what tests skipped, or a clock that moves only by `advance`."""

import asyncio
import time
from typing import Any


class Clock:
    """Tells the time and wakes those who sleep. `advance` moves both at once, so that no test has to wait."""

    def __init__(self, *, start: float | None = None) -> None:
        """With `start`, time stands still there until `advance`. Without it, time follows the wall clock."""
        self._frozen_at = start
        self._skipped = 0.0
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self._followers: set[asyncio.Future[None]] = set()

    def now(self) -> float:
        """Seconds since the epoch."""
        return (time.time() if self._frozen_at is None else self._frozen_at) + self._skipped

    def advance(self, seconds: float) -> None:
        """Moves time forward and wakes everyone whose time has come."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._skipped += seconds
        for waiter in (*self._sleepers, *self._followers):
            if not waiter.done():
                waiter.set_result(None)

    @property
    def skipped(self) -> float:
        """By how many seconds the clock was moved forward in total."""
        return self._skipped

    async def moved(self, skipped: float, seconds: float) -> float:
        """Waits until the total differs from `skipped`, at most `seconds` of real time. Returns the total."""
        if self._skipped == skipped:
            follower: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._followers.add(follower)
            try:
                await asyncio.wait([follower], timeout=seconds)
            finally:
                self._followers.discard(follower)
                follower.cancel()
        return self._skipped

    @property
    def longest(self) -> float:
        """How many seconds the longest sleeper still has to sleep. 0 if nobody sleeps."""
        return max((due - self.now() for due in self._sleepers.values()), default=0.0)

    async def sleep(self, seconds: float) -> None:
        """Returns when this clock (not the wall clock) has moved forward by `seconds`."""
        await self.within(seconds, asyncio.get_running_loop().create_future())

    async def within(self, seconds: float, awaited: asyncio.Future[Any]) -> bool:
        """Whether `awaited` is done before this clock has moved forward by `seconds`. Does not cancel it."""
        due = self.now() + seconds
        while not awaited.done() and (left := due - self.now()) > 0:
            sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._sleepers[sleeper] = due
            try:
                timeout = left if self._frozen_at is None else None
                await asyncio.wait((awaited, sleeper), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                del self._sleepers[sleeper]
                sleeper.cancel()
        return awaited.done()
