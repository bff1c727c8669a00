"""Slack kept in sync with the records, whatever Slack does meanwhile."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import MessageRef, TaskId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Ended, Task
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services.messages import posting, sync, wanted
from tests.support.fakes.fuse import Fuse, Killed
from tests.support.fakes.world import ALICE, CHANNEL, DORA, RITA, World, a_request, a_world, policy

SECOND = timedelta(seconds=1)


async def asked(world: World) -> Task:
    """A task whose graph has asked, with nothing in Slack yet."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    await world.delivery.drive(task.id)
    return await world.task(task.id)


async def opened(world: World) -> Task:
    """A task with its message in Slack, before its graph has asked."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    await world.messages.sync_task(task.id)
    return task


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


async def test_a_post_whose_response_was_lost_is_found_and_not_posted_again(world: World) -> None:
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    task = await opened(world)
    (lost,) = world.messenger.messages

    world.clock.advance(2 * SECOND)
    await world.messages.sync_task(task.id)

    assert list(world.messenger.messages) == [lost]
    assert world.messenger.calls == ["post", "find", "update"]
    stored = await world.message(task, MessageKind.OPENING)
    assert (stored.ref, stored.attempted, stored.tries) == (lost, False, 0)


async def test_a_post_that_was_really_lost_is_posted_once(world: World) -> None:
    world.messenger.fail("post", OutcomeUnknown())
    task = await opened(world)
    assert world.messenger.messages == {}

    world.clock.advance(2 * SECOND)
    await world.messages.sync_task(task.id)

    assert len(world.messenger.messages) == 1
    assert world.messenger.calls == ["post", "find", "post"]


async def test_where_a_found_message_stands_is_stored_before_it_is_changed(world: World) -> None:
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    world.messenger.fail("update", OutcomeUnknown(), after=True)
    task = await opened(world)
    (lost,) = world.messenger.messages
    world.clock.advance(2 * SECOND)

    await world.messages.sync_task(task.id)

    stored = await world.message(task, MessageKind.OPENING)
    assert (stored.ref, stored.attempted) == (lost, False)
    assert await world.storage.message_at(lost) == stored
    world.clock.advance(4 * SECOND)
    await world.messages.sync_task(task.id)
    assert world.messenger.calls == ["post", "find", "update", "update"]


@pytest.mark.parametrize("ours", [timedelta(minutes=10), timedelta(hours=-7), timedelta(0)], ids=str)
async def test_a_lost_post_is_sought_by_slacks_clock_and_not_by_ours(world: World, ours: timedelta) -> None:
    slack = world.messenger.slack_time = world.now - ours
    world.messenger.fail("post", OutcomeUnknown())
    task = await opened(world)
    world.messenger.slack_time += 2 * SECOND

    world.clock.advance(2 * SECOND)
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    await world.messages.sync_task(task.id)
    world.clock.advance(4 * SECOND)
    await world.messages.sync_task(task.id)

    assert world.messenger.sought_since == [slack, slack]
    assert len(world.messenger.messages) == 1


async def test_a_post_of_before_slack_told_its_time_is_sought_in_all_there_is(world: World) -> None:
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    task = await opened(world)
    world.messenger.slack_time = world.now
    world.clock.advance(2 * SECOND)

    await world.messages.sync_task(task.id)

    assert world.messenger.sought_since == [None]
    assert len(world.messenger.messages) == 1


# --- Second copies ----------------------------------------------------------------------------------


async def comes_late(world: World, task: Task) -> MessageRef:
    """A post that was given up, and made again, stands in Slack all the same."""
    opening = await world.message(task, MessageKind.OPENING)
    assert opening.ref is not None
    late = MessageRef(channel=CHANNEL, ts=Ts("1690000000.000000"))
    world.messenger.messages[late] = world.messenger.messages[opening.ref]
    return late


async def posted_twice(world: World) -> Task:
    world.messenger.fail("post", OutcomeUnknown())
    task = await opened(world)
    world.clock.advance(2 * SECOND)
    await world.messages.sync_task(task.id)
    return task


async def test_a_post_that_comes_through_late_is_closed(world: World) -> None:
    task = await posted_twice(world)
    kept = (await world.message(task, MessageKind.OPENING)).ref
    await comes_late(world, task)

    again = await world.messages.sync_task(task.id)
    assert again == world.now + sync.COPIES_CHECK_AFTER
    assert len(world.messenger.messages) == 2
    world.clock.advance(sync.COPIES_CHECK_AFTER)
    assert await world.messages.sync_task(task.id) is None

    assert list(world.messenger.messages) == [kept]
    assert (await world.message(task, MessageKind.OPENING)).copies_due is None


async def test_a_late_post_is_closed_with_the_next_change_and_looked_for_once_more(world: World) -> None:
    task = await posted_twice(world)
    await comes_late(world, task)
    await world.delivery.drive(task.id)

    again = await world.messages.sync_task(task.id)

    assert len([each for each in world.messenger.messages.values() if each.thread_ts is None]) == 1
    assert again == world.now + sync.COPIES_CHECK_AFTER - timedelta(0)
    await comes_late(world, task)
    world.clock.advance(sync.COPIES_CHECK_AFTER)
    await world.messages.sync_task(task.id)
    assert len([each for each in world.messenger.messages.values() if each.thread_ts is None]) == 1


async def test_of_two_that_are_found_the_older_stays(world: World) -> None:
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    task = await opened(world)
    (first,) = world.messenger.messages
    twin = MessageRef(channel=CHANNEL, ts=Ts("1700000000.999999"))
    world.messenger.messages[twin] = world.messenger.messages[first]
    world.clock.advance(2 * SECOND)

    assert await world.messages.sync_task(task.id) is None

    assert list(world.messenger.messages) == [first]
    assert (await world.message(task, MessageKind.OPENING)).ref == first


async def test_a_message_that_cannot_be_changed_any_more_is_closed_once_another_stands_there(world: World) -> None:
    task = await asked(world)
    await world.messages.sync_task(task.id)
    old = await world.message(task, MessageKind.CARD)
    world.messenger.fail("update", MessageGone("edit_window_closed"))
    await world.vote(ALICE, on=await world.request(task))

    for _ in range(3):
        await world.messages.sync_task(task.id)

    card = await world.message(task, MessageKind.CARD)
    assert old.ref not in world.messenger.messages
    assert len(world.messenger.of(MessageKind.CARD)) == 1
    assert card.ref in world.messenger.messages


@pytest.mark.parametrize(
    ("call", "fault", "wait"),
    [
        ("find", NotNow("ratelimited", 5), timedelta(seconds=5)),
        ("close", NotNow("ratelimited", 7), timedelta(seconds=7)),
        ("find", OutcomeUnknown("late"), sync.COPIES_CHECK_AFTER),
    ],
)
async def test_a_copy_that_cannot_be_closed_now_is_closed_later(
    world: World, call: str, fault: Exception, wait: timedelta
) -> None:
    task = await posted_twice(world)
    await comes_late(world, task)
    world.clock.advance(sync.COPIES_CHECK_AFTER)
    world.messenger.fail(call, fault)

    assert await world.messages.sync_task(task.id) == world.now + wait
    world.clock.advance(wait)
    assert await world.messages.sync_task(task.id) is None

    assert len(world.messenger.messages) == 1


async def test_where_the_place_is_gone_nothing_is_left_to_close(world: World) -> None:
    task = await posted_twice(world)
    world.clock.advance(sync.COPIES_CHECK_AFTER)
    world.messenger.fail("find", PlaceGone("channel_not_found"))

    assert await world.messages.sync_task(task.id) is None

    assert (await world.message(task, MessageKind.OPENING)).copies_due is None


async def test_two_processes_close_a_copy_once(world: World) -> None:
    task = await posted_twice(world)
    await comes_late(world, task)
    world.clock.advance(sync.COPIES_CHECK_AFTER)
    pause = world.messenger.pause_at("find")
    one = asyncio.create_task(world.messages.sync_task(task.id))
    await pause.reached.wait()

    other = await world.messages.sync_task(task.id)
    pause.go.set()
    await one

    assert other == world.now + posting.CLAIM_TTL
    assert world.messenger.calls.count("close") == 1
    assert len(world.messenger.messages) == 1


async def test_who_reads_it_before_another_closes_it_leaves_that_to_the_other(world: World) -> None:
    task = await posted_twice(world)
    world.clock.advance(sync.COPIES_CHECK_AFTER)
    out_of_date = await world.message(task, MessageKind.OPENING)
    await world.storage.save_message(out_of_date)
    records = await world.storage.records_of(task.id)

    class Behind:
        """Storage that shows what was, once."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def records_of(self, _: TaskId) -> Records:
            return replace(records, messages=(out_of_date,))

    await replace(world.messages, storage=cast(Storage, Behind())).sync_task(task.id)

    assert "close" not in world.messenger.calls
    assert world.messenger.calls.count("find") == 1


async def test_a_lost_post_is_looked_for_again_after_the_search_was_put_off(world: World) -> None:
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    world.messenger.fail("find", NotNow("ratelimited", 5))
    task = await opened(world)

    world.clock.advance(2 * SECOND)
    again = await world.messages.sync_task(task.id)
    world.clock.advance(5 * SECOND)
    await world.messages.sync_task(task.id)

    assert again == world.now
    assert world.messenger.calls == ["post", "find", "find", "update"]
    assert len(world.messenger.messages) == 1


async def test_a_message_that_was_found_and_deleted_at_once_is_posted_again(world: World) -> None:
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    world.messenger.fail("update", MessageGone())
    task = await opened(world)
    world.clock.advance(2 * SECOND)

    assert await world.messages.sync_task(task.id) == world.now
    assert await world.messages.sync_task(task.id) is None

    assert world.messenger.calls[:4] == ["post", "find", "update", "post"]
    assert len(world.messenger.messages) == 1


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
