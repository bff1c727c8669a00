"""Whether a process may still rely on what it has claimed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from bot.approvals.model.errors import Unreachable
from bot.runtime import line as module
from bot.runtime.line import Line

TTL = 0.6


class Clock:
    """Time that passes only while the process is stopped."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "_clock", clock)
    return clock


async def test_claims_hold_while_the_process_is_known_to_live(clock: Clock) -> None:
    line = Line(owner="gateway-1", beat=lambda _owners: None, ttl=TTL)
    async with line.held():
        holds = line.unbroken()
        clock.now += TTL / 2

        assert holds()


async def test_a_process_that_was_stopped_may_not_rely_on_its_claims_even_after_it_has_said_that_it_lives(
    clock: Clock,
) -> None:
    beaten = asyncio.Queue[Collection[str]]()
    loop = asyncio.get_running_loop()

    def beat(owners: Collection[str]) -> None:
        loop.call_soon_threadsafe(beaten.put_nowait, owners)

    line = Line(owner="gateway-1", beat=beat, ttl=TTL)
    async with line.held():
        holds = line.unbroken()
        clock.now += 2 * TTL
        assert not holds()

        for _ in range(3):
            await beaten.get()
        assert not holds()
        assert line.unbroken()()


async def test_while_storage_is_away_claims_run_out(clock: Clock) -> None:
    away = False

    def beat(_owners: Collection[str]) -> None:
        if away:
            raise Unreachable("storage is away")

    line = Line(owner="gateway-1", beat=beat, ttl=TTL)
    async with line.held():
        holds = line.unbroken()
        away = True
        clock.now += TTL * 0.9

        assert not holds()


async def test_after_an_outage_others_get_the_first_chance_for_as_long_as_a_beat_counts(clock: Clock) -> None:
    beaten = asyncio.Queue[Collection[str]]()
    loop = asyncio.get_running_loop()

    def beat(owners: Collection[str]) -> None:
        loop.call_soon_threadsafe(beaten.put_nowait, owners)

    line = Line(owner="gateway-1", beat=beat, ttl=TTL)
    async with line.held():
        was_calm = [line.calm]

        clock.now += 2 * TTL
        was_calm.append(line.calm)
        for _ in range(3):
            await beaten.get()
        assert line.beats
        was_calm.append(line.calm)

        for _ in range(3):
            clock.now += TTL / 3
            for _ in range(2):
                await beaten.get()
        assert [*was_calm, line.calm] == [True, False, False, True]
