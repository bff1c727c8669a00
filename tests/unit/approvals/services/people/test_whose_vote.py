"""Whose vote it is when it counts: a delegation belongs to its stage, and accounts are read anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.actor import Shown
from bot.approvals.model.errors import MayNotVote
from bot.approvals.model.policy import one_stage
from bot.approvals.model.request import Delegation
from tests.support.fakes.world import ALICE, BOB, CAROL, DORA, a_world
from tests.unit.approvals.services.people.naming import TWO_STAGES, under

HOUR = timedelta(hours=1)


# --- A delegation belongs to its stage ----------------------------------------------------------


async def test_whoever_gave_their_vote_in_one_stage_answers_in_the_next_themselves() -> None:
    async with a_world(otherwise=under(*TWO_STAGES)) as world:
        request = await world.request(await world.started())
        given = await world.side_actions.delegate(world.actor(ALICE), request.id, DORA.user_id)
        assert given.delegations[0].stage == 0
        second = await world.vote(DORA, on=request)
        assert (second.stage_number, second.given_to(ALICE)) == (1, None)

        assert [each.id for each in await world.inboxes.waiting(ALICE)] == [request.id]
        with pytest.raises(MayNotVote):
            await world.vote(DORA, on=second)
        decided = await world.vote(ALICE, on=second)

        assert decided.decision is not None


async def test_a_delegation_in_the_second_stage_is_withdrawn_there_and_the_first_ones_stays() -> None:
    async with a_world(otherwise=under(*TWO_STAGES)) as world:
        request = await world.request(await world.started())
        await world.side_actions.delegate(world.actor(ALICE), request.id, DORA.user_id)
        second = await world.vote(DORA, on=request)
        await world.side_actions.delegate(world.actor(ALICE), second.id, BOB.user_id)

        kept = await world.side_actions.withdraw(world.actor(ALICE), second.id)

        assert [(each.to, each.stage) for each in kept.delegations] == [(DORA, 0)]
        assert (await world.vote(ALICE, on=second)).decision is not None


async def test_an_older_delegation_belongs_to_the_stage_that_was_asked_when_it_was_given() -> None:
    async with a_world(otherwise=under(*TWO_STAGES)) as world:
        request = await world.request(await world.started())
        old = Delegation(by=ALICE, to=DORA, at=world.now)
        request = replace(request, delegations=(old,))
        assert request.given_to(ALICE) == DORA

        world.clock.advance(HOUR)
        event = (await world.storage.history(request.task_id))[-1]
        await world.storage.save_request(request, event)
        second = await world.vote(DORA, on=request)

        assert second.given_to(ALICE) is None
        later = replace(second, delegations=(replace(old, at=world.now),))
        assert later.given_to(ALICE) == DORA


# --- Read anew when it counts -------------------------------------------------------------------


async def test_accounts_are_read_anew_when_a_vote_counts() -> None:
    """The voter's, those who gave their vote away, and those who voted before, as their votes may settle it now."""
    async with a_world(otherwise=under(*one_stage(("U-ALICE", "U-BOB", "U-CAROL"), 2))) as world:
        request = await world.request(await world.started())
        await world.side_actions.delegate(world.actor(CAROL), request.id, DORA.user_id)
        await world.vote(BOB, on=request)
        world.directory.fresh_members.clear()

        await world.answers.check(world.actor(ALICE), Shown.of(request))
        looked = list(world.directory.fresh_members)
        await world.vote(ALICE, on=request)

        assert looked == []  # a click that counts for nothing costs no call
        assert {ALICE, BOB, CAROL} <= set(world.directory.fresh_members)


async def test_a_colleagues_account_is_read_anew_when_they_are_given_a_vote() -> None:
    async with a_world() as world:
        request = await world.request(await world.started())

        await world.side_actions.delegate(world.actor(ALICE), request.id, DORA.user_id)

        assert DORA in world.directory.fresh_members
