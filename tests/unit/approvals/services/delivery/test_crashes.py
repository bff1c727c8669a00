"""A process that is killed at any await, and the next one that finds what it left."""

from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered
from bot.approvals.model.task import Ended, Task
from tests.support.fakes.engine import Stage
from tests.support.fakes.fuse import Fuse, Killed
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, RITA, SECOND, World, a_world, question

pytestmark = pytest.mark.heavy


async def live(world: World) -> Task:
    """A task from its start to its end, each question answered as soon as it is there."""
    tasks = await world.storage.tasks_of(RITA, 1)
    task = tasks[0] if tasks else await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    await world.sweeper.sweep(world.now)
    await world.settle()
    for _ in range(2):
        for request in await world.requests(task):
            if request.decision is None:
                await world.vote(ALICE, on=request)
                await world.settle()
    return task


CHANGES = {
    *("after create_task", "after save_task", "after open_request", "after save_request"),
    *("after lease", "after release", "after post", "after save_surface"),
    *("after start", "answer stored", "effect", "stage done", "between stages", "after resume", "after proceed"),
}
"""The moments in which the world is not what it was in the moment before."""

SERIAL: tuple[Stage, ...] = ({FIRST: question()}, {}, {SECOND: question()})
PARALLEL: tuple[Stage, ...] = ({}, {FIRST: question(), SECOND: question()})
FAILING: tuple[Stage, ...] = ({FIRST: question()}, {})


@pytest.mark.parametrize("stages", [SERIAL, PARALLEL, FAILING], ids=["serial", "parallel", "failing"])
async def test_whatever_dies_each_answer_is_delivered_and_recorded_once(stages: tuple[Stage, ...]) -> None:
    moments = await moments_of(stages)

    for kill_at in (at for at, moment in enumerate(moments) if moment in CHANGES):
        async with a_world(*stages) as world:
            arm(world, stages)
            killed_in = await killed(world, kill_at)

            world.be_born()
            await recover(world)

            await assert_right_end(world, f"killed {kill_at}: {killed_in}", twice_allowed=killed_in == "effect")


def arm(world: World, stages: tuple[Stage, ...]) -> None:
    if stages is FAILING:
        world.engine.failures[FIRST] = 1


async def killed(world: World, at: int) -> str:
    """Live until the chosen moment, in which everything stops."""
    fuse = Fuse(kill_at=at)
    world.be_born(fuse)
    with pytest.raises(Killed):
        await live_on(world)
    return fuse.moments[at]


async def recover(world: World) -> None:
    """Live on until all is done, but not for ever."""
    for _ in range(6):
        world.clock.advance(timedelta(minutes=2))  # past leases, claims and the first waits
        task = await live(world)
        if (await world.task(task.id)).finished and not await world.storage.out_of_date(world.now, 1):
            return


async def live_on(world: World) -> None:
    while True:
        await live(world)
        world.clock.advance(timedelta(minutes=2))


async def moments_of(stages: tuple[Stage, ...]) -> list[str]:
    async with a_world(*stages) as world:
        arm(world, stages)
        await recover(world)
        return list(world.fuse.moments)


async def assert_right_end(world: World, when: str, *, twice_allowed: bool) -> None:
    (task,) = await world.storage.tasks_of(RITA, 10) or (None,)
    assert task is not None, when
    assert isinstance(task.state, Ended), (when, task.state)
    requests = await world.requests(task)
    asks = {id for stage in world.engine.stages for id in stage}
    assert {request.interrupt_id for request in requests} == asks, when
    for request in requests:
        assert isinstance(request.state, Delivered), (when, request.state)
        kinds = [event.kind for event in await world.storage.history(task.id, request.id)]
        assert kinds.count("opened") == kinds.count("delivered") == kinds.count("voted") == 1, (when, kinds)
        assert "superseded" not in kinds, (when, kinds)
    done = [name for name, _ in world.engine.effects]
    assert len(done) - len(set(done)) <= twice_allowed, (when, done)
    assert len(world.messenger.of(MessageKind.CARD)) == len(asks), when
    assert len(world.messenger.of(MessageKind.OPENING)) == 1, when
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1, when
    assert await world.storage.out_of_date(world.now, 10) == (), when
