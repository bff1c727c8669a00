"""Somebody who is to be asked by DM and cannot be: it is recorded, said in the thread, and the next are asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate, Expire, Remind, Step
from bot.approvals.model.request import Decided, Pending, Then, Unreached
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import PlaceGone
from bot.approvals.rules import side_actions
from tests.support.fakes.world import ALICE, CAROL, DORA, GUS, STRANGER, World, a_request, a_world, policy

HOUR = timedelta(hours=1)
LADDER = (
    Step(after=HOUR, action=Escalate(to=("@first",))),
    Step(after=2 * HOUR, action=Remind()),
    Step(after=3 * HOUR, action=Escalate(to=("@second",))),
    Step(after=9 * HOUR, action=Expire()),
)


@pytest_asyncio.fixture
async def ladder() -> AsyncIterator[World]:
    """A policy that asks two groups by DM, one after the other."""
    async with a_world(otherwise=policy(approvers=("U-ALICE",), steps=LADDER)) as world:
        world.directory.groups |= {"@first": [DORA, CAROL], "@second": [STRANGER]}
        yield world


def refuse(world: World, times: int) -> None:
    """So many DMs cannot be opened from now on."""
    for _ in range(times):
        world.messenger.fail("open_direct", PlaceGone("user_disabled"))


async def told(world: World) -> None:
    """The next look at the records, which comes at once."""
    await world.settle()
    await world.later(timedelta())


async def copies(world: World, task: Task) -> dict[str, str]:
    """Who was sent the card, and what came of it."""
    return {
        copy.to.user_id: copy.abandoned or ("shown" if copy.ref else "")
        for copy in await world.messages_of(task, MessageKind.COPY)
        if copy.to is not None
    }


async def test_one_whom_no_dm_reaches_is_recorded_and_told_of_while_the_others_have_the_card(ladder: World) -> None:
    task = await ladder.started()
    refuse(ladder, 1)

    await ladder.later(HOUR)
    await told(ladder)

    assert await copies(ladder, task) == {"U-CAROL": "user_disabled", "U-DORA": "shown"}
    request = await ladder.request(task)
    assert [(each.person, each.why, each.then) for each in request.unreached] == [(CAROL, "user_disabled", Then.OTHERS)]
    assert isinstance(request.state, Pending)
    assert request.state.due_at == request.opened_at + 2 * HOUR
    assert len(ladder.messenger.of(MessageKind.UNREACHED)) == 1
    (event,) = await ladder.history(task, "unreached")
    assert (event.person, event.data["why"]) == (CAROL, "user_disabled")


async def test_where_nobody_of_a_step_is_reached_the_next_that_asks_people_comes_at_once(ladder: World) -> None:
    task = await ladder.started()
    refuse(ladder, 2)
    await ladder.later(HOUR)
    await told(ladder)

    assert await copies(ladder, task) == {"U-CAROL": "user_disabled", "U-DORA": "user_disabled", "U-STRANGER": "shown"}
    request = await ladder.request(task)
    assert [each.then for each in request.unreached] == [Then.OTHERS, Then.NEXT]
    assert len(ladder.messenger.of(MessageKind.UNREACHED)) == 1  # both are told of in one message
    assert isinstance((await ladder.vote(STRANGER, on=request)).state, Decided)


async def test_what_comes_at_once_does_not_come_again_and_what_lies_between_keeps_its_time(ladder: World) -> None:
    task = await ladder.started()
    refuse(ladder, 2)
    await ladder.later(HOUR)
    await told(ladder)
    request = await ladder.request(task)
    assert isinstance(request.state, Pending)
    assert request.state.due_at == request.opened_at + 2 * HOUR

    await ladder.later(3 * HOUR)

    assert len(await copies(ladder, task)) == 3
    assert len(await ladder.messages_of(task, MessageKind.REMINDER)) == 1
    request = await ladder.request(task)
    assert isinstance(request.state, Pending)
    assert request.state.due_at == request.deadline


async def test_where_there_is_no_next_nothing_ends_sooner(ladder: World) -> None:
    task = await ladder.started()
    refuse(ladder, 3)
    await ladder.later(HOUR)
    await told(ladder)
    await ladder.settle()

    request = await ladder.request(task)

    assert request.unreached[-1].then is Then.END
    assert isinstance(request.state, Pending)
    assert request.deadline == request.opened_at + 9 * HOUR
    assert isinstance((await ladder.vote(ALICE, on=request)).state, Decided)


@pytest.mark.parametrize("members", [[GUS], []], ids=["a guest", "nobody"])
async def test_whom_the_directory_does_not_let_answer_is_not_asked_and_told_of_as_well(
    ladder: World, members: list[object]
) -> None:
    ladder.directory.groups["@first"] = [GUS] if members else []
    task = await ladder.started()

    await ladder.later(HOUR)
    await ladder.later(timedelta())

    request = await ladder.request(task)
    (missing,) = request.unreached
    assert (missing.whom, missing.why) == ((GUS, "it is a guest's") if members else ("@first", ""))
    assert missing.then is Then.NEXT
    assert await copies(ladder, task) == {"U-STRANGER": "shown"}
    assert len(ladder.messenger.of(MessageKind.UNREACHED)) == 1
    first, _ = await ladder.history(task, "escalated")
    assert first.data["unreached"] == [{"who": "U-GUS" if members else "@first", "why": missing.why}]


async def test_a_crash_between_the_record_and_the_giving_up_notes_nobody_twice(ladder: World) -> None:
    task = await ladder.started()
    refuse(ladder, 1)
    await ladder.later(HOUR)
    await ladder.settle()
    (gone,) = [copy for copy in await ladder.messages_of(task, MessageKind.COPY) if copy.abandoned]
    await ladder.storage.save_message(replace(gone, abandoned=None))
    refuse(ladder, 1)

    await ladder.later(timedelta(minutes=2))

    assert len((await ladder.request(task)).unreached) == 1
    assert len(await ladder.messages_of(task, MessageKind.UNREACHED)) == 1


async def test_a_delegate_whom_no_dm_reaches_is_told_of_and_hurries_nothing(ladder: World) -> None:
    task = await ladder.started()
    refuse(ladder, 1)

    await ladder.side_actions.delegate(ladder.actor(ALICE), (await ladder.request(task)).id, DORA.user_id)
    await told(ladder)

    request = await ladder.request(task)
    assert [(each.person, each.then) for each in request.unreached] == [(DORA, Then.OTHERS)]
    assert isinstance(request.state, Pending)
    assert request.state.hurried is None
    assert len(ladder.messenger.of(MessageKind.UNREACHED)) == 1


def test_a_step_of_an_earlier_stage_hurries_nothing_in_this_one() -> None:
    request = a_request(of=policy(steps=LADDER))
    earlier = request.open.opened_at - HOUR

    noted = side_actions.missed(request, [Unreached(person=DORA, why="user_disabled", asked_at=earlier)], [DORA])

    assert noted.state == request.state
    assert len(noted.unreached) == 1
