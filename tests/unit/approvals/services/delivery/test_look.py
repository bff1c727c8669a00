"""A look at a thread: it drives the task only if the agent's code no longer fits what people are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.question import Question
from bot.approvals.model.request import Request
from bot.approvals.model.task import Gone, Part, Task
from tests.support.fakes.engine import FakeEngine
from tests.support.fakes.world import FIRST, World, question


class Redeployed(FakeEngine):
    """An agent whose code has changed while its thread waited."""

    gone: Gone | None = None

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        status = await super().status(task, requests)
        return replace(status, gone={} if self.gone is None else {FIRST: self.gone})


def redeployed(world: World, *, gone: Gone | None = None, asks: Question | None = None) -> None:
    stages = world.engine.stages if asks is None else [{FIRST: asks}]
    engine = Redeployed(*stages)
    engine.threads, engine.gone = world.engine.threads, gone
    world.engine = engine
    world.be_born()


async def test_a_task_that_asks_what_people_see_is_left_alone(world: World) -> None:
    task = await world.started()
    redeployed(world)

    assert not await world.delivery.look(task.id)
    assert world.work.deliveries == []


async def test_a_task_whose_step_is_gone_is_driven_so_that_its_card_says_so(world: World) -> None:
    task = await world.started()
    redeployed(world, gone=Gone(part=Part.STEP, name="ask"))

    assert await world.delivery.look(task.id)
    assert world.work.deliveries == [task.id]


async def test_a_task_that_would_ask_something_else_is_driven(world: World) -> None:
    """Nobody answers what the agent does not ask any more."""
    task = await world.started()
    redeployed(world, asks=question(title="Delete all of it?"))

    assert await world.delivery.look(task.id)
    assert world.work.deliveries == [task.id]
