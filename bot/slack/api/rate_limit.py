"""Keeps our calls within Slack's rate limits: when each call may go, and which goes first.

There is one bucket per method, and one per channel for posts. In any minute, no more calls go than Slack allows: a
burst is part of the minute's quota and not on top of it. A long wait is refused, so that a caller does not wait until
its claim on a message runs out.

The quota is Slack's for one app in one workspace, and each process counts only its own calls. If several processes
share a workspace (replicas on one Redis), they can exceed it together. Then Slack answers 429, and each process stops
calling that method for as long as Slack says.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bot.approvals.model.facts import SlackHeldBack
from bot.approvals.ports.telemetry import SILENT, Telemetry

Monotonic: TypeAlias = Callable[[], float]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]

MAX_WAIT_SECONDS: Final = 5.0
"""A longer wait raises TooLong, if the caller has no patience of its own."""
MINUTE_SECONDS: Final = 60.0
"""The time that a rate is meant for."""
MARGIN: Final = 1 / 60
"""How much longer our minute is than Slack's. A call can reach Slack later than the next ones do."""
_INSTANT: Final = 1e-6
"""A wait in seconds that is only an error of rounding."""
_MAX_BUCKETS: Final = 1000
"""Beyond this, idle buckets are dropped: an idle bucket is the same as a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `calls` calls in any minute, of which at most `burst` go at once. If `burst` is all of them, they go as
    soon as the minute has room for them."""

    calls: int
    burst: int


POSTS: Final = Rate(calls=60, burst=3)
"""In one channel (Slack: rate limits, "posting messages")."""
TIER_3: Final = Rate(calls=50, burst=5)
TIER_4: Final = Rate(calls=100, burst=20)


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
    """The calls of the last minute, and how many of a burst may go now."""

    rate: Rate
    minute: float
    tokens: float
    counted_at: float
    made: deque[float] = field(default_factory=deque)
    """When each call of the last minute was made, the oldest first."""
    line: list[_Ticket] = field(default_factory=list)

    @property
    def window(self) -> float:
        return self.minute * (1 + MARGIN)

    def count(self, now: float) -> None:
        """Forgets the calls that are more than a minute old, and lets the burst grow again.

        It does not grow while the minute's quota is used up. The calls that wait for the quota would otherwise all go
        at once when it is there again, and would use it up at once for the next minute.
        """
        if len(self.made) >= self.rate.calls and (free_at := self.made[0] + self.window) > self.counted_at:
            self.tokens, self.counted_at = 1.0, max(free_at, self.counted_at)
        while self.made and self.made[0] + self.window <= now:
            self.made.popleft()
        if now > self.counted_at:
            grown = self.tokens + (now - self.counted_at) * self.rate.calls / self.minute
            self.tokens, self.counted_at = min(grown, float(self.rate.burst)), now

    def wait(self, now: float, calls: int = 1) -> float:
        """Seconds until `calls` more calls may have been made."""
        self.count(now)
        missing = 0.0 if self.rate.burst >= self.rate.calls else calls - self.tokens
        paced = (self.counted_at - now) + missing * self.minute / self.rate.calls if missing > 0 else 0.0
        return max(paced, self._full_for(now, calls), 0.0)

    def made_at(self, now: float) -> None:
        self.tokens -= 1
        self.made.append(now)

    def _full_for(self, now: float, calls: int) -> float:
        """Seconds until the minute's quota has room for `calls` more calls."""
        over = len(self.made) + calls - self.rate.calls
        if over <= 0:
            return 0.0
        minutes, place = divmod(over - 1, self.rate.calls)
        # a minute's quota that was used up comes back one by one, as `count` sees to
        paced = place * self.minute / self.rate.calls if self.rate.burst < self.rate.calls else 0.0
        in_turn = (self.made[0] if self.made else now) + paced
        free_at = max(self.made[place] if place < len(self.made) else now, in_turn)
        return free_at + self.window * (1 + minutes) - now

    def idle(self, now: float) -> bool:
        self.count(now)
        return not self.line and not self.made


class Pace:
    """Gives each call of a Slack method its turn. Tests pass a clock, a sleep and a length of the minute of their
    own."""

    def __init__(
        self,
        monotonic: Monotonic = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        minute: float = MINUTE_SECONDS,
        telemetry: Telemetry = SILENT,
    ) -> None:
        self._telemetry = telemetry
        self._monotonic = monotonic
        self._sleep = sleep
        self._minute = minute
        self._buckets: dict[str, _Bucket] = {}
        self._numbers = itertools.count()
        self._closed_until: dict[str, float] = {}

    def now(self) -> float:
        """The time by its clock, in seconds."""
        return self._monotonic()

    async def turn(
        self,
        method: str,
        rate: Rate,
        *,
        channel: str = "",
        urgency: int = 0,
        spare: int = 0,
        patience: float = MAX_WAIT_SECONDS,
    ) -> None:
        """Returns when it is this call's turn; a smaller `urgency` goes first. Raises TooLong at once if that would
        take longer than `patience` seconds. With `spare`, the call never waits, and goes only if `spare` more calls
        could go at once."""
        bucket = self._bucket(method, rate, channel)
        try:
            await self._turn(bucket, method, urgency, spare, patience)
        except TooLong as late:
            self._telemetry.tell(SlackHeldBack(method=method, seconds=late.seconds))
            raise

    def close(self, method: str, seconds: float) -> None:
        """Stops all calls of the method for this long, because Slack said 429."""
        until = self._monotonic() + seconds
        self._closed_until[method] = max(self._closed_until.get(method, 0.0), until)

    async def _turn(self, bucket: _Bucket, method: str, urgency: int, spare: int, patience: float) -> None:
        if spare and (expected := self._wait(bucket, method, len(bucket.line) + 1 + spare)) > 0:
            raise TooLong(expected)
        ticket = _Ticket(urgency, next(self._numbers))
        ahead = sum(1 for waiting in bucket.line if waiting < ticket)
        if (expected := self._wait(bucket, method, ahead + 1)) > patience:
            raise TooLong(expected)
        heapq.heappush(bucket.line, ticket)
        try:
            await self._come_first(bucket, ticket, method, patience)
            bucket.made_at(self._monotonic())
        finally:
            bucket.line.remove(ticket)
            heapq.heapify(bucket.line)
            if bucket.line:
                bucket.line[0].first.set()

    async def _come_first(self, bucket: _Bucket, ticket: _Ticket, method: str, patience: float) -> None:
        while True:
            if bucket.line[0] is not ticket:
                ticket.first.clear()
                await ticket.first.wait()
                continue
            wait = self._wait(bucket, method, 1)
            if wait <= _INSTANT:
                return
            if wait > patience:
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
            self._buckets[name] = _Bucket(rate=rate, minute=self._minute, tokens=float(rate.burst), counted_at=now)
        return self._buckets[name]
