"""Wake-ups between processes that share a Redis: a list for each name that somebody listens as.

A list rather than pub/sub, because each hint is for one of those who listen, whoever is free, and not for all of them.
What nobody takes is forgotten after a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from redis.exceptions import RedisError

from bot.shared_redis import SharedRedis
from bot.storage.redis.connection import PREFIX

log = logging.getLogger(__name__)

MAX_WAITING: Final = 10_000
"""Hints in one list. The oldest are lost first."""
KEPT_SECONDS: Final = 60
WAIT_SECONDS: Final = 2.0
"""How long one look into the lists waits at Redis."""
PAUSE_SECONDS: Final = 1.0
"""After Redis did not answer."""
END_SECONDS: Final = 1.0
"""How long the end waits for hints that are being sent."""


@dataclass(slots=True)
class RedisHints:
    """Sends and takes hints. `redis` is a client of their own, which waits longer than `WAIT_SECONDS` for an answer."""

    redis: SharedRedis
    _unsent: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _over: bool = False

    def send(self, to: str, **hint: Any) -> None:
        """Tell one process that listens as `to`. Returns at once."""
        self._unsent.append((_key(to), json.dumps(hint)))
        self._more.set()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Sends while the block runs, and what is left at its end."""
        task = asyncio.create_task(self._send(), name="hints to Redis")
        try:
            yield
        finally:
            self._over = True
            self._more.set()
            await asyncio.wait([task], timeout=END_SECONDS)
            task.cancel()
            await asyncio.wait([task], timeout=END_SECONDS)

    @asynccontextmanager
    async def listening(self, names: Sequence[str], taken: Callable[[Mapping[str, Any]], None]) -> AsyncIterator[None]:
        """Hands each hint for any of these names to `taken` while the block runs."""
        over = asyncio.Event()
        task = asyncio.create_task(self._take([_key(name) for name in names], taken, over), name="hints from Redis")
        try:
            yield
        finally:
            # A cancellation can get lost on its way (`asyncio.wait_for` before Python 3.12, as redis-py uses it).
            over.set()
            task.cancel()
            await asyncio.wait([task])

    async def _send(self) -> None:
        while not self._over or self._unsent:
            await self._more.wait()
            self._more.clear()
            batch = list(self._unsent)
            self._unsent.clear()
            with contextlib.suppress(RedisError, OSError):
                keys = {key for key, _ in batch}
                await self.redis.together(
                    [
                        *(("RPUSH", key, text) for key, text in batch),
                        *(("LTRIM", key, -MAX_WAITING, -1) for key in keys),
                        *(("EXPIRE", key, KEPT_SECONDS) for key in keys),
                    ]
                )

    async def _take(self, keys: list[str], taken: Callable[[Mapping[str, Any]], None], over: asyncio.Event) -> None:
        async with SharedRedis(connection_pool=self.redis.connection_pool) as redis:
            await self._take_from(redis, keys, taken, over)

    async def _take_from(
        self, redis: SharedRedis, keys: list[str], taken: Callable[[Mapping[str, Any]], None], over: asyncio.Event
    ) -> None:
        """`redis` has a connection of its own, as it waits at Redis."""
        while not over.is_set():
            try:
                found = await redis.blpop(keys, timeout=WAIT_SECONDS)
            except (RedisError, OSError):
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if found is None:
                continue
            try:
                hint = json.loads(found[1])
            except ValueError:
                continue
            taken(hint)


def _key(name: str) -> str:
    return f"{PREFIX}hints:{name}"
