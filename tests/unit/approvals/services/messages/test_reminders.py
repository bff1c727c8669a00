"""A reminder takes the place of the one before it, and goes when nobody needs it any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.approvals.model.audit import event_of
from bot.approvals.model.ids import ChannelId, Person, Ts
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.rules.matching import Policies
from bot.approvals.services.messages import posting, wanted
from bot.approvals.services.messages.closing import Closing
from bot.approvals.services.messages.message_store import MessageStore
from tests.conformance.stores import FACTORIES
from tests.support.fakes.engine import FakeEngine
from tests.support.fakes.fuse import Fuse, Killed
from tests.support.fakes.world import ALICE, DORA, FIRST, World, policy, question

HOUR = timedelta(hours=1)


@pytest.fixture(params=FACTORIES)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A graph that asks one question, on each store."""
    async with FACTORIES[request.param](request) as store:
        yield World(
            storage=await store.open(),
            policies=Policies(rules=(), otherwise=policy()),
            engine=FakeEngine({FIRST: question()}),
        )


async def remind(world: World, task: Task, *, nudge: bool = False, to: Person | None = None) -> None:
    """Call for a reminder, an hour after the last one."""
    world.clock.advance(HOUR)
    request = await world.request(task)
    new = wanted.nudge_of(request, world.now, to) if nudge else wanted.reminder_of(request, world.now)
    await world.storage.save_request(request, event_of(request, "reminded", world.now), [new])


async def reminders(world: World, task: Task) -> list[Message]:
    kinds = (MessageKind.REMINDER, MessageKind.NUDGE)
    return [each for each in await world.storage.messages_of(task.id) if each.kind in kinds]


async def reminded(world: World) -> Task:
    """A task whose reminder stands in Slack."""
    task = await world.started()
    await remind(world, task)
    await world.messages.sync_task(task.id)
    world.messenger.calls.clear()
    return task


def standing(world: World) -> int:
    return len(world.messenger.of(MessageKind.REMINDER)) + len(world.messenger.of(MessageKind.NUDGE))


@pytest.mark.parametrize("nudge", [False, True])
async def test_a_new_reminder_is_posted_and_then_the_one_before_it_is_deleted(world: World, nudge: bool) -> None:
    task = await reminded(world)
    await remind(world, task, nudge=nudge)

    assert await world.messages.sync_task(task.id) is None

    assert world.messenger.calls == ["post", "close"]
    old, new = await reminders(world, task)
    assert (old.replaced, old.ref) == (True, None)
    assert (new.replaced, new.ref in world.messenger.messages) == (False, True)
    assert await world.storage.out_of_date(world.now + HOUR, 10) == ()


async def test_a_deleted_reminder_is_never_drawn_again(world: World) -> None:
    task = await reminded(world)
    await remind(world, task)
    await world.messages.sync_task(task.id)
    world.messenger.calls.clear()

    await world.vote(ALICE, on=await world.request(task))
    await world.settle()

    assert standing(world) == 0
    assert world.messenger.calls.count("close") == 1, "of the last reminder"


async def test_the_reminder_of_a_settled_request_is_deleted_without_an_edit(world: World) -> None:
    task = await reminded(world)
    await world.vote(ALICE, on=await world.request(task))

    await world.messages.sync_task(task.id)

    assert standing(world) == 0
    assert world.messenger.calls == ["update", "close"]  # the card, and the reminder


async def test_a_reminder_that_came_too_late_is_never_posted(world: World) -> None:
    task = await world.started()
    world.messenger.calls.clear()
    await remind(world, task)
    await remind(world, task)
    await world.vote(ALICE, on=await world.request(task))

    await world.settle()

    assert standing(world) == 0
    assert all(each.replaced for each in await reminders(world, task))
    assert "close" not in world.messenger.calls


async def test_reminders_in_the_thread_and_in_a_dm_do_not_replace_each_other(world: World) -> None:
    task = await reminded(world)
    await remind(world, task, nudge=True, to=DORA)

    await world.messages.sync_task(task.id)

    assert standing(world) == 2
    assert "close" not in world.messenger.calls


