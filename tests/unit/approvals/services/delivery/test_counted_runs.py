"""Runs are counted, so that one that ends with its process, or cannot be saved, is not begun without end."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.ids import InterruptId, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Decided, Delivered, Request
from bot.approvals.model.task import Ended, Failed, Failure, Task, TaskCancelled
from bot.approvals.ports.engine import Draining, Unsaved
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.rules.lifecycle import MAX_ATTEMPTS
from tests.support.fakes.clock import MORNING
from tests.support.fakes.wiring import over
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, RITA, World, a_world, question
from tests.unit.approvals.services.delivery.driven import Lossy, decided

HOUR = timedelta(hours=1)


async def killed_in_a_run(world: World, task: Task) -> None:
    """A process that dies inside of the node, and what the next one finds once the lease has run out."""
    storage = world.storage
    lease = await storage.lease(task.thread_id, HOUR, world.now)
    assert lease is not None
    pause = world.engine.pause_in(FIRST)
    await storage.release(lease)
    driving = asyncio.create_task(world.delivery.drive(task.id))
    await pause.reached.wait()
    driving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await driving
    world.engine.pauses.clear()


async def test_runs_that_end_with_their_process_are_counted_and_at_last_nothing_but_a_person_begins_another(
    world: World,
) -> None:
    task = await decided(world)
    for _ in range(MAX_ATTEMPTS):
        await killed_in_a_run(world, task)
    for _ in range(3):
        await world.later(HOUR)

    assert world.engine.effects == []
    state = (await world.task(task.id)).state
    assert isinstance(state, Failed)
    assert state.retryable
    assert state.failure.summary == "it was begun 8 times and never came to an end"
    assert len(await world.messages_of(task, MessageKind.OUTCOME)) == 1

    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()

    assert [id for id, _ in world.engine.effects] == [FIRST]
    assert isinstance((await world.task(task.id)).state, Ended)


async def test_a_run_is_counted_before_it_begins_and_no_more_once_it_came_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    counted: list[int] = []
    start = world.engine.start

    async def counting(*args: Any) -> ThreadStatus:
        counted.append((await world.task(task.id)).tries)
        return await start(*args)

    monkeypatch.setattr(world.engine, "start", counting)
    await world.settle()

    assert counted == [1]
    assert (await world.task(task.id)).tries == 0


async def test_a_shutdown_between_two_steps_is_no_failed_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await decided(world)
    resume = world.engine.resume

    async def drained(*args: Any) -> ThreadStatus:
        raise Draining

    monkeypatch.setattr(world.engine, "resume", drained)
    for _ in range(2 * MAX_ATTEMPTS):
        with pytest.raises(Draining):
            await world.delivery.drive(task.id)
    monkeypatch.setattr(world.engine, "resume", resume)
    await world.later(HOUR)

    assert isinstance((await world.task(task.id)).state, Ended)


async def test_many_answers_in_one_drive_are_not_taken_for_failed_runs() -> None:
    ids = [InterruptId(f"i-{number}") for number in range(2 * MAX_ATTEMPTS)]
    async with a_world({id: question() for id in ids}) as world:
        task = await world.started()
        for request in await world.requests(task):
            await world.vote(ALICE, on=request)
        await world.settle()

        assert len(world.engine.effects) == len(ids)
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_what_cannot_be_driven_is_not_tried_without_end(world: World) -> None:
    task = await decided(world)
    world.engine.down = ZeroDivisionError()
    for _ in range(3 * MAX_ATTEMPTS):
        await world.later(HOUR)

    assert len(await world.history(task, "failed")) <= MAX_ATTEMPTS + 1
    assert decided_state(await world.request(task)).next_try is None


async def test_a_run_whose_progress_could_not_be_saved_is_reported_and_run_again_by_a_person_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await decided(world)
    resume = world.engine.resume
    lost = Failure(error_id="e9", summary="ConnectionError", at=MORNING, unsaved=True)

    async def acts(*args: Any) -> ThreadStatus:
        world.engine.effects.append((FIRST, "acted"))
        raise Unsaved(lost)

    monkeypatch.setattr(world.engine, "resume", acts)
    await world.settle()
    monkeypatch.setattr(world.engine, "resume", resume)
    for _ in range(3):
        await world.later(HOUR)

    assert world.engine.effects == [(FIRST, "acted")]
    assert (await world.task(task.id)).state == Failed(failure=lost, retryable=True)
    assert decided_state(await world.request(task)).next_try is None

    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()

    assert len(world.engine.effects) == 2


async def test_that_a_run_could_not_be_saved_is_recorded_once_storage_answers_under_the_same_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.approvals.services.delivery.drive.REPORT_RETRY_SECONDS", 0)
    task = await decided(world)
    lost = Failure(error_id="e9", summary="ConnectionError", at=MORNING, unsaved=True)
    away: list[Exception] = []

    class Away(Lossy):
        async def records_of(self, task_id: TaskId) -> Records:
            if away:
                assert await self._storage.lease(task.thread_id, HOUR, world.now) is None
                raise away.pop()
            return await self._storage.records_of(task_id)

    async def acts(*args: Any) -> ThreadStatus:
        away.extend([Unreachable("records"), Conflict("task"), Unreachable("records")])
        raise Unsaved(lost)

    monkeypatch.setattr(world.engine, "resume", acts)
    await over(world.delivery, cast(Storage, Away(world.storage))).drive(task.id)

    assert not away
    assert (await world.task(task.id)).state == Failed(failure=lost, retryable=True)


async def test_what_is_reported_of_a_task_that_has_ended_meanwhile_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await decided(world)

    async def cancelled(*args: Any) -> ThreadStatus:
        await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)
        raise Unsaved(Failure(error_id="e9", summary="ConnectionError", at=MORNING, unsaved=True))

    monkeypatch.setattr(world.engine, "resume", cancelled)
    await world.settle()

    assert isinstance((await world.task(task.id)).state, TaskCancelled)


async def test_after_an_outage_threads_are_left_to_those_who_drove_them(world: World) -> None:
    task = await decided(world)
    world.work.forget()

    await world.sweeper.sweep(world.now, take_over=False)
    assert world.work.deliveries == []

    await world.sweeper.sweep(world.now)
    assert task.id in world.work.deliveries


def decided_state(request: Request) -> Decided:
    assert isinstance(request.state, Decided)
    return request.state


async def test_a_drive_that_is_cancelled_from_outside_stays_cancelled(world: World) -> None:
    task = await decided(world)
    pause = world.engine.pause_in(FIRST)
    driving = asyncio.create_task(world.delivery.drive(task.id))
    await pause.reached.wait()

    driving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await driving
    assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


async def test_a_shutdown_leaves_the_answer_to_the_next_process(world: World) -> None:
    task = await decided(world)
    world.engine.down = Draining()
    with pytest.raises(Draining):
        await world.delivery.drive(task.id)

    world.engine.down = None
    world.be_born()
    await world.later(timedelta())

    assert isinstance((await world.request(task)).state, Delivered)
