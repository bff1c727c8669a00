"""The work queues end: they wait for what runs, and take nothing more."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta

import pytest

from bot.runtime import work_queue
from bot.runtime.work_queue import WorkQueues
from tests.support.fakes.clock import ManualClock
from tests.unit.runtime.jobs import ONE, TWO, Held, Job, Timers, a_queue, asks_for, at_rest

# --- The end ------------------------------------------------------------------------------------------


async def test_an_end_waits_for_what_runs_and_takes_nothing_more() -> None:
    held = Held()
    job = Job([held])
    jobs = a_queue(job)
    jobs.wake(ONE)
    await held.begun.wait()

    closing = asyncio.create_task(jobs.close(60))
    await asyncio.sleep(0)
    jobs.wake(TWO)
    assert not closing.done()
    held.go.set()
    await closing

    assert job.rounds == [ONE]
    assert not held.cancelled


async def test_what_does_not_end_in_time_is_cancelled_and_said(caplog: pytest.LogCaptureFixture) -> None:
    held = Held()
    jobs = a_queue(Job([held]))
    jobs.wake(ONE)
    await held.begun.wait()

    await jobs.close(0)

    assert held.cancelled
    assert "delivery: 1 tasks did not end in time and are left to the next process" in caplog.text


async def test_what_does_not_hear_that_it_is_cancelled_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "CANCEL_RETRY_SECONDS", 0.01)
    deaf, held = Held(), Held()

    async def hears_the_second() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await deaf()
        await held()

    jobs = a_queue(Job([hears_the_second]))
    jobs.wake(ONE)
    await deaf.begun.wait()

    await jobs.close(0)

    assert deaf.cancelled
    assert held.cancelled


async def test_an_end_forgets_what_was_to_be_run_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, held = ManualClock(), Held()

    async def later() -> datetime:
        await held()
        return clock() + timedelta(minutes=2)

    jobs = a_queue(Job([asks_for(clock() + timedelta(minutes=1)), later]), clock)
    timers = Timers.of(monkeypatch)
    jobs.wake(ONE)
    await at_rest(jobs)
    jobs.wake(TWO)
    await held.begun.wait()

    held.go.set()
    await jobs.close(60)

    assert timers.waiting == []


async def test_an_idle_queue_ends_at_once() -> None:
    await a_queue(Job()).close(60)


# --- The work ---------------------------------------------------------------------------------------


async def test_there_is_a_queue_for_graphs_and_one_for_slack() -> None:
    graphs, messages = Job(), Job()
    work = WorkQueues(deliveries=a_queue(graphs), syncs=a_queue(messages))

    work.deliver(ONE)
    work.show(TWO)
    await work.close(60)

    assert (graphs.rounds, messages.rounds) == ([ONE], [TWO])


async def test_the_end_waits_for_listeners_then_for_graphs_and_for_slack_last() -> None:
    graph, message = Held(), Held()
    work = WorkQueues(deliveries=a_queue(Job([graph])), syncs=a_queue(Job([message])))
    listener = Held()

    async def listens() -> None:
        async with work.busy(), work.busy():
            await listener()
            work.deliver(ONE)
            work.show(ONE)

    listening = asyncio.create_task(listens())
    await listener.begun.wait()
    closing = asyncio.create_task(work.close(60))
    await asyncio.sleep(0)

    listener.go.set()
    await graph.begun.wait()
    await message.begun.wait()
    assert not closing.done()
    graph.go.set()
    message.go.set()
    await closing
    await listening

    assert not graph.cancelled
    assert not message.cancelled


async def test_a_listener_that_raises_is_not_waited_for() -> None:
    work = WorkQueues(deliveries=a_queue(Job()), syncs=a_queue(Job()))

    with pytest.raises(ValueError, match="bug"):
        async with work.busy():
            raise ValueError("bug")

    await work.close(60)


async def test_a_listener_that_does_not_end_is_left_behind_in_time(caplog: pytest.LogCaptureFixture) -> None:
    work = WorkQueues(deliveries=a_queue(Job()), syncs=a_queue(Job()))

    async with work.busy():
        await work.close(0)

    assert "1 answers to Slack were still under way at the end" in caplog.text


async def test_what_a_graph_shows_while_it_ends_is_still_posted() -> None:
    graph = Held()
    messages = Job()
    work = WorkQueues(deliveries=a_queue(Job()), syncs=a_queue(messages))

    async def ends() -> None:
        await graph()
        work.show(ONE)

    assert work.deliveries is not None
    work.deliveries.job = Job([ends])
    work.deliver(ONE)
    await graph.begun.wait()
    closing = asyncio.create_task(work.close(60))
    await asyncio.sleep(0)
    graph.go.set()
    await closing

    assert messages.rounds == [ONE]
