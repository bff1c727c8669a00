"""The work queues: one job at a time per task, no wake-up lost, and an end that waits for what runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.approvals.model.errors import Conflict, CountersignError, NotFound, Unreachable
from bot.approvals.model.ids import TaskId
from bot.approvals.ports.engine import Draining
from bot.runtime import work_queue
from bot.runtime.work_queue import COALESCE_SECONDS, MAX_BUSY_JOBS, MAX_CONCURRENT_JOBS, JobQueue, WorkQueues
from tests.support.fakes.clock import ManualClock

ONE, TWO = TaskId("one"), TaskId("two")

Round = Callable[[], Awaitable[datetime | None]]


@dataclass
class Job:
    """A job that does as its script says, round by round, and counts how many run at once."""

    script: list[Round] = field(default_factory=list)
    rounds: list[TaskId] = field(default_factory=list)
    running: list[TaskId] = field(default_factory=list)
    most: int = 0
    doubled: bool = False

    async def __call__(self, task_id: TaskId) -> datetime | None:
        self.doubled |= task_id in self.running
        self.running.append(task_id)
        self.most = max(self.most, len(self.running))
        self.rounds.append(task_id)
        try:
            return await self.script.pop(0)() if self.script else None
        finally:
            self.running.remove(task_id)


@dataclass
class Held:
    """A round that has begun and waits to be let go."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def raises(error: Exception) -> Round:
    async def round() -> None:
        raise error

    return round


def asks_for(at: datetime) -> Round:
    async def round() -> datetime:
        return at

    return round


def a_queue(job: Job, clock: ManualClock | None = None) -> JobQueue[TaskId]:
    return JobQueue("delivery", job, clock or ManualClock())


async def at_rest(queue: JobQueue[TaskId]) -> None:
    """Until nothing of the queue runs."""
    while queue._running:
        await asyncio.wait(set(queue._running.values()))


async def test_a_woken_task_is_worked_on_once() -> None:
    job = Job()
    jobs = a_queue(job)

    jobs.wake(ONE)
    jobs.wake(TWO)
    await at_rest(jobs)

    assert job.rounds == [ONE, TWO]


async def test_a_task_that_is_woken_before_its_job_began_is_worked_on_once() -> None:
    job = Job()
    jobs = a_queue(job)

    for _ in range(5):
        jobs.wake(ONE)
    await at_rest(jobs)

    assert job.rounds == [ONE]


async def test_a_task_that_is_woken_meanwhile_is_worked_on_once_more_and_never_twice_at_a_time() -> None:
    held = Held()
    job = Job([held])
    jobs = a_queue(job)
    jobs.wake(ONE)
    await held.begun.wait()

    for _ in range(5):
        jobs.wake(ONE)
    held.go.set()
    await at_rest(jobs)

    assert job.rounds == [ONE, ONE]
    assert not job.doubled


async def test_other_tasks_are_worked_on_at_the_same_time() -> None:
    first, second = Held(), Held()
    job = Job([first, second])
    jobs = a_queue(job)

    jobs.wake(ONE)
    jobs.wake(TWO)
    await first.begun.wait()
    await second.begun.wait()
    first.go.set()
    second.go.set()
    await at_rest(jobs)

    assert job.most == 2


async def test_only_a_few_are_busy_at_once_so_that_acknowledgements_come_in_time() -> None:
    held = [Held() for _ in range(MAX_BUSY_JOBS)]
    job = Job([*held])
    jobs = a_queue(job)

    for number in range(MAX_BUSY_JOBS + 5):
        jobs.wake(TaskId(str(number)))
    for each in held:
        await each.begun.wait()
        each.go.set()
    await at_rest(jobs)

    assert (len(job.rounds), job.most) == (MAX_BUSY_JOBS + 5, MAX_BUSY_JOBS)


async def test_only_so_many_run_at_once_and_the_others_wait_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_queue, "MAX_BUSY_SECONDS", 0.001)  # all of them wait for something
    held = [Held() for _ in range(MAX_CONCURRENT_JOBS)]
    job = Job([*held])
    jobs = a_queue(job)
    for number in range(MAX_CONCURRENT_JOBS + 5):
        jobs.wake(TaskId(str(number)))
    for each in held:
        await each.begun.wait()

    assert len(job.rounds) == MAX_CONCURRENT_JOBS
    jobs.wake(TaskId(str(MAX_CONCURRENT_JOBS)))
    for each in held:
        each.go.set()
    await at_rest(jobs)

    assert (len(job.rounds), job.most) == (MAX_CONCURRENT_JOBS + 5, MAX_CONCURRENT_JOBS)


