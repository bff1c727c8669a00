"""What the clock brings, over the real storage: reminders, escalations, expiries, and the sweep that finds them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.decision import Expired
from bot.approvals.model.errors import AlreadySettled, NotAnApprover
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate, Expire, Remind, Step
from bot.approvals.model.request import Delivered, Pending
from bot.approvals.model.task import Ended
from tests.support.fakes.world import ALICE, CHANNEL, DORA, GUS, RITA, World, a_world, policy
from tests.unit.approvals.services.asking import asked

HOUR = timedelta(hours=1)
LADDER = (
    Step(after=1 * HOUR, action=Remind()),
    Step(after=2 * HOUR, action=Escalate(to=("@leads",))),
    Step(after=3 * HOUR, action=Expire()),
)


@pytest_asyncio.fixture
async def ladder() -> AsyncIterator[World]:
    """A policy that reminds after an hour, asks the leads after two, and expires after three."""
    async with a_world(otherwise=policy(steps=LADDER)) as world:
        world.directory.groups["@leads"] = [DORA, RITA]
        yield world


async def test_an_answer_after_the_deadline_is_too_late_however_far_off_the_next_sweep_is(ladder: World) -> None:
    request = await asked(ladder)
    ladder.clock.now += 3 * HOUR

    with pytest.raises(AlreadySettled, match="expired at"):
        await ladder.vote(ALICE, on=request)

    assert (await ladder.storage.request(request.id)).decision == Expired(at=ladder.now)


async def test_a_card_that_somebody_deleted_is_posted_anew_with_the_reminder(ladder: World) -> None:
    request = await asked(ladder)
    card = await ladder.message(await ladder.task(request.task_id), MessageKind.CARD)
    assert card.ref is not None
    ladder.messenger.delete(card.ref)

    await ladder.later(1 * HOUR)
    await ladder.later(timedelta())

    assert len(ladder.messenger.of(MessageKind.CARD)) == 1
    assert (await ladder.storage.request(request.id)).decision is None


async def test_a_reminder_is_posted_once(ladder: World) -> None:
    request = await asked(ladder)

    await ladder.later(HOUR)
    await ladder.later(timedelta())

    assert len(ladder.messenger.of(MessageKind.REMINDER)) == 1
    assert [event.kind for event in await ladder.storage.history(request.task_id, request.id)][-1] == "reminded"


async def test_an_escalation_sends_copies_to_those_who_may_and_not_to_the_requester(ladder: World) -> None:
    request = await asked(ladder)

    await ladder.later(2 * HOUR)

    task = await ladder.task(request.task_id)
    assert [copy.to for copy in await ladder.messages_of(task, MessageKind.COPY)] == [DORA]
    assert [message.channel for message in ladder.messenger.of(MessageKind.COPY)] == ["D-U-DORA"]
    (event,) = await ladder.history(task, "escalated")
    assert event.data == {"to": ["@leads"]}


async def test_a_requester_who_may_approve_gets_a_copy_too() -> None:
    async with a_world(otherwise=policy(steps=LADDER, self_approval=True)) as world:
        world.directory.groups["@leads"] = [RITA, DORA]
        request = await asked(world)

        await world.later(2 * HOUR)

        copies = await world.messages_of(await world.task(request.task_id), MessageKind.COPY)
        assert [copy.to for copy in copies] == [DORA, RITA]


async def test_escalated_people_may_answer_from_then_on(ladder: World) -> None:
    request = await asked(ladder)
    with pytest.raises(NotAnApprover):
        await ladder.vote(DORA, on=request)

    await ladder.later(2 * HOUR)

    assert (await ladder.vote(DORA, on=request)).decision is not None


async def test_an_escalation_waits_while_nobody_can_be_looked_up(ladder: World) -> None:
    request = await asked(ladder)
    ladder.directory.down = True
    await ladder.later(2 * HOUR)
    assert await ladder.storage.request(request.id) == request

    ladder.directory.down = False
    await ladder.later(timedelta())

    assert len(ladder.messenger.of(MessageKind.COPY)) == 1


async def test_silence_expires_and_the_graph_is_told_that_it_was_silence(ladder: World) -> None:
    request = await asked(ladder)
    ladder.directory.down = True  # an expiry needs nobody

    await ladder.later(3 * HOUR)

    assert (await ladder.storage.request(request.id)).decision == Expired(at=ladder.now)
    ((_, answer),) = ladder.engine.effects
    assert isinstance(answer, dict)
    assert answer["outcome"] == "expired"
    (event,) = await ladder.history(await ladder.task(request.task_id), "expired")
    assert event.data == {"outcome": "expired"}


async def test_a_vote_that_was_counted_does_not_turn_silence_into_approval() -> None:
    async with a_world(otherwise=policy(steps=LADDER, quorum=2)) as world:
        request = await asked(world)
        await world.vote(ALICE, on=request)

        await world.later(3 * HOUR)

        assert isinstance((await world.storage.request(request.id)).decision, Expired)


async def test_any_number_of_processes_may_sweep_at_once(ladder: World) -> None:
    request = await asked(ladder)
    ladder.clock.advance(2 * HOUR)

    await asyncio.gather(*(ladder.sweeper.sweep(ladder.now) for _ in range(5)))

    task = await ladder.task(request.task_id)
    assert len(await ladder.history(task, "escalated")) == 1
    assert len(await ladder.messages_of(task, MessageKind.COPY)) == 1


async def test_an_expiry_that_the_graph_cannot_take_ends_its_task_and_stops_nobody_elses_clock(ladder: World) -> None:
    first, second = await asked(ladder), await asked(ladder)
    ladder.engine.refused = "This shape knows no expiry."

    await ladder.later(3 * HOUR)

    for request in (first, second):
        expired = await ladder.storage.request(request.id)
        assert isinstance(expired.decision, Expired)
        assert (await ladder.task(expired.task_id)).state == Ended(
            outcome="Stopped: This shape knows no expiry.", at=ladder.now, stopped=True
        )
    assert not [run for run in ladder.engine.runs if run.startswith("resume")]


async def test_a_sweep_finds_whatever_a_dead_process_left_undone(world: World) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    world.work.forget()
    await world.later(timedelta(minutes=2))
    assert isinstance((await world.request(task)).state, Pending)
    assert len(world.messenger.of(MessageKind.CARD)) == 1

    await world.vote(ALICE, on=await world.request(task))
    world.work.forget()
    await world.later(timedelta(minutes=2))

    assert isinstance((await world.request(task)).state, Delivered)


async def test_an_escalation_sends_no_copy_to_one_whose_account_may_not_answer(ladder: World) -> None:
    ladder.directory.groups["@leads"] = [GUS, DORA]
    request = await asked(ladder)

    await ladder.later(2 * HOUR)

    copies = await ladder.messages_of(await ladder.task(request.task_id), MessageKind.COPY)
    assert [copy.to for copy in copies] == [DORA]
