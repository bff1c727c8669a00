"""The ticks: the first at once, never two at a time, and none after the end."""

from __future__ import annotations

import asyncio

import pytest

from bot.runtime.ticker import ticking

SOON = 0.01
NEVER = 3600.0


class Ticks:
    """Counts the ticks, and says when there were so many."""

    def __init__(self) -> None:
        self.count = 0
        self.at_once = 0
        self.most = 0
        self.held = asyncio.Event()
        self.held.set()
        self.wanted: dict[int, asyncio.Event] = {}

    async def __call__(self) -> None:
        self.count += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.count in self.wanted:
            self.wanted[self.count].set()
        try:
            await self.held.wait()
        finally:
            self.at_once -= 1

    async def reach(self, count: int) -> None:
        if self.count < count:
            await self.wanted.setdefault(count, asyncio.Event()).wait()


async def test_the_first_tick_comes_at_once() -> None:
    ticks = Ticks()

    async with ticking(ticks, NEVER):
        await ticks.reach(1)

    assert ticks.count == 1


async def test_ticks_go_on() -> None:
    ticks = Ticks()

    async with ticking(ticks, SOON):
        await ticks.reach(3)

    assert ticks.most == 1


async def test_a_tick_that_takes_long_is_not_joined_by_another() -> None:
    ticks, others = Ticks(), Ticks()
    ticks.held.clear()

    async with ticking(ticks, SOON), ticking(others, SOON):
        await ticks.reach(1)
        await others.reach(5)
        assert (ticks.count, ticks.most) == (1, 1)
        ticks.held.set()
        await ticks.reach(2)


async def test_a_tick_that_raises_is_logged_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    ticks = Ticks()

    async def raises_once() -> None:
        await ticks()
        if ticks.count == 1:
            raise ValueError("bug")

    async with ticking(raises_once, SOON):
        await ticks.reach(2)

    assert "ValueError: bug" in caplog.text


async def test_after_the_end_there_is_no_tick() -> None:
    ticks, others = Ticks(), Ticks()

    async with ticking(others, SOON):
        async with ticking(ticks, SOON):
            await ticks.reach(2)
        count = ticks.count
        await others.reach(others.count + 3)

    assert ticks.count == count
