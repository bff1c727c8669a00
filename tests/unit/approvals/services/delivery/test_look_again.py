"""An agent looks again before it acts: what it found changed is asked anew, on the card of what was approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.approvals.model.decision import Keep, Reject
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Expire, OnStale, Step
from bot.approvals.model.request import Delivered, NotUsed, Pending, Request, Superseded
from bot.approvals.model.task import Ended, Failed, Task
from bot.approvals.rules import lifecycle
from bot.approvals.rules.matching import Policies, Rule
from bot.approvals.services.delivery.batch import Batch
from tests.support.fakes.engine import Stage
from tests.support.fakes.world import ALICE, BOB, FIRST, RITA, SECOND, World, a_world, policy
from tests.unit.approvals.undoing import HOUR, PRICE, a_window, asked, asking

THIRD = InterruptId("i-third")
DEARER: Mapping[str, int] = {"price": 12}
LATER: Stage = {SECOND: asking(DEARER, after=PRICE, title="Pay more?")}


async def approved(world: World) -> tuple[Task, Request]:
    """The task, after its question was approved and its graph has looked again. And what was approved, as it was."""
    task = await world.started()
    request = await world.vote(ALICE, on=await world.request(task))
    await world.settle()
    return task, request


def told(world: World, id: InterruptId) -> list[JSON]:
    return [answer["outcome"] for name, answer in world.engine.effects if name == id and isinstance(answer, dict)]


async def test_a_difference_is_a_new_version_on_the_same_card_and_not_an_action() -> None:
    async with a_world({FIRST: asking(PRICE)}, LATER) as world:
        task, before = await approved(world)

        (request,) = await world.requests(task)
        assert (request.id, request.interrupt_id, request.version) == (before.id, SECOND, 2)
        assert isinstance(request.state, Pending)
        assert request.before is not None
        assert (request.before.why, request.before.decision) == (NotUsed.WORLD_CHANGED, before.decision)
        assert len(await world.messages_of(task, MessageKind.CARD)) == 1
        assert len(await world.messages_of(task, MessageKind.REMINDER)) == 1
        kinds = [event.kind for event in await world.storage.history(task.id)]
        assert kinds.index("delivered") < kinds.index("asked_anew")


async def test_the_agent_gets_the_answer_to_what_it_found() -> None:
    async with a_world({FIRST: asking(PRICE)}, LATER) as world:
        task, _ = await approved(world)

        await world.vote(BOB, Reject(reason="too dear"), on=await world.request(task, SECOND))
        await world.settle()

        assert (told(world, FIRST), told(world, SECOND)) == (["approve"], ["reject"])
        settled = await world.request(task, SECOND)
        assert isinstance(settled.state, Delivered)
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_it_may_look_again_once_more_and_name_what_was_asked_first_or_last() -> None:
    for after in (PRICE, DEARER):
        dearest = {THIRD: asking({"price": 20}, after=after, title="Pay even more?")}
        async with a_world({FIRST: asking(PRICE)}, LATER, dearest) as world:
            task, before = await approved(world)
            await world.vote(BOB, on=await world.request(task, SECOND))
            await world.settle()

            (request,) = await world.requests(task)
            assert (request.id, request.interrupt_id, request.version) == (before.id, THIRD, 3)
            assert request.before is not None
            assert request.before.times == 2


async def test_a_digest_of_nothing_that_was_approved_is_a_question_like_any_other() -> None:
    unknown = {SECOND: asking(DEARER, after={"price": 99})}
    async with a_world({FIRST: asking(PRICE)}, unknown) as world:
        task, _ = await approved(world)

        first, second = await world.requests(task)
        assert isinstance(first.state, Delivered)
        assert (second.version, second.before, isinstance(second.state, Pending)) == (1, None, True)


async def test_what_was_rejected_or_kept_or_met_with_silence_is_no_approval_to_look_at_again() -> None:
    """What was decided there stands on its own card, and the agent asks like any other."""
    kept = replace(a_window(), payload=dict(PRICE))
    silent = policy(steps=(Step(after=HOUR, action=Expire()),))
    for asks, by, said in (
        (asking(PRICE), ALICE, Reject(reason="no")),
        (kept, RITA, Keep()),
        (asking(PRICE), ALICE, None),
    ):
        async with a_world({FIRST: asks}, LATER, otherwise=silent) as world:
            task = await world.started()
            request = await world.request(task)
            if said is not None:
                await world.vote(by, said, on=request)
            await world.later(HOUR)

            first, second = await world.requests(task)
            assert (first.interrupt_id, first.version, isinstance(first.state, Delivered)) == (FIRST, 1, True)
            assert (second.version, second.before, isinstance(second.state, Pending)) == (1, None, True)


@pytest.mark.parametrize("voted", [False, True], ids=["open", "on its way"])
async def test_what_the_agent_has_no_answer_to_keeps_its_place(voted: bool) -> None:
    """A parallel branch may name what nobody has approved yet, or what was approved just now."""
    async with a_world({FIRST: asking(PRICE)}) as world:
        task = await world.started()
        request = await world.request(task)
        request = await world.vote(ALICE, on=request) if voted else request
        batch = Batch(clock=world.clock)

        await world.delivery.opening.ask(batch, task, [request], asked(asking(DEARER, after=PRICE), SECOND))

        assert [(change.opens, change.moves) for change in batch.changes] == [(True, False)]
        assert batch.latest(request) == request


async def test_of_two_approvals_the_last_that_the_agent_took_is_asked_again() -> None:
    async with a_world({FIRST: asking(PRICE), THIRD: asking(PRICE)}, LATER) as world:
        task = await world.started()
        for id in (FIRST, THIRD):
            await world.vote(ALICE, on=await world.request(task, id))
            await world.settle()

        assert [request.interrupt_id for request in await world.requests(task)] == [FIRST, SECOND]


async def test_a_policy_may_ask_others_for_what_it_found() -> None:
    async with a_world({FIRST: asking(PRICE)}, LATER) as world:
        task = await world.started()
        world.policies = replace(world.policies, otherwise=policy(approvers=("U-BOB",)))
        request = await world.request(task)
        world.be_born()
        await world.vote(ALICE, on=request)
        await world.settle()

        assert (await world.request(task, SECOND)).approvers == ("U-BOB",)


async def test_if_nobody_can_say_who_is_asked_the_task_fails_and_nothing_is_delivered() -> None:
    """The new question is on record for nobody, and the drive ends."""
    async with a_world({FIRST: asking(PRICE)}, LATER) as world:
        task = await world.started()
        request = await world.request(task)
        rule = Rule(policy=policy(name="interns"), requesters=("@interns",))
        world.policies = Policies(rules=(rule,), otherwise=world.policies.otherwise)
        world.be_born()
        await world.vote(ALICE, on=request)
        await world.settle()

        (renewed,) = await world.requests(task)
        assert (renewed.interrupt_id, renewed.version, renewed.approvers) == (SECOND, 2, ())
        assert isinstance((await world.task(task.id)).state, Failed)
        assert told(world, SECOND) == []


@pytest.mark.parametrize("taken", [True, False], ids=["delivered", "about to be"])
async def test_whatever_the_record_says_of_the_delivery_it_is_asked_again(taken: bool) -> None:
    """A crash may have come before the record of the delivery, or after it."""
    async with a_world({FIRST: asking(PRICE)}) as world:
        task = await world.started()
        request = lifecycle.attempted(await world.vote(ALICE, on=await world.request(task)))
        request = lifecycle.delivered(request, world.now) if taken else request
        batch = Batch(clock=world.clock)

        await world.delivery.opening.ask(batch, task, [request], asked(asking(DEARER, after=PRICE), SECOND))

        assert isinstance(batch.latest(request).state, Pending)
        kinds = [change.event.kind for change in batch.changes if change.event is not None]
        assert kinds == [*([] if taken else ["delivered"]), "asked_anew"]
        assert [change.moves for change in batch.changes] == [*([] if taken else [False]), True]


async def test_an_answer_that_was_not_taken_because_the_agent_looked_again_is_asked_again_too() -> None:
    """The agent asked something else where the answer was due."""
    async with a_world({FIRST: asking(PRICE)}) as world:
        task = await world.started()
        begun = lifecycle.attempted(await world.vote(ALICE, on=await world.request(task)))
        for state, moved in (
            (lifecycle.not_taken(begun, world.now).state, True),
            (Superseded(at=world.now, decision=begun.decision), False),
            (lifecycle.delivered(begun, world.now, stopped=True).state, False),
        ):
            batch = Batch(clock=world.clock)
            request = replace(begun, state=state)
            await world.delivery.opening.ask(batch, task, [request], asked(asking(DEARER, after=PRICE), SECOND))
            assert any(change.moves for change in batch.changes) is moved


async def test_what_was_found_changed_goes_stale_and_is_taken_back_like_any_answer() -> None:
    terms = replace(policy(), hold=HOUR, valid_for=HOUR, on_stale=OnStale.ASK)
    async with a_world({FIRST: asking(PRICE)}, LATER, otherwise=terms) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        await world.later(HOUR)
        found = await world.vote(BOB, on=await world.request(task, SECOND))

        again = await world.answers.take_back(world.actor(BOB), found.id)
        await world.vote(BOB, on=again)
        world.clock.advance(2 * HOUR)
        await world.later(HOUR)

        stale = await world.request(task, SECOND)
        assert stale.before is not None
        assert (stale.before.why, stale.before.times, told(world, SECOND)) == (NotUsed.STALE, 2, [])
