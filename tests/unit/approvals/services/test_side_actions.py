"""What people can do besides answering, over the real storage: who may, what it changes, and what is refused why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Reject
from bot.approvals.model.errors import (
    AlreadyExtended,
    AlreadySettled,
    CountersignError,
    NoExtension,
    NotAnApprover,
    NotEligible,
    NothingToWithdraw,
    NotYours,
    NudgedLately,
    OwnRequest,
    Unreachable,
)
from bot.approvals.model.ids import Person
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Expire, Overdue, Step
from bot.approvals.model.request import Decided, Pending
from bot.approvals.rules import side_actions
from tests.support.fakes.world import ALICE, BOB, CAROL, DORA, GUS, RITA, STRANGER, World, a_world, policy
from tests.unit.approvals.services.deeds import (
    PATIENT,
    STAGED,
    Deed,
    again,
    asked,
    check,
    check_own,
    comment,
    delegate,
    extend,
    nudge,
    withdraw,
)

HOUR = timedelta(hours=1)


# --- Who may ------------------------------------------------------------------------------------


@pytest.mark.parametrize("deed", [extend, delegate, comment, check, check_own])
@pytest.mark.parametrize(
    ("person", "refusal"), [(STRANGER, NotAnApprover), (RITA, OwnRequest), (GUS, NotEligible)], ids=str
)
async def test_only_one_who_may_answer_may_do_this_and_a_refusal_is_recorded(
    deed: Deed, person: Person, refusal: type[CountersignError]
) -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)

        with pytest.raises(refusal):
            await deed(world, request, person)

        assert await again(world, request) == request
        (event,) = [event for event in await world.storage.history(request.task_id) if event.kind == "refused"]
        assert (event.person, event.data["why"]) == (person, refusal.__name__)


@pytest.mark.parametrize("deed", [extend, delegate, comment, withdraw, check, check_own])
async def test_where_slack_does_not_say_who_somebody_is_nothing_is_done(deed: Deed) -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await world.vote(ALICE, on=await asked(world))
        world.directory.down = True

        with pytest.raises(Unreachable):
            await deed(world, request, ALICE)

        assert await again(world, request) == request


@pytest.mark.parametrize("deed", [extend, delegate, comment, withdraw, nudge, check, check_own])
async def test_what_is_settled_takes_none_of_it(deed: Deed) -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)
        await world.vote(ALICE, Reject(reason="no"), on=request)

        with pytest.raises(AlreadySettled):
            await deed(world, request, RITA if deed is nudge else BOB)


@pytest.mark.parametrize("deed", [extend, comment, withdraw, nudge])
async def test_what_comes_after_the_deadline_finds_it_expired_however_far_off_the_next_sweep_is(deed: Deed) -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)
        world.clock.advance(4 * HOUR)

        with pytest.raises(AlreadySettled):
            await deed(world, request, RITA if deed is nudge else BOB)


# --- Extend -------------------------------------------------------------------------------------


async def test_a_deadline_is_put_off_once_by_the_policys_measure() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)

        extended = await extend(world, request, ALICE)

        assert extended.deadline == request.opened_at + 6 * HOUR
        assert isinstance(extended.state, Pending)
        assert extended.state.due_at == request.opened_at + 5 * HOUR  # the warning moves with it
        with pytest.raises(AlreadyExtended):
            await extend(world, request, BOB)
        await world.later(5 * HOUR + HOUR / 2)
        assert isinstance((await again(world, request)).state, Pending)
        await world.later(HOUR)
        assert (await again(world, request)).decision is not None
        (event,) = await world.history(await world.task(request.task_id), "extended")
        assert (event.person, event.data["deadline"]) == (ALICE, extended.deadline.isoformat())


async def test_a_warning_that_has_come_comes_again_before_the_new_deadline() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)
        await world.later(3 * HOUR)

        extended = await extend(world, request, ALICE)

        assert isinstance(extended.state, Pending)
        assert (extended.state.taken, extended.state.due_at) == ((), request.opened_at + 5 * HOUR)


async def test_what_has_no_deadline_or_a_policy_that_gives_no_time_is_not_put_off(world: World) -> None:
    request = await asked(world)
    with pytest.raises(NoExtension, match="There is no deadline"):
        await extend(world, request, ALICE)

    async with a_world(otherwise=replace(PATIENT, extend=None)) as stern:
        with pytest.raises(NoExtension, match="The policy ends it at"):
            await extend(stern, await asked(stern), ALICE)


async def test_what_is_overdue_can_be_put_off_and_is_so_no_longer() -> None:
    late = policy(steps=(Step(after=HOUR, action=Overdue()),), extend=2 * HOUR)
    async with a_world(otherwise=late) as world:
        request = await asked(world)
        await world.later(2 * HOUR)

        extended = await extend(world, request, ALICE)

        assert isinstance(extended.state, Pending)
        assert extended.state.due_at == request.opened_at + 3 * HOUR


async def test_an_extension_is_of_one_stages_deadline() -> None:
    steps = (Step(after=4 * HOUR, action=Expire()),)
    staged = replace(STAGED, stages=tuple(replace(stage, steps=steps) for stage in STAGED.stages), extend=2 * HOUR)
    async with a_world(otherwise=staged) as world:
        request = await asked(world)
        await extend(world, request, ALICE)

        second = await world.vote(ALICE, on=request)

        assert second.deadline == second.open.opened_at + 4 * HOUR
        assert (await extend(world, second, BOB)).deadline == second.open.opened_at + 6 * HOUR


# --- Withdraw -----------------------------------------------------------------------------------


async def test_a_vote_can_be_withdrawn_and_is_missing_again() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await world.vote(ALICE, on=await asked(world))
        assert request.open.missing == (1,)

        kept = await withdraw(world, request, ALICE)

        assert (kept.votes, kept.open.missing) == ((), (2,))
        assert isinstance((await world.vote(BOB, on=request)).state, Pending)
        assert isinstance((await world.vote(ALICE, on=request)).state, Decided)
        assert len(await world.history(await world.task(request.task_id), "withdrawn")) == 1


async def test_whoever_has_not_voted_has_nothing_to_withdraw() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await world.vote(ALICE, on=await asked(world))

        with pytest.raises(NothingToWithdraw):
            await withdraw(world, request, BOB)

        assert await again(world, request) == request


async def test_a_delegation_can_be_taken_back_until_it_is_used() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await delegate(world, await asked(world), ALICE)
        taken_back = await withdraw(world, request, ALICE)
        assert taken_back.delegations == ()
        with pytest.raises(NotAnApprover):
            await world.vote(DORA, on=request)

        await delegate(world, request, ALICE)
        await delegate(world, request, BOB, STRANGER)
        await world.vote(DORA, on=request)

        with pytest.raises(NothingToWithdraw, match="has used the vote"):
            await withdraw(world, request, ALICE)
        assert (await withdraw(world, request, BOB)).given_to(ALICE) == DORA


async def test_what_a_passed_stage_agreed_to_is_not_withdrawn() -> None:
    async with a_world(otherwise=STAGED) as world:
        second = await world.vote(ALICE, on=await asked(world))

        with pytest.raises(NothingToWithdraw):
            await withdraw(world, second, ALICE)


# --- Comment and nudge --------------------------------------------------------------------------


async def test_a_question_is_told_in_the_thread_and_is_no_vote() -> None:
    async with a_world(otherwise=PATIENT) as world:
        task = await world.started()

        request = await comment(world, await world.request(task), ALICE)
        await comment(world, request, BOB)
        await world.settle()

        assert [each.by for each in (await again(world, request)).comments] == [ALICE, BOB]
        assert [each.number for each in await world.messages_of(task, MessageKind.COMMENT)] == [0, 1]
        assert len(world.messenger.of(MessageKind.COMMENT)) == 2
        assert request.votes == ()
        first, _ = await world.history(task, "commented")
        assert (first.person, first.data["text"]) == (ALICE, "Why today?")


async def test_the_requester_has_people_reminded_once_an_hour_in_the_thread_and_where_they_were_asked() -> None:
    async with a_world(otherwise=PATIENT) as world:
        task = await world.started()
        request = await delegate(world, await world.request(task), ALICE)
        await delegate(world, request, BOB, STRANGER)
        await world.vote(STRANGER, on=request)

        await nudge(world, request, RITA)
        await world.settle()

        assert [each.to for each in await world.messages_of(task, MessageKind.NUDGE)] == [None, DORA]
        assert len(world.messenger.of(MessageKind.NUDGE)) == 2
        world.clock.advance(side_actions.NUDGE_EVERY - timedelta(seconds=1))
        with pytest.raises(NudgedLately):
            await nudge(world, request, RITA)
        world.clock.advance(timedelta(seconds=1))
        assert (await nudge(world, request, RITA)).nudged_at == world.now


async def test_nobody_but_the_requester_nudges_or_is_asked_whether_to_cancel() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)

        for attempt in (
            nudge(world, request, ALICE),
            world.side_actions.check_requester(world.actor(ALICE), request.id),
        ):
            with pytest.raises(NotYours):
                await attempt

        assert await world.side_actions.check_requester(world.actor(RITA), request.id) == request


async def test_what_is_done_beside_an_answer_leaves_the_version_and_the_votes_as_they_are() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await world.vote(CAROL, on=await asked(world))

        for deed, by in ((extend, ALICE), (delegate, ALICE), (comment, BOB), (nudge, RITA)):
            await deed(world, request, by)
        settled = await world.vote(BOB, Approve(), on=request)

        assert isinstance(settled.decision, Answered)
        assert (settled.version, settled.digest) == (request.version, request.digest)
