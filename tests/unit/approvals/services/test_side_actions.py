"""What people can do besides answering, over the real storage: who may, what it changes, and what is refused why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Reject
from bot.approvals.model.errors import (
    AlreadyExtended,
    AlreadySettled,
    CannotDelegate,
    CountersignError,
    NoExtension,
    NotAnApprover,
    NotEligible,
    NothingToWithdraw,
    NotYours,
    NudgedLately,
    OwnRequest,
    Unreachable,
    VoteGiven,
)
from bot.approvals.model.ids import Person, UserId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Expire, Group, Overdue, Policy, Stage, Step, Warn
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.rules import side_actions
from tests.support.fakes.world import ALICE, BOB, CAROL, DORA, GUS, RITA, STRANGER, World, a_world, policy

HOUR = timedelta(hours=1)
PATIENT = policy(
    quorum=2, steps=(Step(after=3 * HOUR, action=Warn()), Step(after=4 * HOUR, action=Expire())), extend=2 * HOUR
)
STAGED = Policy(
    name="staged",
    stages=(
        Stage(groups=(Group(approvers=("U-ALICE", "U-BOB")),)),
        Stage(groups=(Group(approvers=("U-BOB", "U-CAROL"), needed=2),)),
    ),
)
Deed = Callable[[World, Request, Person], Awaitable[Request]]


def extend(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.asides.extend(world.actor(by), request.id)


def delegate(world: World, request: Request, by: Person, to: Person = DORA) -> Awaitable[Request]:
    return world.asides.delegate(world.actor(by), request.id, to.user_id)


def comment(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.asides.comment(world.actor(by), request.id, "Why today?")


def withdraw(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.asides.withdraw(world.actor(by), request.id)


def nudge(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.asides.nudge(world.actor(by), request.id)


def check(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.asides.check(world.actor(by), request.id)


def check_own(world: World, request: Request, by: Person) -> Awaitable[Request]:
    return world.asides.check_own(world.actor(by), request.id)


async def asked(world: World) -> Request:
    return await world.request(await world.started())


async def again(world: World, request: Request) -> Request:
    return await world.storage.request(request.id)


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


# --- Delegate -----------------------------------------------------------------------------------


async def test_a_delegate_answers_in_the_givers_place_and_gets_the_card_by_dm() -> None:
    async with a_world(otherwise=PATIENT) as world:
        task = await world.started()
        request = await delegate(world, await world.request(task), ALICE)
        await world.settle()

        (copy,) = await world.messages_of(task, MessageKind.COPY)
        assert (copy.to, copy.ref is not None) == (DORA, True)
        with pytest.raises(VoteGiven):
            await world.vote(ALICE, on=request)
        await world.vote(DORA, on=request)
        settled = await world.vote(BOB, on=request)

        assert isinstance(settled.decision, Answered)
        assert settled.decision.voters == (DORA, BOB)
        (event,) = await world.history(task, "delegated")
        assert (event.person, event.data["to"]) == (ALICE, DORA.user_id)
        assert (await world.tasks.look(world.actor(DORA), task.id)).id == task.id


@pytest.mark.parametrize(
    ("to", "why"),
    [
        (ALICE, "theirs already"),
        (BOB, "one person answers once"),
        (GUS, "it is a guest's"),
        (RITA, "started this task"),
    ],
)
async def test_a_vote_is_given_only_to_a_colleague_who_may_have_it(to: Person, why: str) -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)

        with pytest.raises(CannotDelegate, match=why):
            await delegate(world, request, ALICE, to)

        assert await again(world, request) == request


async def test_a_vote_is_given_to_nobody_whom_slack_does_not_know() -> None:
    async with a_world(otherwise=PATIENT) as world:
        with pytest.raises(CannotDelegate, match="no such account"):
            await world.asides.delegate(world.actor(ALICE), (await asked(world)).id, UserId("U-NOBODY"))


async def test_where_slack_does_not_say_who_the_colleague_is_nothing_is_given() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await asked(world)
        world.directory.untold.add(DORA.user_id)

        with pytest.raises(Unreachable, match="who your colleague is"):
            await delegate(world, request, ALICE)

        assert await again(world, request) == request


async def test_a_vote_that_was_given_goes_no_further_and_is_given_to_nobody_who_gave_their_own() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await delegate(world, await asked(world), ALICE)

        for attempt in (delegate(world, request, DORA, STRANGER), check_own(world, request, DORA)):
            with pytest.raises(CannotDelegate, match="goes no further"):
                await attempt
        with pytest.raises(CannotDelegate, match="one person answers once"):
            await delegate(world, request, BOB, DORA)
        with pytest.raises(CannotDelegate, match="one person answers once"):
            await delegate(world, request, BOB, ALICE)


async def test_a_vote_that_was_used_is_not_given_away_before_it_is_withdrawn() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await world.vote(ALICE, on=await asked(world))

        assert await check_own(world, request, BOB) == request
        for attempt in (delegate(world, request, ALICE), check_own(world, request, ALICE)):
            with pytest.raises(CannotDelegate, match="has answered already"):
                await attempt
        await withdraw(world, request, ALICE)

        assert (await delegate(world, request, ALICE)).given_to(ALICE) == DORA


async def test_one_who_agreed_in_an_earlier_stage_is_nobodys_delegate() -> None:
    async with a_world(otherwise=STAGED) as world:
        second = await world.vote(ALICE, on=await asked(world))

        with pytest.raises(CannotDelegate, match="one person answers once"):
            await delegate(world, second, BOB, ALICE)


async def test_a_delegate_of_one_who_may_not_answer_any_more_may_not_either() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await delegate(world, await asked(world), ALICE)
        world.directory.ineligible[ALICE] = "it is deactivated"

        with pytest.raises(NotAnApprover):
            await world.vote(DORA, on=request)


async def test_a_delegates_vote_counts_in_the_group_of_whoever_gave_it() -> None:
    groups = (Group(approvers=("U-ALICE",)), Group(approvers=("U-BOB", "U-CAROL")))
    async with a_world(otherwise=Policy(name="two", stages=(Stage(groups=groups),))) as world:
        request = await delegate(world, await asked(world), ALICE)

        one = await world.vote(DORA, on=request)
        settled = await world.vote(BOB, on=request)

        assert one.open.missing == (0, 1)
        assert isinstance(settled.decision, Answered)


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

        for attempt in (nudge(world, request, ALICE), world.asides.check_requester(world.actor(ALICE), request.id)):
            with pytest.raises(NotYours):
                await attempt

        assert await world.asides.check_requester(world.actor(RITA), request.id) == request


async def test_what_is_done_beside_an_answer_leaves_the_version_and_the_votes_as_they_are() -> None:
    async with a_world(otherwise=PATIENT) as world:
        request = await world.vote(CAROL, on=await asked(world))

        for deed, by in ((extend, ALICE), (delegate, ALICE), (comment, BOB), (nudge, RITA)):
            await deed(world, request, by)
        settled = await world.vote(BOB, Approve(), on=request)

        assert isinstance(settled.decision, Answered)
        assert (settled.version, settled.digest) == (request.version, request.digest)
