"""A decision that could not be delivered as long as it was valid: nobody uses it any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.call_errors import DecisionStale
from bot.approvals.model.decision import Reject
from bot.approvals.model.errors import NothingToTakeBack, StaleVersion, Unreachable
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import OnStale, Policy
from bot.approvals.model.request import Decided, NotUsed, Pending, Request, Superseded
from bot.approvals.model.task import Ended, Task, Waiting
from tests.support.fakes.shop import Shop, a_call
from tests.support.fakes.world import ALICE, BOB, FIRST, RITA, SECOND, World, a_world, policy, question

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ASKS = replace(policy(), valid_for=HOUR)
STOPS = replace(ASKS, on_stale=OnStale.STOP)


async def undelivered(world: World) -> tuple[Task, Request]:
    """A task whose request was approved while its checkpoints could not be reached."""
    task = await world.started()
    request = await world.vote(ALICE, on=await world.request(task))
    world.engine.down = Unreachable("checkpoints")
    with pytest.raises(Unreachable):
        await world.settle()
    return task, request


async def back(world: World, after: timedelta) -> None:
    """The checkpoints can be reached again, after this time."""
    world.engine.down = None
    await world.later(after)


def told(world: World, id: InterruptId = FIRST) -> list[JSON]:
    return [answer["outcome"] for name, answer in world.engine.effects if name == id and isinstance(answer, dict)]


async def test_after_an_outage_a_decision_that_is_still_valid_is_delivered() -> None:
    async with a_world(otherwise=ASKS) as world:
        await undelivered(world)

        await back(world, HOUR - timedelta(microseconds=1))

        assert told(world) == ["approve"]


async def test_after_a_longer_one_people_are_asked_again_with_the_old_decision_in_view() -> None:
    async with a_world(otherwise=ASKS) as world:
        task, request = await undelivered(world)

        await back(world, HOUR)

        again = await world.request(task)
        assert (told(world), isinstance(again.state, Pending), again.version) == ([], True, 2)
        assert again.before is not None
        assert (again.before.why, again.before.decision) == (NotUsed.STALE, request.decision)
        assert len(await world.messages_of(task, MessageKind.CARD)) == 2
        (event,) = await world.history(task, "stale")
        assert (event.data["version"], "question" in event.data) == (2, True)
        with pytest.raises(StaleVersion):
            await world.vote(BOB, on=request)
        with pytest.raises(NothingToTakeBack):
            await world.answers.take_back(world.actor(ALICE), request.id)

        await world.vote(BOB, Reject(reason="too late"), on=again)
        await world.settle()
        assert told(world) == ["reject"]


async def test_or_the_task_is_stopped_there_if_the_policy_says_so() -> None:
    async with a_world(otherwise=STOPS) as world:
        task, request = await undelivered(world)

        await back(world, HOUR)

        stopped = await world.request(task)
        assert told(world) == []
        assert isinstance(stopped.state, Superseded)
        assert (stopped.state.stopped, stopped.state.stale, stopped.decision) == (True, True, request.decision)
        state = (await world.task(task.id)).state
        assert isinstance(state, Ended)
        assert state.stopped
        assert "within 1h" in state.outcome
        assert len(await world.history(task, "stale")) == 1


async def test_a_no_is_delivered_however_late() -> None:
    async with a_world(otherwise=STOPS) as world:
        task = await world.started()
        await world.vote(ALICE, Reject(reason="no"), on=await world.request(task))
        world.work.forget()

        await world.later(1000 * HOUR)

        assert told(world) == ["reject"]


async def test_a_decision_on_which_the_graph_failed_is_not_tried_again_after_its_time() -> None:
    async with a_world(otherwise=ASKS) as world:
        task = await world.started()
        world.engine.failures[FIRST] = 100
        await world.vote(ALICE, on=await world.request(task))
        await world.settle()
        world.engine.failures.clear()

        await world.later(2 * HOUR)

        again = await world.request(task)
        assert (told(world), isinstance(again.state, Pending)) == ([], True)
        assert isinstance((await world.task(task.id)).state, Waiting)
        await world.vote(BOB, Reject(reason="no"), on=again)
        await world.settle()
        assert told(world) == ["reject"]


async def test_nor_when_somebody_retries_the_task_then() -> None:
    async with a_world(otherwise=ASKS) as world:
        task = await world.started()
        world.engine.failures[FIRST] = 100
        await world.vote(ALICE, on=await world.request(task))
        await world.settle()
        world.engine.failures.clear()
        world.clock.advance(HOUR)

        await world.tasks.retry(world.actor(RITA, COMMAND), task.id)
        await world.settle()

        assert told(world) == []
        assert isinstance((await world.request(task)).state, Pending)


@pytest.mark.parametrize("terms", [ASKS, STOPS], ids=["ask", "stop"])
async def test_an_answer_to_another_branch_runs_no_stale_one_beside_it(terms: Policy) -> None:
    """Every run also runs the steps that failed on their answer, and would give it to them once more."""
    async with a_world({FIRST: question(), SECOND: question()}, otherwise=terms) as world:
        task = await world.started()
        world.engine.failures[SECOND] = 100
        await world.vote(ALICE, on=await world.request(task, SECOND))
        await world.settle()
        world.engine.failures.clear()
        failed = await world.request(task, SECOND)
        assert isinstance(failed.state, Decided)
        waits = replace(failed, state=replace(failed.state, next_try=None))
        await world.storage.save_request(waits, (await world.history(task, "delivery_failed"))[0])
        world.clock.advance(HOUR)

        await world.vote(ALICE, on=await world.request(task, FIRST))
        await world.settle()

        assert told(world, SECOND) == []
        assert told(world) == (["approve"] if terms is ASKS else [])
        after = await world.request(task, SECOND)
        assert isinstance(after.state, Pending if terms is ASKS else Superseded)


async def bought(shop: Shop, key: str) -> Request:
    """A program's request that was approved, and handed over."""
    request = await shop.asked(a_call(key))
    await shop.world.vote(ALICE, on=request)
    await shop.settle()
    return request


async def test_a_program_takes_no_decision_after_its_time_and_keeps_what_it_took_before() -> None:
    async with a_world(otherwise=ASKS) as world:
        shop = Shop(world)
        taken, late = await bought(shop, "order-1"), await bought(shop, "order-2")
        world.clock.advance(HOUR - timedelta(microseconds=1))
        await shop.consume(taken.id, "run-1")
        world.clock.advance(timedelta(microseconds=1))

        with pytest.raises(DecisionStale) as stale:
            await shop.consume(late.id, "run-1")
        await shop.consume(taken.id, "run-1")

        assert (stale.value.request_id, stale.value.until) == (late.id, world.now)
        assert f"{world.now:%H:%M} UTC" in str(stale.value)
