"""Turns at Slack's methods, on a clock that only the tests move."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.api.rate_limit import POSTS, TIER_3, TIER_4, Pace, Rate, TooLong


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
        await pace.turn("chat.update", Rate(calls=60, burst=1), urgency=urgency)
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
    slow = Rate(calls=6, burst=1)
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
    rate = Rate(calls=60, burst=1)
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
    rate = Rate(calls=60, burst=1)
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


# --- A minute's quota ---------------------------------------------------------------------------


def most_in_a_minute(times: Sequence[float]) -> int:
    """The highest number of these calls that fall into any sixty seconds."""
    return max((sum(1 for other in times if at <= other < at + 60) for at in times), default=0)


class Calls:
    """Calls of one method, with endless patience, and when each of them went."""

    def __init__(self, rate: Rate) -> None:
        self.time = Time()
        self.went: list[float] = []
        self._rate = rate
        self._pace = Pace(self.time, self.time.sleep)
        self._tasks: list[asyncio.Task[None]] = []

    def come(self, count: int) -> None:
        self._tasks += [asyncio.create_task(self._one()) for _ in range(count)]

    async def all_gone(self) -> None:
        await self.time.pass_by(61.0 * (2 + len(self._tasks) // self._rate.calls))
        await asyncio.gather(*self._tasks)

    async def _one(self) -> None:
        await self._pace.turn("chat.update", self._rate, patience=float("inf"))
        self.went.append(self.time.now)


async def test_a_burst_is_part_of_the_minutes_quota() -> None:
    calls = Calls(TIER_3)

    calls.come(200)
    await calls.all_gone()

    assert most_in_a_minute(calls.went) == TIER_3.calls


async def test_after_a_silence_no_more_go_than_in_any_other_minute() -> None:
    calls = Calls(TIER_3)

    calls.come(40)
    await calls.time.pass_by(50)  # they are gone by then, and the burst has grown again
    calls.come(40)
    await calls.all_gone()

    assert most_in_a_minute(calls.went) == TIER_3.calls


async def test_calls_that_never_cease_pause_once_and_then_go_evenly() -> None:
    """The pause is that of the first burst: each of its calls came before its time."""
    calls = Calls(TIER_3)

    calls.come(300)
    await calls.all_gone()

    gaps = [after - before for before, after in pairwise(calls.went)]
    assert sum(gap > 2 * 60 / TIER_3.calls for gap in gaps) == 1
    assert max(gaps) <= (TIER_3.burst + 1) * 60 / TIER_3.calls + 1


rates = st.one_of(
    st.sampled_from([POSTS, Rate(calls=20, burst=5), TIER_3, TIER_4]),
    st.integers(1, 12).flatmap(lambda calls: st.builds(Rate, calls=st.just(calls), burst=st.integers(1, calls))),
)


@settings(max_examples=30, deadline=None)
@given(rate=rates, arrivals=st.lists(st.tuples(st.floats(0, 70), st.integers(0, 60)), max_size=8))
def test_no_minute_has_more_calls_than_the_quota(rate: Rate, arrivals: list[tuple[float, int]]) -> None:
    """Whatever comes when: bursts, silences, both. And each call goes in the end."""

    async def played() -> list[float]:
        calls = Calls(rate)
        for seconds, count in arrivals:
            await calls.time.pass_by(seconds)
            calls.come(count)
        await calls.all_gone()
        return calls.went

    went = asyncio.run(played())

    assert most_in_a_minute(went) <= rate.calls
    assert len(went) == sum(count for _, count in arrivals)


@settings(max_examples=30, deadline=None)
@given(rate=rates, ahead=st.integers(0, 150))
def test_who_is_told_to_wait_is_told_how_long(rate: Rate, ahead: int) -> None:
    """A call that is refused at once would have gone after about as long as it was told, and not earlier."""

    async def played() -> tuple[float, float]:
        calls = Calls(rate)
        calls.come(ahead)
        await settle()
        with pytest.raises(TooLong) as told:
            await calls._pace.turn("chat.update", rate, patience=-1.0)
        now = calls.time.now
        calls.come(1)
        await calls.all_gone()
        return told.value.seconds, max(calls.went) - now

    expected, took = asyncio.run(played())

    assert took == pytest.approx(expected, abs=0.2 + (rate.burst + 1) * 60 / rate.calls)
