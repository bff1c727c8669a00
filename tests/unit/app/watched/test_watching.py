"""What a gateway says to those that watch it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.app.watched.telling import Sweeps as Noting
from bot.app.watched.watching import START_SECONDS, Asked, Counting, Counts, GatewayWatched, Sweeps
from bot.approvals.model.census import Census, Some
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import SlackDisconnected, SweepEnded
from bot.http.waiting import Waiters
from bot.runtime import health
from bot.telemetry.exposition import Exposition
from tests.support.builders import NOON


async def hangs() -> Any:
    await asyncio.Event().wait()


async def away() -> Any:
    raise Unreachable("storage")


def saying(value: Any) -> Callable[[], Awaitable[Any]]:
    async def said() -> Any:
        return value

    return said


# --- Questions that may take long ---------------------------------------------------------------


async def test_an_answer_that_does_not_come_is_not_waited_for_longer() -> None:
    assert await Asked(hangs, seconds=0.01).answer() is None
    assert await Asked(away, seconds=5).answer() is None
    assert await Asked(saying(1), seconds=5).answer() == 1


async def test_nobody_is_asked_twice_at_a_time() -> None:
    """A store that hangs is not asked by each probe anew."""
    asked = 0
    answered = asyncio.Event()

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await answered.wait()
        return asked

    one = Asked(ask, seconds=0.01)
    assert await asyncio.gather(*(one.answer() for _ in range(5))) == [None] * 5
    answered.set()

    assert await one.answer() == 1
    assert await one.answer() == 2


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_storage_is_counted_at_most_once_a_minute() -> None:
    """However many ask."""
    clock, counts = Clock(), 0

    async def census(now: datetime) -> Census:
        nonlocal counts
        counts += 1
        return Census(failed=counts)

    counting = Counting(census, lambda: NOON, monotonic=clock)
    first = [await counting.newest() for _ in range(3)]
    clock.now = 59.0
    second = await counting.newest()
    clock.now = 60.0

    assert await counting.newest() == Counts(began=60.0, at=NOON, census=Census(failed=2))
    assert [*first, second] == [Counts(began=0.0, at=NOON, census=Census(failed=1))] * 4


async def test_old_counts_are_shown_for_a_while_if_storage_does_not_answer() -> None:
    """And then none: nobody is told for ever that all is well."""
    clock = Clock()
    answer: Callable[[], Awaitable[Census]] = saying(Census(failed=1))
    counting = Counting(lambda _: answer(), lambda: NOON, monotonic=clock)
    known = Counts(began=0.0, at=NOON, census=Census(failed=1))
    assert await counting.newest() == known
    assert not counting.is_due()

    answer = away
    clock.now = 299.0
    assert await counting.newest() == known
    assert counting.is_due()
    clock.now = 301.0
    assert await counting.newest() is None


# --- Sweeps -------------------------------------------------------------------------------------


def sweeps(folder: Path, *roles: str, interval: float = 5.0, **changes: Any) -> Sweeps:
    return Sweeps(state_dir=folder, interval=interval, roles=roles or ("gateway",), **changes)


def swept(folder: Path, role: str, seconds_ago: float) -> None:
    health.swept(folder, role)
    (file,) = folder.glob(f"swept-*-{role}")
    os.utime(file, (time.time() - seconds_ago,) * 2)


def test_a_bot_whose_sweeps_end_is_well(tmp_path: Path) -> None:
    """Also one that sweeps rarely, and one that has only just been started again."""
    began = time.time() - 1000
    swept(tmp_path, "gateway", seconds_ago=20)
    assert sweeps(tmp_path, started=began).problems() == []

    swept(tmp_path, "gateway", seconds_ago=170)
    assert sweeps(tmp_path, started=began, interval=60).problems() == []
    assert sweeps(tmp_path, started=time.time()).problems() == []


def test_each_role_whose_sweeps_do_not_end_is_named(tmp_path: Path) -> None:
    swept(tmp_path, "gateway", seconds_ago=5)
    swept(tmp_path, "worker", seconds_ago=40)

    found = sweeps(tmp_path, "gateway", "worker", started=time.time() - 1000).problems()

    assert found == ["No sweep of the worker has ended for 40 s; one is due every 5 s."]


def test_the_first_sweep_may_take_longer(tmp_path: Path) -> None:
    """Graphs are imported before it."""
    now = time.time()

    assert sweeps(tmp_path, started=now - START_SECONDS + 10).problems() == []
    assert len(sweeps(tmp_path, started=now - START_SECONDS - 10).problems()) == 1


def test_a_sweep_that_was_cut_short_has_ended(tmp_path: Path) -> None:
    """To start the bot again helps nobody while storage does not answer."""
    sink = Noting(tmp_path, "worker")

    sink.take(SlackDisconnected())
    assert health.last_sweep(tmp_path, "worker") is None
    sink.take(SweepEnded(role="worker", seconds=1.0, cut_short=True, error="TimeoutError"))

    assert health.last_sweep(tmp_path, "worker") == pytest.approx(time.time(), abs=60)
    health.forget(tmp_path, "worker")
    assert health.last_sweep(tmp_path, "worker") is None


# --- Answers ------------------------------------------------------------------------------------


NOTHING_WAITS, ANSWERS, CONNECTED = saying(Census()), saying(1), saying(True)


def watched(
    folder: Path,
    census: Callable[[], Awaitable[Any]] = NOTHING_WAITS,
    answers: Callable[[], Awaitable[Any]] = ANSWERS,
    connected: Callable[[], Awaitable[Any]] = CONNECTED,
) -> GatewayWatched:
    waiting = Waiters(lambda _: saying({})())
    return GatewayWatched(
        exposition=Exposition(folder=None),
        counting=Counting(lambda _: census(), lambda: NOON),
        answers=Asked(answers, seconds=0.01),
        connected=Asked(connected, seconds=0.01),
        waiters=waiting,
        clock=lambda: NOON,
        sweeps=sweeps(folder, started=0),
        thread=ThreadPoolExecutor(max_workers=1),
    )


async def test_a_gateway_is_ready_if_storage_answers_and_slack_is_connected(tmp_path: Path) -> None:
    assert await watched(tmp_path).unready() == []


@pytest.mark.parametrize("storage", [hangs, away])
async def test_each_thing_that_is_missing_is_named(tmp_path: Path, storage: Any) -> None:
    said = await watched(tmp_path, answers=storage, connected=saying(False)).unready()

    assert said == [
        "Storage did not answer within 1 s.",
        "Slack is not connected: what people do there does not arrive.",
    ]


async def test_a_gateway_that_drains_is_not_ready_at_once_and_stays_well(tmp_path: Path) -> None:
    """It sweeps no more, and is to be left to its end."""
    one = watched(tmp_path)
    assert len(await one.unwell()) == 1

    one.waiters.drain()

    assert await one.unready() == ["The bot is shutting down."]
    assert await one.unwell() == []


async def test_metrics_come_while_storage_and_slack_hang(tmp_path: Path) -> None:
    """Without what they would have said."""
    one = watched(tmp_path, census=away, connected=hangs)

    page = (await one.metrics() or b"").decode()

    assert "countersign_slack_connected 0.0" in page
    assert "countersign_undelivered " not in page


async def test_metrics_show_what_storage_counted(tmp_path: Path) -> None:
    one = watched(tmp_path, census=saying(Census(undelivered=Some(count=3, since=NOON))))

    page = (await one.metrics() or b"").decode()

    assert "countersign_undelivered 3.0" in page
    assert "countersign_api_waiting 0.0" in page
