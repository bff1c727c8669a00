"""The work queues: one job at a time per task, and no wake-up lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.approvals.model.errors import Conflict, CountersignError, NotFound, Unreachable
from bot.approvals.model.facts import JobPutOff
from bot.approvals.model.ids import TaskId
from bot.approvals.ports.engine import Draining
from bot.runtime import work_queue
from bot.runtime.work_queue import MAX_BUSY_JOBS, MAX_CONCURRENT_JOBS, JobQueue
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.telemetry import Heard
from tests.unit.runtime.jobs import ONE, TWO, Held, Job, a_queue, at_rest, raises


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


@pytest.mark.parametrize("error", [Unreachable("redis"), NotFound("task", "one"), CountersignError("refused")])
async def test_a_job_that_cannot_be_done_now_is_told_of_and_survived(error: Exception) -> None:
    """By the error's class: its words may be somebody's."""
    job, heard = Job([raises(error)]), Heard()
    jobs = replace(a_queue(job), telemetry=heard)
    jobs.wake(ONE)
    await at_rest(jobs)

    jobs.wake(ONE)
    await at_rest(jobs)

    assert job.rounds == [ONE, ONE]
    assert heard.facts == [JobPutOff(queue="delivery", key=ONE, error=type(error).__name__)]


async def test_an_error_of_ours_is_logged_with_its_trace_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    """The next sweep tries again."""
    job = Job([raises(ValueError("bug"))])
    jobs = a_queue(job)
    jobs.wake(ONE)
    await at_rest(jobs)

    jobs.wake(ONE)
    await at_rest(jobs)

    (record,) = caplog.records
    assert job.rounds == [ONE, ONE]
    assert record.levelname == "ERROR"
    assert record.getMessage() == "delivery of one failed; the next sweep tries again"


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
