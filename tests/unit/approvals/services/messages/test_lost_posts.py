"""A post whose outcome is not known is looked for and not posted twice; a second copy that comes late is closed."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.ids import MessageRef, TaskId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services.messages import closing, posting
from tests.support.fakes.world import ALICE, CHANNEL, World
from tests.unit.approvals.services.messages.asking import asked, opened

SECOND = timedelta(seconds=1)


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
    assert again == world.now + closing.COPIES_CHECK_AFTER
    assert len(world.messenger.messages) == 2
    world.clock.advance(closing.COPIES_CHECK_AFTER)
    assert await world.messages.sync_task(task.id) is None

    assert list(world.messenger.messages) == [kept]
    assert (await world.message(task, MessageKind.OPENING)).copies_due is None


async def test_a_late_post_is_closed_with_the_next_change_and_looked_for_once_more(world: World) -> None:
    task = await posted_twice(world)
    await comes_late(world, task)
    await world.delivery.drive(task.id)

    again = await world.messages.sync_task(task.id)

    assert len([each for each in world.messenger.messages.values() if each.thread_ts is None]) == 1
    assert again == world.now + closing.COPIES_CHECK_AFTER - timedelta(0)
    await comes_late(world, task)
    world.clock.advance(closing.COPIES_CHECK_AFTER)
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
        ("find", OutcomeUnknown("late"), closing.COPIES_CHECK_AFTER),
    ],
)
async def test_a_copy_that_cannot_be_closed_now_is_closed_later(
    world: World, call: str, fault: Exception, wait: timedelta
) -> None:
    task = await posted_twice(world)
    await comes_late(world, task)
    world.clock.advance(closing.COPIES_CHECK_AFTER)
    world.messenger.fail(call, fault)

    assert await world.messages.sync_task(task.id) == world.now + wait
    world.clock.advance(wait)
    assert await world.messages.sync_task(task.id) is None

    assert len(world.messenger.messages) == 1


async def test_where_the_place_is_gone_nothing_is_left_to_close(world: World) -> None:
    task = await posted_twice(world)
    world.clock.advance(closing.COPIES_CHECK_AFTER)
    world.messenger.fail("find", PlaceGone("channel_not_found"))

    assert await world.messages.sync_task(task.id) is None

    assert (await world.message(task, MessageKind.OPENING)).copies_due is None


async def test_two_processes_close_a_copy_once(world: World) -> None:
    task = await posted_twice(world)
    await comes_late(world, task)
    world.clock.advance(closing.COPIES_CHECK_AFTER)
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
    world.clock.advance(closing.COPIES_CHECK_AFTER)
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
