"""Slack's rate limits: tiers per method and minute, posts per channel and second (Slack: "Rate limits")."""

import math
from collections import defaultdict, deque
from enum import Enum

from simulator import limits
from simulator.clock import Clock
from simulator.errors import RateLimited


class Tier(Enum):
    """How many calls of one method are allowed in a minute."""

    ONE = 1
    TWO = 20
    THREE = 50
    FOUR = 100
    SPECIAL = 600


class Pace:
    """Counts calls and refuses those above the limit. Tests in a hurry give it a shorter `minute`, in seconds."""

    def __init__(self, clock: Clock, *, limited: bool, minute: float = 60.0) -> None:
        self._clock = clock
        self._limited = limited
        self._minute = minute
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._buckets: dict[str, tuple[float, float]] = {}

    def call(self, method: str, tier: Tier) -> None:
        """Counts a call of this method. Raises `RateLimited` if there were too many in this minute."""
        if not self._limited:
            return
        now = self._clock.now()
        calls = self._calls[method]
        while calls and calls[0] <= now - self._minute:
            calls.popleft()
        if len(calls) >= tier.value:
            raise RateLimited(max(1, math.ceil(calls[0] + self._minute - now)))
        calls.append(now)

    def post(self, channel_id: str) -> None:
        """Counts a post to this channel. Allows one per second, and short bursts. Raises `RateLimited` above that."""
        if not self._limited:
            return
        now = self._clock.now()
        per_second = limits.POSTS_PER_SECOND * 60 / self._minute
        left, at = self._buckets.get(channel_id, (float(limits.POST_BURST), now))
        left = min(limits.POST_BURST, left + (now - at) * per_second)
        if left < 1:
            self._buckets[channel_id] = (left, now)
            raise RateLimited(max(1, math.ceil((1 - left) / per_second)))
        self._buckets[channel_id] = (left - 1, now)
