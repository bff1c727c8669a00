"""The work queues run a job again at the time that it names, and once for all that is wanted soon."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.runtime.work_queue import COALESCE_SECONDS
from tests.support.fakes.clock import ManualClock
from tests.unit.runtime.jobs import ONE, TWO, Held, Job, Timers, a_queue, asks_for, at_rest

# --- Later --------------------------------------------------------------------------------------------


async def test_a_job_is_run_again_at_the_time_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    job = Job([asks_for(clock() + timedelta(minutes=2))])
    jobs = a_queue(job, clock)
    timers = Timers.of(monkeypatch)
    jobs.wake(ONE)
    await at_rest(jobs)
    assert (job.rounds, timers.waiting) == ([ONE], [120.0])

    timers.ring()
    await at_rest(jobs)

    assert job.rounds == [ONE, ONE]


async def test_a_time_that_is_past_is_soon_and_not_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    jobs = a_queue(Job([asks_for(clock() - timedelta(minutes=2))]), clock)
    timers = Timers.of(monkeypatch)

    jobs.wake(ONE)
    await at_rest(jobs)

    assert timers.waiting == [0.05]


async def test_who_is_woken_sooner_is_not_woken_a_second_time_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    job = Job([asks_for(clock() + timedelta(minutes=2))])
    jobs = a_queue(job, clock)
    timers = Timers.of(monkeypatch)
    jobs.wake(ONE)
    await at_rest(jobs)

    jobs.wake(ONE)
    await at_rest(jobs)
    timers.ring()
    await at_rest(jobs)

    assert job.rounds == [ONE, ONE]


async def test_who_was_woken_meanwhile_runs_at_once_and_not_at_the_time_that_it_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, held = ManualClock(), Held()

    async def later() -> datetime:
        await held()
        return clock() + timedelta(minutes=2)

    job = Job([later])
    jobs = a_queue(job, clock)
    timers = Timers.of(monkeypatch)
    jobs.wake(ONE)
    await held.begun.wait()
    jobs.wake(ONE)
    held.go.set()
    await at_rest(jobs)

    assert (job.rounds, timers.waiting) == ([ONE, ONE], [])


# --- Soon -----------------------------------------------------------------------------------------


async def test_what_is_wanted_soon_is_done_once_for_all_that_comes_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job()
    jobs = a_queue(job)
    timers = Timers.of(monkeypatch)

    for _ in range(3):
        jobs.wake_soon(ONE)
    await at_rest(jobs)
    assert (job.rounds, timers.waiting) == ([], [COALESCE_SECONDS])
    timers.ring()
    await at_rest(jobs)

    assert job.rounds == [ONE]


async def test_what_is_wanted_at_once_does_not_come_a_second_time_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job()
    jobs = a_queue(job)
    timers = Timers.of(monkeypatch)
    jobs.wake_soon(ONE)

    jobs.wake(ONE)
    await at_rest(jobs)
    timers.ring()
    await at_rest(jobs)

    assert job.rounds == [ONE]


async def test_what_was_to_be_done_late_is_done_soon_and_not_late_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    job = Job([asks_for(clock() + timedelta(minutes=2))])
    jobs = a_queue(job, clock)
    timers = Timers.of(monkeypatch)
    jobs.wake(ONE)
    await at_rest(jobs)

    jobs.wake_soon(ONE)

    assert timers.waiting == [COALESCE_SECONDS]


async def test_what_is_wanted_soon_while_its_job_runs_follows_a_moment_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held()
    job = Job([held])
    jobs = a_queue(job)
    timers = Timers.of(monkeypatch)
    jobs.wake(ONE)
    await held.begun.wait()

    jobs.wake_soon(ONE)
    held.go.set()
    await at_rest(jobs)
    assert (job.rounds, timers.waiting) == ([ONE], [COALESCE_SECONDS])
    timers.ring()
    await at_rest(jobs)

    assert job.rounds == [ONE, ONE]


async def test_an_end_does_what_was_wanted_soon_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    job = Job([held])
    jobs = a_queue(job)
    timers = Timers.of(monkeypatch)
    jobs.wake(ONE)
    await held.begun.wait()
    jobs.wake_soon(ONE)
    jobs.wake_soon(TWO)

    held.go.set()
    await jobs.close(60)

    assert (sorted(job.rounds), timers.waiting) == ([ONE, ONE, TWO], [])
