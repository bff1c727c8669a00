"""What `audit verify --follow` and `audit anchor --every` have in common: they look again and again until they are
asked to end, and an outage of storage does not end them."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from bot import stores
from bot.approvals.model.errors import SettingsError, Unreachable
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.cli import output
from bot.durations import spoken
from bot.printable import printable
from bot.settings import Store

T = TypeVar("T")

AGAIN: Final = timedelta(seconds=10)
"""How soon storage that does not answer is tried again."""


class Rounds(Protocol):
    """Says how long the rounds go on."""

    async def pause(self, span: timedelta) -> bool:
        """Waits, and returns whether to go on. False at once if it is time to end."""
        ...

    async def unless_ended(self, work: Awaitable[T]) -> T | None:
        """What the work returns, or None if it is time to end before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilAsked:
    """`Rounds` until SIGTERM or SIGINT."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    @asynccontextmanager
    async def listening(cls) -> AsyncIterator[UntilAsked]:
        ending, loop = cls(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.asked.set)
        try:
            yield ending
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def pause(self, span: timedelta) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.asked.wait(), span.total_seconds())
        return not self.asked.is_set()

    async def unless_ended(self, work: Awaitable[T]) -> T | None:
        doing, asked = asyncio.ensure_future(work), asyncio.ensure_future(self.asked.wait())
        try:
            await asyncio.wait([doing, asked], return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            for each in (doing, asked):
                each.cancel()
            with suppress(asyncio.CancelledError, Unreachable):
                await doing


@dataclass(slots=True)
class Source:
    """The store of the log, which stays open from round to round. If the file is another one by now, as after a
    restore, that one is opened."""

    settings: Store
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _open: tuple[object, Storage] | None = None

    async def storage(self) -> Storage:
        """Raises SettingsError if there are no records, or Unreachable."""
        there = self._identity()
        if self._open is None or self._open[0] != there:
            await self.close()
            self._open = (there, await self._stack.enter_async_context(stores.records(self.settings)))
        return self._open[1]

    async def close(self) -> None:
        self._open = None
        await self._stack.aclose()

    def _identity(self) -> object:
        if self.settings.redis_url is not None:
            return None
        with suppress(OSError):
            found = (self.settings.state_dir / stores.RECORDS).stat()
            return found.st_dev, found.st_ino
        return None


@dataclass(slots=True, kw_only=True)
class Outage:
    """Whether the rounds work at the moment. Says once that they do not, and once that they do again."""

    say: Callable[[str], None]
    lasts: bool = False

    async def survived(self, work: Awaitable[T]) -> T | None:
        """What the work returns. None if storage does not answer, or if something cannot be read or written."""
        try:
            found = await work
        except (Unreachable, SettingsError) as error:
            if not self.lasts:
                why = " ".join(printable(line) for line in _why(error).splitlines())
                self.say(f"This does not work now: {why.removesuffix('.')}. It is tried again every {spoken(AGAIN)}.")
            self.lasts = True
            return None
        if self.lasts:
            self.say("It works again.")
        self.lasts = False
        return found


def _why(error: Unreachable | SettingsError) -> str:
    return str(error) if isinstance(error, SettingsError) else error.what or "storage does not answer"


@dataclass(frozen=True, slots=True)
class Timed:
    """Says lines with the time."""

    clock: Clock
    write: Callable[[str], Any]

    def __call__(self, words: str) -> None:
        self.write(f"{stamp(self.clock())}: {words}\n")


class NobodyReads(Exception):
    """Whoever should read the output has gone."""


def to_stdout(words: str) -> None:
    """Writes it at once. Raises NobodyReads, or SettingsError if the disk behind it is full: then it is kept, and
    written with what is written next."""
    try:
        sys.stdout.write(words)
        sys.stdout.flush()
    except BrokenPipeError:
        output.drop_the_rest()
        raise NobodyReads from None
    except OSError as error:
        raise output.unwritable("The output", error) from None


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} {at.tzname()}"
