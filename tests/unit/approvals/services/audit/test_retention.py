"""What has ended goes after its time; what waits stays however long it waits."""

from datetime import timedelta

import pytest

from bot.approvals.model.errors import NotFound, Unreachable
from bot.approvals.model.task import Task, Waiting
from bot.approvals.services.audit.retention import Retention
from tests.support.fakes.world import ALICE, World

DAY = timedelta(days=1)


def retention(world: World, *, keep_records: timedelta | None = None) -> Retention:
    return Retention(storage=world.storage, engine=world.engine, keep_finished=DAY, keep_records=keep_records)


async def ended(world: World) -> Task:
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    await world.settle()
    return await world.task(task.id)


async def test_checkpoints_of_an_ended_task_go_after_their_time_once_and_its_records_stay(world: World) -> None:
    task = await ended(world)
    await retention(world).sweep(world.now + DAY - timedelta(seconds=1))
    assert task.thread_id in world.engine.threads

    await retention(world).sweep(world.now + DAY)
    await retention(world).sweep(world.now + 2 * DAY)

    assert task.thread_id not in world.engine.threads
    assert len(await world.history(task, "checkpoints_deleted")) == 1
    assert (await world.task(task.id)).state == task.state
    assert len(await world.history(task, "voted")) == 1


async def test_what_waits_is_kept_however_long_it_waits(world: World) -> None:
    task = await world.started()

    await retention(world, keep_records=DAY).sweep(world.now + 3650 * DAY)

    assert task.thread_id in world.engine.threads
    assert (await world.task(task.id)).state == Waiting()


async def test_records_go_when_their_retention_says_so_and_never_before_the_checkpoints(world: World) -> None:
    task = await ended(world)
    keeping = retention(world, keep_records=DAY)
    world.engine.down = Unreachable("checkpoints")
    with pytest.raises(Unreachable):
        await keeping.sweep(world.now + 2 * DAY)
    assert await world.task(task.id) == task

    world.engine.down = None
    await keeping.sweep(world.now + 2 * DAY)

    assert task.thread_id not in world.engine.threads
    with pytest.raises(NotFound):
        await world.storage.task(task.id)
