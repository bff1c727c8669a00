"""What one process of the bot says to the world that it lives: to storage, so that nobody takes its leases, and to its
parent, so that it is not replaced.

Storage is told from a thread, which goes on if a graph blocks the event loop. The parent is told by the event loop,
because it wants to know whether that is blocked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import StorageUnreachable, named
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.runtime.children import Channel, Words

log = logging.getLogger(__name__)

_BOOT_TIME: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

ALIVE_SECONDS: Final = 0.1
"""Between two signs of life of the event loop."""
SURE: Final = 0.75
"""The part of a beat's time after which no call to Slack is begun, so that it gets there before that time is over."""
RETRY_SECONDS: Final = 1.0
"""Before storage is told again if it did not answer."""
END_SECONDS: Final = 1.0
"""How long the end waits for a beat that is under way."""


@dataclass(slots=True, kw_only=True)
class Line:
    """Holds the line while a role runs."""

    owner: str
    """The name under which this process takes leases and claims."""
    beat: Callable[[Collection[str]], None]
    """Tells storage that these owners live. Blocks, and may be called from any thread. Raises `Unreachable`."""
    ttl: float
    """Seconds for which a beat counts. There are three beats in that time."""
    channel: Channel | None = None
    """To the parent. None if the process stands alone."""
    heard: Callable[[Words], None] = lambda _: None
    """Is told what the parent says, in the event loop."""
    telemetry: Telemetry = SILENT
    siblings: frozenset[str] = frozenset()
    """Other processes that live, as the parent says, and whose leases are renewed here too: they may be blocked."""
    lapses: int = 0
    """How often a beat came so late that leases may have run out before it."""
    _beaten: float = 0.0
    """When the last beat began, by a clock that also runs while the machine sleeps. 0 before the first."""
    _late: float = 0.0
    """When the last beat ended that came late, by the same clock. 0 if none did."""
    _over: threading.Event = field(default_factory=threading.Event)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Tells storage at once, and goes on while the block runs. Raises `Unreachable` if storage does not answer."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._tell)
        thread = threading.Thread(target=self._keep, args=[loop], name="the line", daemon=True)
        thread.start()
        alive = asyncio.create_task(self._alive()) if self.channel is not None else None
        try:
            yield
        finally:
            self._over.set()
            if alive is not None:
                alive.cancel()
            if self._telling.acquire(timeout=END_SECONDS):  # storage is about to be closed
                self._telling.release()

    def say(self, **words: Any) -> None:
        """Tell the parent, if there is one."""
        if self.channel is not None:
            self.channel.send(**words)

    @property
    def beats(self) -> bool:
        """Whether the last beat is so recent that no lease that it extended can have run out."""
        return _clock() - self._beaten < self.ttl / 2

    @property
    def calm(self) -> bool:
        """Whether no beat came late for as long as one counts. Otherwise storage may just be back after an outage, in
        which nobody could beat: whoever seems to be dead gets the first chance to go on."""
        return self.beats and _clock() - self._late >= self.ttl

    def unbroken(self) -> Callable[[], bool]:
        """A question to ask later: whether nobody can have taken this process for dead since now. What it had claimed
        may be somebody else's otherwise."""
        lapses = self.lapses
        return lambda: self.lapses == lapses and _clock() - self._beaten < self.ttl * SURE

    def _tell(self) -> None:
        began = _clock()
        if began - self._beaten >= self.ttl:
            self.lapses += 1  # before the beat: whoever asks in between has to ask storage
        self.beat([self.owner, *sorted(self.siblings - {self.owner})])
        if _clock() - began >= self.ttl / 2:
            self.lapses += 1
        if self._beaten and _clock() - self._beaten >= self.ttl / 2:
            self._late = _clock()
        self._beaten = began

    def _keep(self, loop: asyncio.AbstractEventLoop) -> None:
        every = self.ttl / 3
        due = time.monotonic() + every
        while not self._over.is_set():
            self._listen(loop, max(due - time.monotonic(), 0))
            if time.monotonic() < due or self._over.is_set():
                continue
            try:
                with self._telling:
                    if not self._over.is_set():
                        self._tell()
            except Unreachable as away:
                self.telemetry.tell(StorageUnreachable(verb="change", error=named(away)))
                due = time.monotonic() + min(RETRY_SECONDS, every)
            else:
                due = time.monotonic() + every

    def _listen(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Hears one message of the parent, or waits for `seconds`."""
        if self.channel is None:
            self._over.wait(seconds)
            return
        try:
            words = self.channel.received(min(seconds, 1.0))
        except EOFError:
            if not self._over.is_set():
                log.error("the supervisor is gone, so this process ends")
                os._exit(1)
            return
        if words is None:
            return
        if "owners" in words:
            self.siblings = frozenset(words["owners"])
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self.heard, words)

    async def _alive(self) -> None:
        while True:
            self.say(alive=True)
            await asyncio.sleep(ALIVE_SECONDS)


def _clock() -> float:
    return time.clock_gettime(_BOOT_TIME)
