"""What people can answer, over the real storage: checks, votes and edits, and what is refused why."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Approve, Reject
from bot.approvals.model.errors import (
    AlreadySettled,
    Conflict,
    InvalidAnswer,
    NotAnApprover,
    NotEligible,
    NotFound,
    NotThisWay,
    OwnRequest,
    StaleVersion,
    Unreachable,
)
from bot.approvals.model.ids import Person, RequestId
from bot.approvals.model.request import Request
from bot.approvals.ports.storage import Storage
from bot.approvals.services.unit_of_work import MAX_RACES
from tests.support.fakes.world import ALICE, BOB, GUS, RITA, STRANGER, World, a_world, policy
from tests.unit.approvals.services.asking import asked


async def test_a_vote_settles_and_wakes_graph_and_card(world: World) -> None:
    request = await asked(world)

    settled = await world.vote(ALICE, on=request)

    assert isinstance(settled.decision, Answered)
    assert settled == await world.storage.request(request.id)
    assert request.task_id in world.work.deliveries
    assert request.task_id in world.work.syncs


async def test_the_history_names_the_vote_that_settled_and_what_it_was_bound_to(world: World) -> None:
    request = await asked(world)
    await world.vote(ALICE, on=request)

    (voted,) = await world.history(await world.task(request.task_id), "voted")

    assert voted.person == ALICE
    assert (voted.digest, voted.rule) == (request.digest, request.policy.name)
    assert voted.data == {"version": 1, "verdicts": ["approve"], "outcome": "approve"}


async def test_a_vote_from_another_page_counts_if_the_policy_names_its_token() -> None:
    async with a_world(otherwise=replace(policy(), via=("portal",))) as world:
        request = await asked(world)

        settled = await world.answers.vote(elsewhere(world, ALICE, "portal"), Shown.of(request), (Approve(),))

        (voted,) = await world.history(await world.task(request.task_id), "voted")
        assert isinstance(settled.decision, Answered)
        assert [(vote.person, vote.through) for vote in settled.votes] == [(ALICE, "portal")]
        assert (voted.person, voted.through) == (ALICE, "portal")


@pytest.mark.parametrize("via", [(), ("portal",)])
async def test_a_vote_from_another_page_is_refused_and_recorded_otherwise(via: tuple[str, ...]) -> None:
    async with a_world(otherwise=replace(policy(), via=via)) as world:
        request = await asked(world)

        with pytest.raises(NotThisWay, match="takes no answers through intranet"):
            await world.answers.vote(elsewhere(world, ALICE, "intranet"), Shown.of(request), (Approve(),))

        (refused,) = await world.history(await world.task(request.task_id), "refused")
        assert (refused.person, refused.through, refused.data["why"]) == (ALICE, "intranet", "NotThisWay")
        assert not (await world.storage.request(request.id)).votes


async def test_on_another_page_the_same_people_may_vote_as_in_slack() -> None:
    async with a_world(otherwise=replace(policy(), via=("portal",))) as world:
        request = await asked(world)

        with pytest.raises(OwnRequest):
            await world.answers.vote(elsewhere(world, RITA, "portal"), Shown.of(request), (Approve(),))
        with pytest.raises(NotAnApprover):
            await world.answers.vote(elsewhere(world, STRANGER, "portal"), Shown.of(request), (Approve(),))


async def test_what_was_said_on_another_page_can_be_taken_back_in_slack() -> None:
    async with a_world(otherwise=replace(policy(), via=("portal",))) as world:
        request = await asked(world)
        voted = elsewhere(world, ALICE, "portal")
        await world.answers.vote(voted, Shown.of(request), (Approve(),), hold=timedelta(seconds=10))

        reopened = await world.answers.take_back(world.actor(ALICE), request.id)

        (taken,) = await world.history(await world.task(request.task_id), "taken_back")
        assert (reopened.decision, reopened.votes, taken.through) == (None, (), "")


def elsewhere(world: World, person: Person, token: str) -> Actor:
    """The person, on the page that this token is for."""
    return replace(world.actor(person), through=token)


async def test_a_vote_that_settles_nothing_is_recorded_as_such() -> None:
    async with a_world(otherwise=policy(quorum=2)) as world:
        request = await asked(world)

        await world.vote(ALICE, on=request)

        (voted,) = await world.history(await world.task(request.task_id), "voted")
        assert "outcome" not in voted.data


async def test_who_comes_second_is_told_who_was_first(world: World) -> None:
    request = await asked(world)
    await world.vote(ALICE, on=request)

    with pytest.raises(AlreadySettled, match="approved by U-ALICE"):
        await world.vote(BOB, Reject(reason="no"), on=request)

    assert (await world.storage.request(request.id)).decision is not None


async def test_of_two_votes_at_the_same_moment_one_settles_and_the_other_is_told(world: World) -> None:
    request = await asked(world)

    results = await asyncio.gather(
        world.vote(ALICE, on=request), world.vote(BOB, Reject(reason="no"), on=request), return_exceptions=True
    )

    assert [type(result) for result in results if isinstance(result, BaseException)] == [AlreadySettled]
    assert len(await world.history(await world.task(request.task_id), "voted")) == 1


class SlowReader:
    """Storage in which somebody else changes the request right after each of the first reads."""

    def __init__(self, world: World, times: int) -> None:
        self._storage = world.storage
        self.times = times

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    async def request(self, id: RequestId) -> Request:
        request = await self._storage.request(id)
        if self.times:
            self.times -= 1
            event = AuditEvent(kind="touched", at=request.opened_at, task_id=request.task_id, request_id=id)
            await self._storage.save_request(request, event)
        return request


async def test_a_vote_is_tried_again_when_somebody_else_was_faster(world: World) -> None:
    request = await asked(world)
    slow = SlowReader(world, MAX_RACES - 1)
    answers = replace(world.answers, unit=replace(world.answers.unit, storage=cast(Storage, slow)))

    settled = await answers.vote(Actor(person=ALICE, at=world.now), Shown.of(request), (Approve(),))

    assert settled.decision is not None
    assert slow.times == 0


async def test_a_vote_that_loses_every_race_says_so(world: World) -> None:
    request = await asked(world)
    slow = SlowReader(world, MAX_RACES)
    answers = replace(world.answers, unit=replace(world.answers.unit, storage=cast(Storage, slow)))

    with pytest.raises(Conflict):
        await answers.vote(
            Actor(person=ALICE, at=world.now),
            Shown.of(request),
            (Approve(),),
        )

    assert (await world.storage.request(request.id)).votes == ()


Door = Callable[[World, Request, Person], Awaitable[Request]]


async def checking(world: World, request: Request, who: Person) -> Request:
    return await world.answers.check(world.actor(who), Shown.of(request))


async def voting(world: World, request: Request, who: Person) -> Request:
    return await world.vote(who, on=request)


async def editing(world: World, request: Request, who: Person) -> Request:
    return await world.answers.edit(world.actor(who), Shown.of(request), 0, {})


DOORS: list[Door] = [checking, voting, editing]


@pytest.mark.parametrize(
    ("who", "refusal"), [(STRANGER, NotAnApprover), (RITA, OwnRequest), (GUS, NotEligible)], ids=lambda x: str(x)[-12:]
)
@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
async def test_who_may_not_is_refused_at_every_door_and_the_refusal_is_recorded(
    world: World, who: Person, refusal: type[Exception], door: Door
) -> None:
    request = await asked(world)

    with pytest.raises(refusal):
        await door(world, request, who)

    assert await world.storage.request(request.id) == request
    (refused,) = await world.history(await world.task(request.task_id), "refused")
    assert (refused.person, refused.request_id, refused.digest) == (who, request.id, request.digest)
    assert refused.data["why"] == refusal.__name__


async def test_a_failed_lookup_refuses_and_changes_nothing(world: World) -> None:
    request = await asked(world)
    world.directory.down = True

    with pytest.raises(Unreachable, match="Slack did not say who you are"):
        await world.vote(ALICE, on=request)

    assert await world.storage.request(request.id) == request


async def test_who_has_just_become_an_approver_is_found_past_the_cache(world: World) -> None:
    async with a_world(otherwise=policy(approvers=("@admins",))) as world:
        world.directory.groups["@admins"] = [BOB]
        world.directory.cached["@admins"] = []
        request = await asked(world)

        settled = await world.vote(BOB, on=request)

        assert settled.decision is not None
        assert world.directory.fresh_lookups == 1


async def test_a_vote_is_counted_on_who_may_answer_now_and_not_on_what_is_remembered() -> None:
    async with a_world(otherwise=policy(approvers=("@admins",))) as world:
        world.directory.groups["@admins"] = []
        world.directory.cached["@admins"] = [BOB]
        request = await asked(world)
        assert await world.answers.check(world.actor(BOB), Shown.of(request)) == request

        with pytest.raises(NotAnApprover):
            await world.vote(BOB, on=request)


async def test_a_check_gives_the_request_and_changes_nothing(world: World) -> None:
    request = await asked(world)

    assert await world.answers.check(world.actor(ALICE), Shown.of(request)) == request
    assert await world.storage.request(request.id) == request


async def test_a_vote_on_what_was_edited_meanwhile_is_not_counted(world: World) -> None:
    request = await asked(world)
    edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/older"})

    with pytest.raises(StaleVersion):
        await world.vote(ALICE, on=request)

    assert (await world.storage.request(request.id)).votes == ()
    assert (await world.vote(ALICE, on=edited)).decision is not None


async def test_an_edit_is_recorded_with_its_difference_and_the_digest_that_it_made(world: World) -> None:
    request = await asked(world)

    edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/older"})

    (event,) = await world.history(await world.task(request.task_id), "edited")
    assert event.digest == edited.digest != request.digest
    difference = {
        "version": 2,
        "item": 0,
        "edited": "delete",
        "was": {"path": "/old"},
        "is": {"path": "/older"},
        "digest_before": request.digest,
    }
    assert event.data == {**event.data, **difference}


async def test_an_answer_that_the_graph_would_refuse_is_not_recorded(world: World) -> None:
    request = await asked(world)
    world.engine.refused = "The amount must be a number."

    with pytest.raises(InvalidAnswer, match="amount"):
        await world.vote(ALICE, on=request)

    assert await world.storage.request(request.id) == request


async def test_a_request_that_is_not_there_cannot_be_answered(world: World) -> None:
    with pytest.raises(NotFound):
        await world.answers.vote(
            world.actor(ALICE), Shown(request_id=RequestId("nope"), version=1, digest=None), (Approve(),)
        )


async def test_an_edit_that_the_graph_would_refuse_is_not_recorded(world: World) -> None:
    request = await world.request(await world.started())
    world.engine.refused_edit = "The amount must be a number."

    with pytest.raises(InvalidAnswer, match="must be a number"):
        await world.answers.edit(world.actor(ALICE), Shown.of(request), 0, {"amount": "much"})

    assert await world.storage.request(request.id) == request
