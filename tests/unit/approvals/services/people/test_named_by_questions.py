"""Whom a question names: ordinary members alone, unless the policy takes guests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.errors import NotAnApprover, NotEligible, NotYours
from bot.approvals.model.ids import Person, TeamId, UserId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate, Expire, Group, Stage, Step, one_stage
from bot.approvals.model.question import Question
from bot.approvals.rules.matching import with_ids
from tests.support.fakes.world import BOB, FIRST, STRANGER, a_world, question
from tests.unit.approvals.services.people.naming import under

HOUR = timedelta(hours=1)
FRANK = Person(team_id=TeamId("T9"), user_id=UserId("U9FRANK"))
"""Of another company."""


def owned(*owners: str) -> Question:
    return replace(question(), payload={"details": {"owner": list(owners)}})


@pytest.mark.parametrize("guests", [False, True])
async def test_a_question_names_ordinary_members_alone_unless_the_policy_takes_guests(guests: bool) -> None:
    asks = owned("U9GUEST", "U9FRANK", "U9BOB")
    async with a_world({FIRST: asks}, otherwise=under(*one_stage(("details.owner",)), guests=guests)) as world:
        bob = Person(team_id=BOB.team_id, user_id=UserId("U9BOB"))
        guest = Person(team_id=BOB.team_id, user_id=UserId("U9GUEST"))
        world.directory.add(bob)
        world.directory.add(guest, ineligible="it is a guest's")
        world.directory.add(FRANK, ineligible="it belongs to another workspace")
        world.directory.nameable = {guest, FRANK}
        task = await world.started()
        request = await world.request(task)

        for person in (guest, FRANK):
            assert (request.id in [each.id for each in await world.inboxes.waiting(person)]) is guests
            if guests:
                await world.tasks.look(world.actor(person), task.id)
                continue
            with pytest.raises(NotEligible):
                await world.vote(person, on=request)
            with pytest.raises(NotYours):
                await world.tasks.look(world.actor(person), task.id)
        assert request.open.asked == ((bob, FRANK, guest) if guests else (bob,))
        await world.tasks.look(world.actor(bob), task.id)
        assert (await world.vote(FRANK if guests else bob, on=request)).decision is not None


async def test_a_guest_whom_the_policy_names_stands_where_it_names_them_and_not_where_the_question_does() -> None:
    stage = Stage(groups=(Group(approvers=("U9GUEST",)), Group(approvers=("details.owner",))))
    async with a_world({FIRST: owned("U9GUEST")}, otherwise=under(stage)) as world:
        guest = world.directory.add(
            Person(team_id=BOB.team_id, user_id=UserId("U9GUEST")), ineligible="it is a guest's"
        )
        world.directory.nameable = {guest}

        request = await world.request(await world.started())
        voted = await world.vote(guest, on=request)

        assert (voted.decision, voted.open.missing, request.open.short) == (None, (0, 1), 1)


async def test_an_address_and_an_id_of_one_person_are_one_name() -> None:
    """Else a question could make of whom the policy names somebody whom it names itself, or the reverse."""
    group = Group(approvers=("g@x.org", "U9GUEST", "h@x.org"), held=("g@x.org", "h@x.org"))
    policy = with_ids(under(Stage(groups=(group,))), {"g@x.org": "U9GUEST", "h@x.org": "U9HAL"})

    assert policy.stages[0].groups == (Group(approvers=("U9GUEST", "U9HAL"), held=("U9HAL",)),)


async def test_an_escalation_to_whom_the_question_names_asks_no_guest() -> None:
    steps = (Step(after=HOUR, action=Escalate(to=("details.owner",))), Step(after=4 * HOUR, action=Expire()))
    async with a_world({FIRST: owned("U9GUEST")}, otherwise=under(*one_stage(("U-ALICE",), steps=steps))) as world:
        guest = world.directory.add(
            Person(team_id=BOB.team_id, user_id=UserId("U9GUEST")), ineligible="it is a guest's"
        )
        world.directory.nameable = {guest}
        task = await world.started()

        await world.later(HOUR)

        assert await world.messages_of(task, MessageKind.COPY) == []
        with pytest.raises(NotEligible):
            await world.vote(guest, on=await world.request(task))
        (unreached,) = (await world.request(task)).unreached
        assert unreached.whom == guest


@pytest.mark.parametrize("said", ["@everybody", "#general", "S0OPS", "C0OPS", "#ops@x", "u0bob", "U0BOB ", "<@U0BOB>"])
async def test_a_question_names_people_and_nothing_else(said: str) -> None:
    async with a_world({FIRST: owned(said)}, otherwise=under(*one_stage(("details.owner",)))) as world:
        world.directory.groups[said] = [STRANGER]

        request = await world.request(await world.started())

        assert request.open.asked == ()
        with pytest.raises(NotAnApprover):
            await world.vote(STRANGER, on=request)