async def test_the_old_one_stays_until_the_new_one_stands(world: World) -> None:
    task = await reminded(world)
    await remind(world, task)
    world.messenger.fail("post", NotNow("ratelimited", 30))

    again = await world.messages.sync_task(task.id)
    assert again == world.now + timedelta(seconds=30)
    assert standing(world) == 1
    world.clock.now = again
    await world.messages.sync_task(task.id)

    assert world.messenger.calls == ["post", "post", "close"]


async def test_a_reminder_that_cannot_be_posted_takes_the_place_of_none_for_long(world: World) -> None:
    """The next one is counted against the one before it, so that none is left behind."""
    task = await reminded(world)
    await remind(world, task)
    world.messenger.fail("post", PlaceGone("restricted_action"))

    await world.messages.sync_task(task.id)
    await world.messages.sync_task(task.id)

    assert standing(world) == 0


@pytest.mark.parametrize(
    ("fault", "wait"), [(NotNow("ratelimited", 7), 7), (OutcomeUnknown(), posting.CLAIM_TTL.total_seconds())]
)
async def test_what_slack_does_not_delete_now_is_deleted_later(world: World, fault: Exception, wait: float) -> None:
    task = await reminded(world)
    await remind(world, task)
    world.messenger.fail("close", fault)

    again = await world.messages.sync_task(task.id)
    assert again == world.now + timedelta(seconds=wait)
    assert standing(world) == 2
    world.clock.now = again
    assert await world.messages.sync_task(task.id) is None

    assert standing(world) == 1


@pytest.mark.parametrize("came_through", [True, False])
async def test_a_lost_post_of_a_reminder_that_is_overtaken_is_searched_and_not_made_again(
    world: World, came_through: bool
) -> None:
    task = await world.started()
    await remind(world, task)
    world.messenger.fail("post", OutcomeUnknown(), after=came_through)
    await world.messages.sync_task(task.id)
    await remind(world, task)
    world.messenger.calls.clear()

    for _ in range(3):
        await world.messages.sync_task(task.id)

    assert standing(world) == 1
    assert world.messenger.calls.count("post") == 1


async def test_while_slack_cannot_search_a_lost_reminder_waits(world: World) -> None:
    task = await world.started()
    await remind(world, task)
    world.messenger.fail("post", OutcomeUnknown(), after=True)
    await world.messages.sync_task(task.id)
    await remind(world, task)
    world.messenger.fail("find", NotNow("ratelimited", 7))

    assert await world.messages.sync_task(task.id) == world.now + timedelta(seconds=7)

    assert standing(world) == 2


async def test_a_reminder_that_another_process_works_on_is_left_to_it(world: World) -> None:
    task = await reminded(world)
    await remind(world, task)
    pause = world.messenger.pause_at("close")
    first = asyncio.create_task(world.messages.sync_task(task.id))
    await pause.reached.wait()

    await world.messages.sync_task(task.id)
    pause.go.set()
    await first

    assert world.messenger.calls.count("close") == 1


async def test_a_pass_that_has_read_an_older_record_deletes_nothing(world: World) -> None:
    task = await reminded(world)
    (read,) = await reminders(world, task)
    await world.storage.save_message(read)  # another process works on it by now
    posts = posting.Posting(messenger=world.messenger, clock=lambda: world.now)
    closing = Closing(messenger=world.messenger, posting=posts, clock=lambda: world.now)

    async def place() -> tuple[ChannelId, Ts | None]:
        raise NotNow("nobody asks for it", 1)

    assert await closing.retire(read, MessageStore(storage=world.storage), place) == read
    assert standing(world) == 1


async def test_passes_that_have_read_the_same_delete_it_once(world: World) -> None:
    task = await reminded(world)
    await world.vote(ALICE, on=await world.request(task))

    await asyncio.gather(*(world.messages.sync_task(task.id) for _ in range(4)))

    assert standing(world) == 0
    assert world.messenger.calls.count("close") == 1


@pytest.mark.parametrize("at", range(16))
async def test_a_pass_that_dies_anywhere_leaves_one_reminder_in_the_end(world: World, at: int) -> None:
    task = await reminded(world)
    await remind(world, task)
    world.be_born(Fuse(kill_at=at))

    async def until_killed() -> None:
        while True:
            await world.messages.sync_task(task.id)

    with pytest.raises(Killed):
        await until_killed()
    world.be_born()
    for _ in range(3):
        await world.later(posting.CLAIM_TTL)

    assert standing(world) == 1
    assert await world.storage.out_of_date(world.now, 10) == ()
