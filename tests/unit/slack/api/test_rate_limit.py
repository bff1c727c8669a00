"""Turns at Slack's methods, on a clock that only the tests move."""

from __future__ import annotations

import asyncio
import heapq

import pytest

from bot.slack.api.rate_limit import POSTS, TIER_3, Pace, Rate, TooLong


class Time:
    """A clock and its sleep: sleepers wake when the clock is moved past them."""

    def __init__(self) -> None:
        self.now = 100.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.now + seconds, id(woken), woken))
        await woken.wait()

    async def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until + 1e-9:
            self.now, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await settle()
        self.now = until


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    time = Time()
    pace = Pace(time, time.sleep)
    done: list[float] = []

    async def post() -> None:
        await pace.turn("chat.postMessage", POSTS, channel="C1")
        done.append(time.now - 100)

    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(post())
        await time.pass_by(10)

    assert done == pytest.approx([0, 0, 0, 1, 2])


async def test_channels_do_not_wait_for_each_other() -> None:
    time = Time()
    pace = Pace(time, time.sleep)

    for channel in ("C1", "C2", "C3"):
        for _ in range(POSTS.burst):
            await pace.turn("chat.postMessage", POSTS, channel=channel)

    assert time.now == 100


async def test_the_more_urgent_goes_first() -> None:
    time = Time()
    pace = Pace(time, time.sleep)
    order: list[str] = []

    async def call(name: str, urgency: int) -> None:
        await pace.turn("chat.update", Rate(per_second=1, burst=1), urgency=urgency)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name, urgency in [("first", 0), ("reminder", 2), ("card", 1), ("decision", 0)]:
            group.create_task(call(name, urgency))
            await settle()
        await time.pass_by(10)

    assert order == ["first", "decision", "card", "reminder"]


async def test_a_long_wait_is_refused_at_once() -> None:
    time = Time()
    pace = Pace(time, time.sleep)
    slow = Rate(per_second=0.1, burst=1)
    await pace.turn("chat.update", slow)

    with pytest.raises(TooLong) as refused:
        await pace.turn("chat.update", slow)

    assert refused.value.seconds == pytest.approx(10)
    assert time.now == 100


async def test_after_a_429_nobody_calls_the_method_in_any_channel() -> None:
    time = Time()
    pace = Pace(time, time.sleep)
    pace.close("chat.postMessage", 30)

    with pytest.raises(TooLong):
        await pace.turn("chat.postMessage", POSTS, channel="C1")
    await pace.turn("chat.update", TIER_3)
    await time.pass_by(31)
    await pace.turn("chat.postMessage", POSTS, channel="C1")


async def test_who_waits_when_slack_closes_a_method_for_long_is_told_so() -> None:
    time = Time()
    pace = Pace(time, time.sleep)
    rate = Rate(per_second=1, burst=1)
    await pace.turn("chat.update", rate)
    waiting = asyncio.create_task(pace.turn("chat.update", rate))
    await settle()

    pace.close("chat.update", 60)
    await time.pass_by(2)

    with pytest.raises(TooLong):
        await waiting


async def test_who_gives_up_leaves_the_line_to_the_next() -> None:
    time = Time()
    pace = Pace(time, time.sleep)
    rate = Rate(per_second=1, burst=1)
    await pace.turn("chat.update", rate)
    first = asyncio.create_task(pace.turn("chat.update", rate))
    second = asyncio.create_task(pace.turn("chat.update", rate))
    await settle()

    first.cancel()
    await time.pass_by(1)

    await asyncio.wait_for(second, 1)
    assert first.cancelled()


async def test_channels_that_fell_silent_are_forgotten() -> None:
    time = Time()
    pace = Pace(time, time.sleep)

    for number in range(2500):
        time.now += 5
        await pace.turn("chat.postMessage", POSTS, channel=f"C{number}")

    assert len(pace._buckets) <= 1000