async def test_a_conflict_is_tried_again_at_once() -> None:
    job = Job([raises(Conflict("one")), raises(Conflict("one"))])
    jobs = a_queue(job)

    jobs.wake(ONE)
    await at_rest(jobs)

    assert job.rounds == [ONE] * 3


async def test_a_job_that_conflicts_for_ever_does_not_keep_the_others_from_their_turn() -> None:
    async def conflicts(task_id: TaskId) -> None:
        rounds.append(task_id)
        assert len(rounds) < 1000, "nobody else gets a turn"
        if not settled.is_set():
            raise Conflict(task_id)

    rounds: list[TaskId] = []
    settled = asyncio.Event()
    jobs = JobQueue("delivery", conflicts, ManualClock())
    jobs.wake(ONE)

    asyncio.get_running_loop().call_soon(settled.set)
    await at_rest(jobs)

    assert len(rounds) < 10


@pytest.mark.parametrize(
    ("error", "level", "said"),
    [
        (Unreachable("redis"), logging.WARNING, "was put off to the next sweep"),
        (NotFound("task", "one"), logging.WARNING, "was put off to the next sweep"),
        (CountersignError("refused"), logging.WARNING, "was put off to the next sweep"),
        (ValueError("bug"), logging.ERROR, "failed; the next sweep tries again"),
    ],
)
async def test_an_error_is_logged_and_survived(
    caplog: pytest.LogCaptureFixture, error: Exception, level: int, said: str
) -> None:
    job = Job([raises(error)])
    jobs = a_queue(job)
    jobs.wake(ONE)
    await at_rest(jobs)

    jobs.wake(ONE)
    await at_rest(jobs)

    (record,) = caplog.records
    assert (record.levelno, job.rounds) == (level, [ONE, ONE])
    assert record.getMessage().startswith("delivery of one ")
    assert said in record.getMessage()


@pytest.mark.parametrize("error", [Unreachable(), ValueError("bug")])
async def test_who_was_woken_while_a_job_failed_is_worked_on_again_and_not_forgotten(error: Exception) -> None:
    held = Held()

    async def fails_late() -> None:
        await held()
        raise error

    job = Job([fails_late])
    jobs = a_queue(job)
    jobs.wake(ONE)
    await held.begun.wait()

    jobs.wake(ONE)
    held.go.set()
    await at_rest(jobs)

    assert job.rounds == [ONE, ONE]


async def test_a_draining_graph_is_left_to_the_next_process_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    job = Job([raises(Draining())])
    jobs = a_queue(job)

    jobs.wake(ONE)
    await at_rest(jobs)

    assert job.rounds == [ONE]
    assert caplog.records == []


# --- Later --------------------------------------------------------------------------------------------


@dataclass
class Timers:
    """The loop's timers, which ring when a test says so."""

    set: list[tuple[float, asyncio.TimerHandle]] = field(default_factory=list)

    @classmethod
    def of(cls, monkeypatch: pytest.MonkeyPatch) -> Timers:
        timers, loop = cls(), asyncio.get_running_loop()

        def call_later(delay: float, callback: Callable[..., object], *args: object) -> asyncio.TimerHandle:
            handle = asyncio.TimerHandle(loop.time() + delay, callback, args, loop)
            timers.set.append((delay, handle))
            return handle

        monkeypatch.setattr(loop, "call_later", call_later)
        return timers

    def ring(self) -> None:
        for _, handle in self.set:
            if not handle.cancelled():
                handle._run()
        self.set.clear()

    @property
    def waiting(self) -> list[float]:
        return [delay for delay, handle in self.set if not handle.cancelled()]


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

    work.deliveries.job = Job([ends])
    work.deliver(ONE)
    await graph.begun.wait()
    closing = asyncio.create_task(work.close(60))
    await asyncio.sleep(0)
    graph.go.set()
    await closing

    assert messages.rounds == [ONE]
