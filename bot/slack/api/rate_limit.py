"""Keeps our calls within Slack's rate limits: when each call may go, and which goes first.

There is one bucket per method, and one per channel for posts. A long wait is refused, so that a caller does not wait
until its claim on a message runs out.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Monotonic: TypeAlias = Callable[[], float]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]

MAX_WAIT_SECONDS: Final = 5.0
"""A longer wait raises TooLong."""
_MAX_BUCKETS: Final = 1000
"""Beyond this, idle buckets are dropped: an idle bucket is the same as a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Calls per second in the long run, and how many may go at once."""

    per_second: float
    burst: int


POSTS: Final = Rate(per_second=1.0, burst=3)
"""In one channel (Slack: rate limits, "posting messages")."""
TIER_3: Final = Rate(per_second=50 / 60, burst=10)
TIER_4: Final = Rate(per_second=100 / 60, burst=20)


class TooLong(Exception):
    """The call would have to wait for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.1f} s")
        self.seconds = seconds


@dataclass(order=True, slots=True)
class _Ticket:
    urgency: int
    number: int
    first: asyncio.Event = field(compare=False, default_factory=asyncio.Event)


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    tokens: float
    counted_at: float
    line: list[_Ticket] = field(default_factory=list)

    def count(self, now: float) -> None:
        grown = self.tokens + (now - self.counted_at) * self.rate.per_second
        self.tokens, self.counted_at = min(grown, float(self.rate.burst)), now

    def wait(self, now: float, calls: int = 1) -> float:
        """Seconds until `calls` more calls may be made."""
        self.count(now)
        missing = calls - self.tokens
        return max(missing / self.rate.per_second, 0.0)

    def idle(self, now: float) -> bool:
        return not self.line and self.wait(now, self.rate.burst) <= 0


class Pace:
    """Gives each call of a Slack method its turn. Tests pass a clock and a sleep of their own."""

    def __init__(self, monotonic: Monotonic = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._buckets: dict[str, _Bucket] = {}
        self._numbers = itertools.count()
        self._closed_until: dict[str, float] = {}

    async def turn(self, method: str, rate: Rate, *, channel: str = "", urgency: int = 0, spare: int = 0) -> None:
        """Returns when it is this call's turn; a smaller `urgency` goes first. Raises TooLong at once if that would
        take longer than `MAX_WAIT_SECONDS`. With `spare`, the call never waits, and goes only if `spare` more calls
        could go at once."""
        bucket = self._bucket(method, rate, channel)
        if spare and (expected := self._wait(bucket, method, len(bucket.line) + 1 + spare)) > 0:
            raise TooLong(expected)
        ticket = _Ticket(urgency, next(self._numbers))
        ahead = sum(1 for waiting in bucket.line if waiting < ticket)
        if (expected := self._wait(bucket, method, ahead + 1)) > MAX_WAIT_SECONDS:
            raise TooLong(expected)
        heapq.heappush(bucket.line, ticket)
        try:
            await self._come_first(bucket, ticket, method)
            bucket.tokens -= 1
        finally:
            bucket.line.remove(ticket)
            heapq.heapify(bucket.line)
            if bucket.line:
                bucket.line[0].first.set()

    def close(self, method: str, seconds: float) -> None:
        """Stops all calls of the method for this long, because Slack said 429."""
        until = self._monotonic() + seconds
        self._closed_until[method] = max(self._closed_until.get(method, 0.0), until)

    async def _come_first(self, bucket: _Bucket, ticket: _Ticket, method: str) -> None:
        while True:
            if bucket.line[0] is not ticket:
                ticket.first.clear()
                await ticket.first.wait()
                continue
            wait = self._wait(bucket, method, 1)
            if wait <= 0:
                return
            if wait > MAX_WAIT_SECONDS:
                raise TooLong(wait)
            await self._sleep(wait)

    def _wait(self, bucket: _Bucket, method: str, calls: int) -> float:
        now = self._monotonic()
        return max(bucket.wait(now, calls), self._closed_until.get(method, 0.0) - now)

    def _bucket(self, method: str, rate: Rate, channel: str) -> _Bucket:
        name = f"{method} {channel}"
        if name not in self._buckets:
            now = self._monotonic()
            if len(self._buckets) >= _MAX_BUCKETS:
                self._buckets = {kept: b for kept, b in self._buckets.items() if not b.idle(now)}
            self._buckets[name] = _Bucket(rate=rate, tokens=float(rate.burst), counted_at=now)
        return self._buckets[name]
