"""A vote that is given to a colleague, over the real storage: to whom it may go, and where it counts."""

from __future__ import annotations

import pytest

from bot.approvals.model.decision import Answered
from bot.approvals.model.errors import CannotDelegate, NotAnApprover, Unreachable, VoteGiven
from bot.approvals.model.ids import Person, UserId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Group, Policy, Stage
from tests.support.fakes.world import ALICE, BOB, DORA, GUS, RITA, STRANGER, a_world
from tests.unit.approvals.services.deeds import PATIENT, STAGED, again, asked, check_own, delegate, withdraw


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
            await world.side_actions.delegate(world.actor(ALICE), (await asked(world)).id, UserId("U-NOBODY"))


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
