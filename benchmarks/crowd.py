"""People who start tasks and click, and what Slack saw of it."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.stage import ROOMS
from bot.slack.cards.decision_words import APPROVED
from simulator.client import Json, Simulator

NAME = re.compile(r"n\d{6}")
LOOK_AGAIN = 0.02
LATE = 60.0


@dataclass(slots=True)
class Seen:
    """One task, as far as Slack has seen it."""

    card: asyncio.Future[Json]
    outcome: asyncio.Future[None]


@dataclass(slots=True)
class Crowd:
    """Everybody at once: alice starts tasks in so many channels, bob approves them."""

    simulator: Simulator
    rooms: int = ROOMS
    seen: dict[str, Seen] = field(default_factory=dict)
    _threads: dict[str, str] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _read: int = 0

    async def start(self, graph: str = "approval", **inputs: int) -> str:
        """Start a task; returns its name once the command is acknowledged."""
        number = next(self._numbers)
        name = f"n{number:06d}"
        loop = asyncio.get_running_loop()
        self.seen[name] = Seen(card=loop.create_future(), outcome=loop.create_future())
        room = f"#room-{number % self.rooms}"
        line = " ".join([f"/task {graph} name={name}", *(f"{key}={value}" for key, value in inputs.items())])
        answer = await self.simulator.seat("alice").command(room, line)
        assert answer["ok"], answer
        return name

    async def asked(self, graph: str = "approval") -> str:
        """Start a task; returns its name once its card is there."""
        name = await self.start(graph)
        await in_time(self.seen[name].card, f"the card of {name}")
        return name

    async def approve(self, name: str) -> None:
        """Click, and wait for the acknowledgement."""
        assert await self.click(name), name

    async def click(self, name: str) -> bool:
        """Click, and say whether it was acknowledged in time."""
        answer = await self.simulator.seat("bob").press(self.seen[name].card.result(), "approve")
        return bool(answer["ok"])

    def thread_of(self, name: str) -> str:
        """The message that its card's thread begins with."""
        return next(thread for thread, of in self._threads.items() if of == name)

    async def ended(self, name: str) -> None:
        await in_time(self.seen[name].outcome, f"the end of {name}")

    async def whole(self, graph: str = "approval") -> None:
        """A task from its command to its outcome."""
        name = await self.asked(graph)
        await self.approve(name)
        await self.ended(name)

    async def several(
        self, count: int, at_once: int, *, graph: str = "approval", only_asked: bool = False
    ) -> tuple[list[str], float]:
        """So many tasks, some at a time; their names where they are only asked, and how long it took."""
        slots = asyncio.Semaphore(at_once)

        async def one() -> str:
            async with slots:
                if only_asked:
                    return await self.asked(graph)
                await self.whole(graph)
                return ""

        began = time.monotonic()
        names = await asyncio.gather(*(one() for _ in range(count)))
        return names, time.monotonic() - began

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Within it those who wait are told; outside nothing is read, which would cost others their time."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait([watch])

    async def _watch(self) -> None:
        """Read what the bot sends to Slack, and tell those who wait for it."""
        while True:
            for entry in await self.simulator.traffic(after=self._read):
                if entry["direction"] == "call" and "status" not in entry:
                    break  # not answered yet: read it again
                self._read = entry["seq"]
                if entry.get("method") == "chat.postMessage" and entry["ok"]:
                    self._posted(entry["arguments"], entry["answer"])
            await asyncio.sleep(LOOK_AGAIN)

    def _posted(self, arguments: Json, answer: Json) -> None:
        blocks, thread = str(arguments.get("blocks", "")), arguments.get("thread_ts")
        if re.search(r"action_id\W+approve\b", blocks):
            found = NAME.search(blocks)
            assert found is not None, blocks
            self._threads[thread or answer["ts"]] = found[0]
            done: asyncio.Future[Any] = self.seen[found[0]].card
            value: Json | None = {"channel": answer["channel"], "ts": answer["ts"]}
        elif thread in self._threads and ended_well(arguments):
            done, value = self.seen[self._threads[thread]].outcome, None
        else:
            return
        if not done.done():
            done.set_result(value)


@asynccontextmanager
async def crowd(url: str, rooms: int = ROOMS) -> AsyncIterator[Crowd]:
    """The people of the Slack at that address, in so many of its channels."""
    async with Simulator.connect(url) as simulator:
        yield Crowd(simulator, rooms)


def ended_well(arguments: Json) -> bool:
    """Whether a post is the outcome of a task that ended well: no other message of a thread begins with its sign."""
    return str(arguments.get("text", "")).startswith(APPROVED)


async def in_time(waited: Awaitable[Any], what: str) -> None:
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(waited)), LATE)
    except TimeoutError:
        raise RuntimeError(f"{what} did not come within {LATE} s") from None
