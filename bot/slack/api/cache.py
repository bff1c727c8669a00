"""Answers that are remembered for a while, and asked for once however many wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar
from weakref import WeakValueDictionary

from bot.slack.api.rate_limit import Monotonic

_MAX_CACHED: Final = 10_000
"""Answers of one kind."""

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Remembers answers for `kept` seconds, but no failures. Callers that ask for the same thing at the same time share
    one call. `lasting` answers whether an answer is remembered that long; others are remembered for `brief` seconds."""

    def __init__(
        self,
        monotonic: Monotonic,
        kept: float,
        *,
        brief: float = 0.0,
        lasting: Callable[[V], bool] = lambda _: True,
    ) -> None:
        self._monotonic = monotonic
        self._kept = kept
        self._brief = brief
        self._lasting = lasting
        self._held: dict[K, tuple[float, V]] = {}
        self._turns: WeakValueDictionary[K, asyncio.Lock] = WeakValueDictionary()
        self._changes = 0

    async def get(self, key: K, ask: Callable[[], Awaitable[V]], *, fresh: float | None = None) -> V:
        """The answer. With `fresh`, it is at most that many seconds old."""
        wanted_at = self._monotonic()
        if (held := self._held.get(key)) is not None and self._young_enough(held, wanted_at, fresh):
            return held[1]
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            if (held := self._held.get(key)) is not None and self._young_enough(held, wanted_at, fresh):
                return held[1]
            asked_at, changes = self._monotonic(), self._changes
            answer = await ask()
            if changes == self._changes:  # else the answer may be older than the change, so it is used only once
                self._hold(key, asked_at, answer)
            return answer

    def forget(self, key: K) -> None:
        """Ask again next time, because the answer has changed."""
        self._changes += 1
        self._held.pop(key, None)

    def _hold(self, key: K, asked_at: float, answer: V) -> None:
        if len(self._held) >= _MAX_CACHED:
            self._held.clear()
        self._held[key] = (asked_at, answer)

    def _young_enough(self, held: tuple[float, V], wanted_at: float, fresh: float | None) -> bool:
        """Whether an answer is young enough, or was asked for after `wanted_at`."""
        asked_at, answer = held
        kept = self._kept if self._lasting(answer) else self._brief
        age = kept if fresh is None else min(kept, fresh)
        return wanted_at - asked_at < age or asked_at > wanted_at
