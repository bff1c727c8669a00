"""What a task reported at its end, on the request whose answer was its last."""

from __future__ import annotations

from contextlib import suppress

import pytest

from bot.approvals.model.ids import InterruptId
from bot.approvals.model.request import Delivered
from bot.approvals.model.task import MAX_SHORT_CHARACTERS, Task, in_short
from tests.support.fakes.fuse import Fuse, Killed
from tests.support.fakes.world import ALICE, BOB, FIRST, SECOND, World, a_world, question
from tests.unit.approvals.services.delivery.driven import decided


async def reported(world: World, task: Task, interrupt_id: InterruptId = FIRST) -> str:
    state = (await world.request(task, interrupt_id)).state
    assert isinstance(state, Delivered)
    return state.outcome


async def test_the_answer_that_was_the_last_carries_the_outcome() -> None:
    async with a_world({FIRST: question()}, {SECOND: question()}) as world:
        task = await world.started()
        for interrupt_id in (FIRST, SECOND):
            await world.vote(ALICE, on=await world.request(task, interrupt_id))
            await world.settle()

        assert await reported(world, task, FIRST) == ""
        assert await reported(world, task, SECOND) == "all clean"


async def test_of_two_questions_at_once_the_one_that_was_answered_last_carries_it() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task, SECOND))
        await world.settle()
        await world.vote(BOB, on=await world.request(task, FIRST))
        await world.settle()

        assert await reported(world, task, SECOND) == ""
        assert await reported(world, task, FIRST) == "all clean"


async def test_of_two_answers_that_go_out_together_the_later_carries_it() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        for interrupt_id in (SECOND, FIRST):
            await world.vote(ALICE, on=await world.request(task, interrupt_id))

        await world.settle()

        assert await reported(world, task, FIRST) == ""
        assert await reported(world, task, SECOND) == "all clean"


async def test_delivery_and_outcome_are_one_write(world: World) -> None:
    task = await decided(world)
    before = await world.request(task)

    await world.settle()

    assert await reported(world, task) == "all clean"
    assert (await world.request(task)).revision == before.revision + 2  # begun, delivered


async def test_a_graph_that_says_nothing_of_its_end_has_no_outcome(world: World) -> None:
    world.engine.outcome = ""
    task = await decided(world)

    await world.settle()

    assert await reported(world, task) == ""


@pytest.mark.parametrize("outcome", ["all clean", ""])
@pytest.mark.parametrize("at", range(0, 36, 2))
async def test_a_process_that_dies_anywhere_loses_no_outcome(world: World, at: int, outcome: str) -> None:
    world.engine.outcome = outcome
    task = await decided(world)
    world.be_born(Fuse(kill_at=at))
    world.work.deliver(task.id)
    with suppress(Killed):
        await world.settle()
    world.be_born()

    for _ in range(4):
        await world.later(world.lease_ttl * 3)

    assert await reported(world, task) == outcome


@pytest.mark.parametrize(
    ("told", "short"),
    [
        ("Paid: entry 1 of ledger.db", "Paid: entry 1 of ledger.db"),
        ("\n  Paid.  \nBalance: 7", "Paid."),
        ("", ""),
        (" \n ", ""),
        ("x" * MAX_SHORT_CHARACTERS, "x" * MAX_SHORT_CHARACTERS),
        ("x" * (MAX_SHORT_CHARACTERS + 1), "x" * (MAX_SHORT_CHARACTERS - 1) + "…"),
    ],
)
def test_an_outcome_is_short_on_a_card(told: str, short: str) -> None:
    assert in_short(told) == short
