"""A thread on which somebody else's run is under way: it is left alone, and looked at again."""

from __future__ import annotations

from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.request import Decided
from bot.approvals.model.task import Ended, Waiting
from tests.support.fakes.world import ALICE, FIRST, a_world


async def test_a_decision_waits_until_the_run_is_over() -> None:
    async with a_world() as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        world.engine.busy = True

        driven = await world.delivery.drive(task.id)

        assert not driven
        assert isinstance((await world.request(task)).state, Decided)
        assert world.engine.effects == []

        world.engine.busy = False
        assert await world.delivery.drive(task.id)
        assert [id for id, _ in world.engine.effects] == [FIRST]
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_nothing_is_recorded_of_a_run_that_is_not_over() -> None:
    async with a_world() as world:
        task = await world.task((await world.started()).id)

        await world.delivery.recording.record(task, (), ThreadStatus(phase=Phase.BUSY))

        assert await world.task(task.id) == task
        assert isinstance(task.state, Waiting)
