"""Slack kept in sync with the records, whatever Slack does meanwhile."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Request, Then
from bot.approvals.model.task import Ended, Task
from bot.approvals.ports.slack import NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services.messages import posting, wanted
from tests.support.fakes.fuse import Fuse, Killed
from tests.support.fakes.world import ALICE, CHANNEL, DORA, RITA, World, a_request, a_world, policy
from tests.unit.approvals.services.messages.asking import asked, opened

SECOND = timedelta(seconds=1)


async def add_copy(world: World, task: Task) -> None:
    request = await world.request(task)
    event = AuditEvent(kind="escalated", at=world.now, task_id=task.id, request_id=request.id)
    await world.storage.save_request(request, event, [wanted.copy_of(request, DORA, world.now)])


async def test_every_message_is_posted_once_with_its_id_and_the_cards_in_the_tasks_thread(world: World) -> None:
    task = await asked(world)

    again = await world.messages.sync_task(task.id)

    assert again is None
    opening, card = world.messenger.messages.values()
    assert (opening.channel, opening.thread_ts) == (CHANNEL, None)
    stored = await world.message(task, MessageKind.OPENING)
    assert stored.ref is not None
    assert (card.channel, card.thread_ts) == (CHANNEL, stored.ref.ts)
    assert card.message_id == (await world.message(task, MessageKind.CARD)).id


async def test_what_is_up_to_date_costs_no_call(world: World) -> None:
    task = await asked(world)
    await world.messages.sync_task(task.id)
    calls = len(world.messenger.calls)

    assert await world.messages.sync_task(task.id) is None

    assert len(world.messenger.calls) == calls


async def test_a_change_updates_the_same_message() -> None:
    async with a_world(otherwise=policy(quorum=2)) as world:
        task = await asked(world)
        await world.messages.sync_task(task.id)
        await world.vote(ALICE, on=await world.request(task))

        await world.messages.sync_task(task.id)

        assert world.messenger.calls == ["post", "post", "update"]
        (card,) = world.messenger.of(MessageKind.CARD)
        assert "1 votes" in card.drawing.fingerprint


async def test_a_change_that_is_not_seen_costs_no_call(world: World) -> None:
    task = await asked(world)
    await world.messages.sync_task(task.id)
    calls = len(world.messenger.calls)
    request = await world.request(task)
    saved = await world.storage.save_request(
        request, AuditEvent(kind="touched", at=world.now, task_id=task.id, request_id=request.id)
    )

    assert await world.messages.sync_task(task.id) is None

    assert len(world.messenger.calls) == calls
    assert (await world.message(task, MessageKind.CARD)).shown == saved.revision


async def test_waits_for_a_silent_slack_double_up_to_five_minutes(world: World) -> None:
    waits: list[float] = []
    for _ in range(10):
        world.messenger.fail("post", OutcomeUnknown())
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)

    for _ in range(10):
        again = await world.messages.sync_task(task.id)
        assert again is not None
        waits.append((again - world.now).total_seconds())
        world.clock.now = again

    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_an_update_whose_outcome_is_not_known_is_made_again_and_nothing_is_posted() -> None:
    async with a_world(otherwise=policy(quorum=2)) as world:
        task = await asked(world)
        await world.messages.sync_task(task.id)
        await world.vote(ALICE, on=await world.request(task))
        world.messenger.fail("update", OutcomeUnknown())
        again = await world.messages.sync_task(task.id)
        assert again == world.now + 2 * SECOND

        world.clock.now = again
        await world.messages.sync_task(task.id)

        assert world.messenger.calls == ["post", "post", "update", "update"]


async def test_a_showing_that_would_outlast_its_claim_is_given_up_so_that_it_cannot_come_after_a_newer_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await world.started()
    before = dict(world.messenger.messages)
    await world.vote(ALICE, on=await world.request(task))
    world.messenger.pause_at("update")
    monkeypatch.setattr(posting, "POST_TIMEOUT", timedelta(milliseconds=10))

    again = await world.messages.sync_task(task.id)

    card = await world.message(task, MessageKind.CARD)
    assert world.messenger.messages == before
    assert (card.tries, card.not_before) == (1, again)
    assert again == world.now + posting.RETRY_WAIT_INITIAL


async def test_a_deleted_message_is_posted_again() -> None:
    async with a_world(otherwise=policy(quorum=2)) as world:
        task = await asked(world)
        await world.messages.sync_task(task.id)
        card = await world.message(task, MessageKind.CARD)
        assert card.ref is not None
        world.messenger.delete(card.ref)
        await world.vote(ALICE, on=await world.request(task))

        assert await world.messages.sync_task(task.id) == world.now
        assert await world.messages.sync_task(task.id) is None

        (message,) = world.messenger.of(MessageKind.CARD)
        assert "1 votes" in message.drawing.fingerprint
        reposted = await world.message(task, MessageKind.CARD)
        assert reposted.ref in world.messenger.messages


async def test_a_card_that_cannot_be_posted_is_noted_once_on_its_request(world: World) -> None:
    """So that operators can be told, and the audit log says it."""
    world.messenger.fail("post", PlaceGone("is_archived"))
    task = await asked(world)
    await world.messages.sync_task(task.id)
    card = await world.message(task, MessageKind.CARD)
    await world.storage.save_message(replace(card, abandoned=None, not_before=None))
    await world.messages.sync_task(task.id)

    request = await world.request(task)
    assert (await world.message(task, MessageKind.CARD)).abandoned
    assert [(each.person, each.name, each.then) for each in request.unreached] == [(None, CHANNEL, Then.OTHERS)]
    assert "is_archived" in request.unreached[0].why
    (event,) = await world.history(task, "unreached")
    assert (event.surface, event.data["channel"]) == (card.id, CHANNEL)


async def test_a_place_that_is_gone_is_given_up_and_not_tried_again(world: World) -> None:
    world.messenger.fail("post", PlaceGone("is_archived"))
    task = await asked(world)

    again = await world.messages.sync_task(task.id)

    assert again is None
    assert (await world.message(task, MessageKind.OPENING)).abandoned == "is_archived"
    assert "is_archived" in str((await world.message(task, MessageKind.CARD)).abandoned)
    assert await world.storage.out_of_date(world.now + timedelta(days=1), 10) == ()
    world.clock.advance(timedelta(days=1))
    await world.messages.sync_task(task.id)
    assert world.messenger.calls == ["post"]


async def test_what_slack_refuses_for_the_moment_is_put_off_as_long_as_slack_says(world: World) -> None:
    world.messenger.fail("post", NotNow("ratelimited", 30))
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)

    again = await world.messages.sync_task(task.id)
    early = await world.messages.sync_task(task.id)
    assert again == early == world.now + 30 * SECOND
    assert world.messenger.calls == ["post"]
    world.clock.advance(30 * SECOND)
    await world.messages.sync_task(task.id)

    assert world.messenger.calls == ["post", "post"]  # it was not done, so there is nothing to look for


async def test_a_card_waits_for_the_opening_of_its_thread(world: World) -> None:
    world.messenger.fail("post", NotNow("ratelimited", 1))
    task = await asked(world)

    again = await world.messages.sync_task(task.id)
    assert again == world.now + 1 * SECOND
    assert world.messenger.messages == {}
    world.clock.advance(2 * SECOND)
    await world.messages.sync_task(task.id)

    assert world.messenger.calls == ["post", "post", "post"]
    assert len(world.messenger.of(MessageKind.CARD)) == 1


async def test_a_card_of_a_task_without_an_opening_is_given_up(world: World) -> None:
    task = await asked(world)
    request = await world.request(task)

    class WithoutOpening:
        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def records_of(self, task_id: TaskId) -> Records:
            records = await world.storage.records_of(task_id)
            return replace(records, messages=tuple(s for s in records.messages if s.request_id == request.id))

    await replace(world.messages, storage=cast(Storage, WithoutOpening())).sync_task(task.id)

    assert "no opening" in str((await world.message(task, MessageKind.CARD)).abandoned)


async def test_a_copy_goes_to_its_persons_dm_and_needs_no_opening(world: World) -> None:
    world.messenger.fail("post", NotNow("ratelimited", 60))
    task = await asked(world)
    await add_copy(world, task)

    await world.messages.sync_task(task.id)

    (copy,) = world.messenger.of(MessageKind.COPY)
    assert (copy.channel, copy.thread_ts) == ("D-U-DORA", None)


async def test_a_dm_that_cannot_be_opened_is_given_up_alone(world: World) -> None:
    world.messenger.fail("open_direct", PlaceGone("user_disabled"))
    task = await asked(world)
    await add_copy(world, task)

    await world.messages.sync_task(task.id)

    assert (await world.message(task, MessageKind.COPY)).abandoned == "user_disabled"
    assert len(world.messenger.of(MessageKind.CARD)) == 1


async def test_two_passes_at_once_post_once(world: World) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    pause = world.messenger.pause_at("post")

    first = asyncio.create_task(world.messages.sync_task(task.id))
    await pause.reached.wait()
    second = await world.messages.sync_task(task.id)
    pause.go.set()

    assert await first is None
    assert second == world.now + posting.CLAIM_TTL
    assert len(world.messenger.messages) == 1


async def test_two_passes_that_have_read_the_same_post_once(world: World) -> None:
    task = await asked(world)

    await asyncio.gather(*(world.messages.sync_task(task.id) for _ in range(4)))

    assert len(world.messenger.of(MessageKind.OPENING)) == 1
    assert len(world.messenger.of(MessageKind.CARD)) <= 1
    world.clock.advance(posting.CLAIM_TTL)
    await world.messages.sync_task(task.id)
    assert len(world.messenger.of(MessageKind.CARD)) == 1


async def test_a_pass_that_took_longer_than_its_claim_leaves_the_other_ones_message(world: World) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    pause = world.messenger.pause_at("post")
    slow = asyncio.create_task(world.messages.sync_task(task.id))
    await pause.reached.wait()

    world.clock.advance(posting.CLAIM_TTL)
    await world.messages.sync_task(task.id)
    faster = await world.message(task, MessageKind.OPENING)
    pause.go.set()
    await slow

    assert await world.message(task, MessageKind.OPENING) == faster


async def test_a_request_that_is_opened_during_a_pass_does_not_break_it(world: World) -> None:
    task = await opened(world)

    class AsksMeanwhile:
        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
            before = await world.storage.requests_of(task_id)
            await world.delivery.drive(task_id)
            return before

    await replace(world.messages, storage=cast(Storage, AsksMeanwhile())).sync_task(task.id)

    assert world.work.syncs  # the new card's own pass


async def test_of_two_outcomes_only_the_later_is_current(world: World) -> None:
    task = await opened(world)
    for outcome in ("stopped", "done"):
        world.clock.advance(SECOND)
        task = await world.storage.save_task(
            replace(task, state=Ended(outcome=outcome, at=world.now)),
            AuditEvent(kind="ended", at=world.now, task_id=task.id),
            [wanted.outcome_of(task, world.now)],
        )
        await world.messages.sync_task(task.id)

    drawn = [message.drawing.fingerprint for message in world.messenger.of(MessageKind.OUTCOME)]
    assert drawn == ["outcome: Ended, overtaken", "outcome: Ended, current"]


@pytest.mark.parametrize("at", range(12))
async def test_a_pass_that_dies_anywhere_is_made_up_for_and_nothing_is_posted_twice(world: World, at: int) -> None:

    task = await asked(world)
    world.be_born(Fuse(kill_at=at))

    async def until_killed() -> None:
        while True:
            await world.messages.sync_task(task.id)

    with pytest.raises(Killed):
        await until_killed()
    world.be_born()
    for _ in range(3):
        await world.later(posting.CLAIM_TTL)

    assert len(world.messenger.of(MessageKind.OPENING)) == 1
    assert len(world.messenger.of(MessageKind.CARD)) == 1
    assert await world.storage.out_of_date(world.now, 10) == ()


def test_a_reminder_belongs_to_its_request() -> None:

    request = a_request()

    reminder = wanted.reminder_of(request, request.opened_at)

    assert (reminder.kind, reminder.request_id, reminder.to) == (MessageKind.REMINDER, request.id, None)
    assert isinstance(reminder.id, str)
