"""A decision that is kept from its agent: people take it back or stop it, and the agent gets what was decided last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.decision import Answered, Approve, Expired, Reject
from bot.approvals.model.errors import (
    AlreadySettled,
    NotAnApprover,
    NothingToStop,
    NothingToTakeBack,
    NotYourAnswer,
    OwnRequest,
    TooLateToTakeBack,
    Unreachable,
)
from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Consent, Escalate, Expire, Group, Policy, Stage, Step, one_stage
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.rules import lifecycle
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    DORA,
    FIRST,
    RITA,
    SECOND,
    STRANGER,
    World,
    a_world,
    policy,
    question,
)
from tests.unit.approvals.services.deeds import asked, delegate

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HOLD = 30 * MINUTE
HELD = replace(policy(), hold=HOLD)


async def approved(world: World, *people: Person) -> Request:
    """A request that these people have approved, after everything that follows at once."""
    request = await asked(world)
    for person in people or (ALICE,):
        request = await world.vote(person, on=await world.storage.request(request.id))
    await world.settle()
    return await world.storage.request(request.id)


async def take_back(world: World, request: Request, by: Person = ALICE) -> Request:
    return await world.answers.take_back(world.actor(by), request.id)


async def stop(world: World, request: Request, by: Person = BOB) -> Request:
    return await world.answers.stop(world.actor(by), request.id)


# --- Held ---------------------------------------------------------------------------------------


async def test_a_policys_hold_keeps_every_decision_from_the_agent_until_it_is_over() -> None:
    async with a_world(otherwise=HELD) as world:
        await approved(world)

        await world.later(HOLD - timedelta(microseconds=1))
        assert world.engine.effects == []

        await world.later(timedelta(microseconds=1))
        assert [id for id, _ in world.engine.effects] == [FIRST]


async def test_the_longer_of_two_holds_counts() -> None:
    """Words are held for a minute, whatever the policy says."""
    async with a_world(otherwise=replace(policy(), hold=MINUTE)) as world:
        request = await asked(world)

        held = await world.answers.vote(world.actor(ALICE), Shown.of(request), (Approve(),), hold=HOUR)

        assert isinstance(held.state, Decided)
        assert held.state.held_until == world.now + HOUR


async def test_a_failure_beside_it_does_not_cut_a_hold_short() -> None:
    """Neither its own next try nor a retry of the task by a person."""
    async with a_world({FIRST: question(), SECOND: question()}, otherwise=HELD) as world:
        task = await world.started()
        world.engine.failures[FIRST] = 1
        await world.vote(ALICE, on=await world.request(task, FIRST))
        await world.later(HOLD)
        await world.vote(ALICE, on=await world.request(task, SECOND))
        await world.tasks.retry(world.actor(RITA, COMMAND), task.id)
        await world.settle()

        assert [id for id, _ in world.engine.effects] == [FIRST]
        await world.later(HOLD)
        assert [id for id, _ in world.engine.effects] == [FIRST, SECOND]


async def test_a_task_that_cannot_be_driven_for_a_while_does_not_cut_a_hold_short() -> None:
    async with a_world(otherwise=HELD) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        world.engine.down = ValueError("unreadable")
        await world.settle()
        world.engine.down = None

        await world.later(HOLD - MINUTE)
        assert world.engine.effects == []

        await world.later(HOLD)
        assert len(world.engine.effects) == 1


async def test_a_held_decision_of_a_cancelled_task_is_never_handed_out() -> None:
    async with a_world(otherwise=HELD) as world:
        request = await approved(world)

        await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)
        await world.later(2 * HOLD)

        assert world.engine.effects == []
        with pytest.raises(NothingToTakeBack):
            await take_back(world, request)
        with pytest.raises(NothingToStop):
            await stop(world, request)


# --- Taken back ---------------------------------------------------------------------------------


async def test_what_was_taken_back_never_reaches_the_agent_and_the_next_answer_does() -> None:
    async with a_world(otherwise=HELD) as world:
        request = await approved(world)

        again = await take_back(world, request)
        await world.later(2 * HOLD)
        assert world.engine.effects == []
        await world.vote(BOB, Reject(reason="no"), on=again)
        await world.later(HOLD)

        ((_, answer),) = world.engine.effects
        assert isinstance(answer, dict)
        assert answer["outcome"] == "reject"


async def test_without_a_hold_too_until_delivery_has_begun() -> None:
    async with a_world() as world:
        request = await world.vote(ALICE, on=await asked(world))

        again = await take_back(world, request)
        await world.settle()
        assert (isinstance(again.state, Pending), world.engine.effects) == (True, [])

        await world.vote(ALICE, on=again)
        await world.settle()
        with pytest.raises(TooLateToTakeBack):
            await take_back(world, request)
        (event,) = await world.history(await world.task(request.task_id), "refused")
        assert (event.data["why"], event.data["tried"]) == ("TooLateToTakeBack", "take back")


async def test_of_a_delivery_and_a_taking_back_at_once_one_wins() -> None:
    """The intent to deliver is stored first: whoever comes after it is too late, however long the agent takes."""
    async with a_world() as world:
        request = await world.vote(ALICE, on=await asked(world))
        stored = await world.storage.request(request.id)
        begun = lifecycle.attempted(stored)
        await world.storage.save_request(begun, (await world.storage.history(request.task_id))[-1])

        with pytest.raises(TooLateToTakeBack):
            await take_back(world, request)


async def test_a_delegate_takes_back_the_answer_that_they_gave_and_the_giver_does_not() -> None:
    async with a_world(otherwise=replace(policy(), hold=HOLD)) as world:
        request = await delegate(world, await asked(world), ALICE)
        request = await world.vote(DORA, on=request)

        with pytest.raises(NotYourAnswer) as refused:
            await take_back(world, request)
        assert refused.value.voters == (DORA,)
        again = await take_back(world, request, DORA)

        assert again.votes == ()
        assert again.delegations == request.delegations
        assert isinstance((await world.vote(DORA, on=again)).decision, Answered)


async def test_who_takes_back_in_the_first_of_two_stages_has_its_people_asked_again() -> None:
    stages = (*one_stage(("U-ALICE", "U-BOB")), *one_stage(("U-CAROL",)))
    async with a_world(otherwise=Policy(name="two", stages=stages, hold=HOLD)) as world:
        request = await approved(world, ALICE, CAROL)

        again = await take_back(world, request)

        assert (again.stage_number, again.votes) == (0, ())
        assert set(again.open.asked) == {ALICE, BOB}
        await world.vote(BOB, on=again)
        settled = await world.vote(CAROL, on=await world.storage.request(request.id))
        assert isinstance(settled.decision, Answered)
        assert settled.decision.voters == (BOB, CAROL)


async def test_of_three_groups_the_one_that_lacks_its_answer_is_known() -> None:
    groups = tuple(Group(approvers=(f"U-{name}",)) for name in ("ALICE", "BOB", "CAROL"))
    async with a_world(otherwise=Policy(name="three", stages=(Stage(groups=groups),), hold=HOLD)) as world:
        request = await approved(world, ALICE, BOB, CAROL)

        again = await take_back(world, request, BOB)

        assert again.open.missing == (0, 1, 0)
        assert isinstance((await world.vote(BOB, on=again)).state, Decided)


async def test_after_the_deadline_the_stage_begins_anew_and_asks_whom_it_asked_first() -> None:
    """The leads whom a step had added are no longer among those who are asked."""
    steps = (Step(after=HOUR, action=Escalate(to=("@leads",), adds=True)), Step(after=2 * HOUR, action=Expire()))
    async with a_world(otherwise=replace(policy(steps=steps), hold=5 * HOUR)) as world:
        world.directory.groups["@leads"] = [DORA]
        request = await asked(world)
        await world.later(HOUR)
        request = await world.vote(DORA, on=await world.storage.request(request.id))
        await world.later(2 * HOUR)

        again = await take_back(world, request, DORA)

        assert again.deadline == world.now + 2 * HOUR
        assert (again.open.escalated_to, DORA in again.open.asked) == ((), False)
        with pytest.raises(NotAnApprover):
            await world.vote(DORA, on=again)


@pytest.mark.parametrize("stops", [False, True], ids=["taken back", "stopped"])
async def test_a_stage_that_begins_anew_says_whom_it_asks_now(stops: bool) -> None:
    """Its group has changed since it was opened."""
    steps = (Step(after=HOUR, action=Expire()),)
    async with a_world(otherwise=replace(policy(approvers=("@ops",), steps=steps), hold=5 * HOUR)) as world:
        world.directory.groups["@ops"] = [ALICE, BOB]
        request = await approved(world)
        world.directory.groups["@ops"] = [ALICE, CAROL]
        world.clock.advance(HOUR)

        again = await (stop(world, request, CAROL) if stops else take_back(world, request))

        assert (again.deadline, set(again.open.asked)) == (world.now + HOUR, {ALICE, CAROL})


# --- Stopped ------------------------------------------------------------------------------------


async def test_a_rival_stops_what_is_held_and_their_no_is_what_the_agent_gets() -> None:
    async with a_world(otherwise=HELD) as world:
        request = await approved(world)
        with pytest.raises(AlreadySettled):
            await world.vote(BOB, Reject(reason="no"), on=request)

        again = await stop(world, request)
        rejected = await world.vote(BOB, Reject(reason="no"), on=again)
        await world.later(HOLD)

        assert isinstance(rejected.decision, Answered)
        assert rejected.decision.voters == (BOB,)
        assert len(world.engine.effects) == 1
        (event,) = await world.history(await world.task(request.task_id), "delivery_stopped")
        assert (event.person, event.data["decision"]) == (BOB, "approve")
        assert "outcome" not in event.data


@pytest.mark.parametrize(("by", "why"), [(STRANGER, NotAnApprover), (RITA, OwnRequest), (DORA, NotAnApprover)])
async def test_only_who_may_answer_stops_a_decision(by: Person, why: type[Exception]) -> None:
    async with a_world(otherwise=HELD) as world:
        request = await approved(world)

        with pytest.raises(why):
            await stop(world, request, by)

        assert await world.storage.request(request.id) == request


async def test_whoever_approved_may_stop_it_as_well() -> None:
    async with a_world(otherwise=HELD) as world:
        again = await stop(world, await approved(world), ALICE)

        assert (again.objections, again.votes) == ((ALICE,), ())


async def test_nobody_stops_what_is_not_held() -> None:
    async with a_world() as world:
        request = await world.vote(ALICE, on=await asked(world))

        with pytest.raises(NothingToStop):
            await stop(world, request)
        (event,) = await world.history(await world.task(request.task_id), "refused")
        assert (event.data["why"], event.data["tried"]) == ("NothingToStop", "stop the delivery")


async def test_of_a_stop_and_a_taking_back_at_once_one_wins() -> None:
    async with a_world(otherwise=HELD) as world:
        request = await approved(world)
        await stop(world, request)

        with pytest.raises(NothingToTakeBack):
            await take_back(world, request)


async def test_while_slack_does_not_say_who_somebody_is_nobody_stops_anything() -> None:
    async with a_world(otherwise=HELD) as world:
        request = await approved(world)
        world.directory.down = True

        with pytest.raises(Unreachable):
            await stop(world, request)

        assert await world.storage.request(request.id) == request


async def test_silence_that_was_held_and_stopped_ends_as_a_refusal_and_its_stage_is_asked_anew() -> None:
    steps = (
        Step(after=HOUR, action=Escalate(to=("@leads",), adds=True)),
        Step(after=2 * HOUR, action=Consent()),
    )
    async with a_world(otherwise=replace(policy(steps=steps), hold=HOLD)) as world:
        world.directory.groups["@leads"] = [DORA]
        task = await world.started()
        await world.later(HOUR)
        await world.later(HOUR)
        ruled = await world.request(task)
        assert isinstance(ruled.decision, Answered)
        assert (ruled.decision.voters, world.engine.effects) == ((), [])

        again = await stop(world, ruled)

        assert (again.open.escalated_to, DORA in again.open.asked) == ((), False)
        await world.later(2 * HOUR)
        assert isinstance((await world.request(task)).decision, Expired)
