"""What `Storage` promises of messages: above all which of them are out of date."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.approvals.model.message import Message, MessageKind, revision_of
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_message, a_request, a_task, an_event

TICK = timedelta(microseconds=1)
PLACE = MessageRef(channel=ChannelId("C1"), ts=Ts("1893585600.000100"))
OF_THE_TASK = [MessageKind.OPENING, MessageKind.OUTCOME, MessageKind.UNTOLD]
OF_THE_REQUEST = [kind for kind in MessageKind if kind not in OF_THE_TASK]


@dataclass
class World:
    """A task with one request, and nothing to show yet."""

    storage: Storage
    task: Task
    request: Request

    async def add(self, *messages: Message) -> None:
        self.request = await self.storage.save_request(self.request, an_event("shown", self.request), messages)

    async def change_task(self) -> None:
        self.task = await self.storage.save_task(self.task, an_event("changed", self.task))

    async def change_request(self) -> None:
        self.request = await self.storage.save_request(self.request, an_event("changed", self.request))

    async def synced(self, message: Message) -> Message:
        """The message, shown as its record now stands."""
        of_task = message.kind in OF_THE_TASK
        revision = revision_of(self.task, [self.request]) if of_task else self.request.revision
        return await self.storage.save_message(replace(message, shown=revision))

    async def out_of_date(self) -> list[str]:
        return [message.id for message in await self.storage.out_of_date(NOON, limit=10)]

    def message(self, id: str, kind: MessageKind = MessageKind.CARD) -> Message:
        return a_message(id, self.request, kind)


@pytest.fixture
async def world(storage: Storage) -> World:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    request = await storage.open_request(a_request(task=task), an_event("opened", task))
    return World(storage=storage, task=task, request=request)


async def test_a_message_that_shows_nothing_yet_is_out_of_date_from_the_start(storage: Storage) -> None:
    task = a_task()
    request = a_request(task=task)
    opening, card = a_message("opening", task), a_message("card", request)

    await storage.create_task(task, an_event("started", task), [opening])
    await storage.open_request(request, an_event("opened", request), [card])

    assert await storage.out_of_date(NOON, limit=10) == (opening, card)


@pytest.mark.parametrize("kind", MessageKind)
async def test_a_message_that_shows_its_record_as_it_stands_is_not_out_of_date(world: World, kind: MessageKind) -> None:
    message = world.message("message", kind)
    await world.add(message)

    await world.synced(message)

    assert await world.out_of_date() == []


@pytest.mark.parametrize("kind", OF_THE_TASK)
async def test_an_opening_and_an_outcome_are_out_of_date_when_the_task_changes_and_when_a_request_does(
    world: World, kind: MessageKind
) -> None:
    """They show the task with all its requests: what is asked, whose turn it is, who decided what."""
    message = world.message("message", kind)
    await world.add(message)
    level = await world.synced(message)

    await world.change_task()
    after_the_task = await world.out_of_date()
    level = await world.synced(level)
    await world.change_request()
    after_the_request = await world.out_of_date()
    await world.synced(level)
    after_all = await world.out_of_date()
    sibling = a_request("sibling", world.task)
    await world.storage.open_request(sibling, an_event("opened", sibling))

    assert after_the_task == ["message"]
    assert after_the_request == ["message"]
    assert after_all == []
    assert await world.out_of_date() == ["message"]


async def test_an_opening_that_an_earlier_version_stored_is_out_of_date_from_the_next_change_on(world: World) -> None:
    """It has the revision of the task alone, which is smaller."""
    opening = world.message("opening", MessageKind.OPENING)
    await world.add(opening)
    stored = await world.storage.save_message(replace(opening, shown=world.task.revision))

    await world.change_task()
    after_a_change = await world.out_of_date()
    await world.synced(stored)

    assert after_a_change == ["opening"]
    assert await world.out_of_date() == []


@pytest.mark.parametrize("kind", OF_THE_REQUEST)
async def test_a_card_a_copy_and_a_reminder_are_out_of_date_when_their_request_changes_and_not_when_the_task_does(
    world: World, kind: MessageKind
) -> None:
    message = world.message("message", kind)
    await world.add(message)
    await world.synced(message)

    for _ in range(5):  # past the request's own revision
        await world.change_task()
    after_the_task = await world.out_of_date()
    await world.change_request()

    assert after_the_task == []
    assert await world.out_of_date() == ["message"]


async def test_another_tasks_and_another_requests_change_make_no_card_out_of_date(world: World) -> None:
    card = world.message("card")
    await world.add(card)
    await world.synced(card)

    other_task = a_task("other")
    await world.storage.create_task(other_task, an_event("started", other_task))
    await world.storage.save_task(other_task, an_event("changed", other_task))
    sibling = a_request("sibling", world.task)
    await world.storage.open_request(sibling, an_event("opened", sibling))
    await world.storage.save_request(sibling, an_event("changed", sibling))

    assert await world.out_of_date() == []


async def test_a_message_that_is_added_up_to_date_is_not_out_of_date(world: World) -> None:
    await world.change_request()

    next_revision = world.request.revision + 1
    await world.add(
        replace(world.message("level"), shown=next_revision),
        replace(world.message("behind"), shown=next_revision - 1),
    )

    assert await world.out_of_date() == ["behind"]


async def test_a_message_stays_out_of_date_while_it_shows_less_than_its_record_has(world: World) -> None:
    message = world.message("message")
    await world.add(message)
    drawn = world.request.revision
    await world.change_request()

    behind = await world.storage.save_message(replace(message, shown=drawn, ref=PLACE))
    while_behind = await world.out_of_date()
    await world.synced(behind)

    assert while_behind == ["message"]
    assert await world.out_of_date() == []


async def test_a_message_is_not_out_of_date_before_its_record_is_past_what_it_shows(world: World) -> None:
    card, opening = world.message("card"), world.message("opening", MessageKind.OPENING)
    await world.add(replace(card, shown=2), replace(opening, shown=4))

    await world.change_request()
    await world.change_task()
    level = await world.out_of_date()
    await world.change_request()

    assert level == []
    assert await world.out_of_date() == ["card", "opening"]


async def test_a_message_that_is_gone_from_slack_is_out_of_date_again(world: World) -> None:
    message = world.message("message")
    await world.add(message)
    level = await world.synced(message)

    await world.storage.save_message(replace(level, shown=-1, ref=None))

    assert await world.out_of_date() == ["message"]


async def test_an_abandoned_message_is_not_out_of_date_whatever_happens_to_its_record(world: World) -> None:
    message = world.message("message")
    await world.add(message)

    abandoned = await world.storage.save_message(replace(message, abandoned="channel_not_found"))
    at_once = await world.out_of_date()
    await world.change_request()
    after_a_change = await world.out_of_date()
    await world.storage.save_message(replace(abandoned, abandoned=None))

    assert at_once == []
    assert after_a_change == []
    assert await world.out_of_date() == ["message"]


async def test_a_message_that_was_put_off_is_out_of_date_again_from_its_moment_on(world: World) -> None:
    message = world.message("message")
    await world.add(message)

    saved = await world.storage.save_message(replace(message, not_before=NOON + MINUTE))
    await world.change_request()

    assert await world.storage.out_of_date(NOON + MINUTE - TICK, limit=10) == ()
    assert await world.storage.out_of_date(NOON + MINUTE, limit=10) == (saved,)


async def test_the_longest_out_of_date_come_first_and_not_more_than_asked_for(world: World) -> None:
    a, b, c, d = (world.message(id) for id in "abcd")
    opening = world.message("opening", MessageKind.OPENING)
    await world.add(a, b, opening)
    opening = await world.synced(opening)
    await world.add(c)
    await world.synced(a)
    await world.add(d)
    await world.synced(opening)

    # b since the first change; c since the second; a and d since the third; the opening since the fourth.
    await world.change_task()

    assert await world.out_of_date() == ["b", "c", "a", "d", "opening"]
    assert [message.id for message in await world.storage.out_of_date(NOON, limit=2)] == ["b", "c"]


async def test_a_message_that_falls_further_behind_keeps_its_place(world: World) -> None:
    first, second = world.message("first"), world.message("second", MessageKind.OPENING)
    await world.add(first)
    await world.storage.save_task(world.task, an_event("changed", world.task), [second])

    await world.change_request()
    await world.storage.save_message(replace(first, shown=0, tries=1))

    assert await world.out_of_date() == ["first", "second"]


async def test_what_is_put_off_does_not_use_up_the_limit(world: World) -> None:
    later, now = world.message("later"), world.message("now")
    await world.add(later)
    await world.storage.save_message(replace(later, not_before=NOON + MINUTE))
    await world.add(now)

    assert [message.id for message in await world.storage.out_of_date(NOON, limit=1)] == ["now"]


async def test_a_saved_message_is_returned_and_stored_with_its_next_revision(world: World) -> None:
    message = world.message("message")
    await world.add(message)
    changed = replace(message, ref=PLACE, shown=1, fingerprint="f", attempted=True, tries=2, not_before=NOON)

    saved = await world.storage.save_message(changed)

    assert saved == replace(changed, revision=1)
    assert await world.storage.messages_of(world.task.id) == (saved,)


async def test_a_message_that_changed_since_it_was_read_is_a_conflict_and_nothing_is_written(
    world: World,
) -> None:
    message = world.message("message")
    await world.add(message)
    saved = await world.storage.save_message(replace(message, tries=1))

    with pytest.raises(Conflict):
        await world.storage.save_message(replace(message, shown=99, ref=PLACE))

    assert await world.storage.messages_of(world.task.id) == (saved,)
    assert await world.storage.message_at(PLACE) is None
    assert await world.out_of_date() == ["message"]


async def test_saving_a_message_that_was_never_stored_is_a_conflict(world: World) -> None:
    with pytest.raises(Conflict):
        await world.storage.save_message(world.message("nowhere"))

    assert await world.storage.messages_of(world.task.id) == ()


async def test_of_many_that_claim_one_message_at_once_exactly_one_wins(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task = a_task()
    message = a_message("message", task)
    await handles[0].create_task(task, an_event("started", task), [message])

    results = await asyncio.gather(
        *(
            handles[number % 3].save_message(replace(message, tries=number, not_before=NOON + MINUTE))
            for number in range(24)
        ),
        return_exceptions=True,
    )

    won = [result for result in results if isinstance(result, Message)]
    assert len(won) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 23
    assert await handles[0].messages_of(task.id) == tuple(won)


async def test_no_change_of_a_record_is_lost_to_a_message_that_is_saved_at_the_same_time(store: Store) -> None:
    messages, records = await store.open(), await store.open()
    task = a_task()
    message = a_message("message", task)
    await records.create_task(task, an_event("started", task), [message])

    for revision in range(10):
        message, task = await asyncio.gather(
            messages.save_message(replace(message, shown=revision)),
            records.save_task(task, an_event("changed", task)),
        )

        assert await messages.out_of_date(NOON, limit=10) == (message,)


async def test_the_tasks_and_its_requests_messages_come_in_the_order_in_which_they_were_created(world: World) -> None:
    made = [world.message(id, kind) for id, kind in zip("ebdafcihgj", MessageKind, strict=True)]
    await world.add(*made[:2])
    await world.add(*made[2:])
    saved = await world.synced(made[0])

    assert await world.storage.messages_of(world.task.id) == (saved, *made[1:])
    assert await world.storage.messages_of(a_task("other").id) == ()


async def test_the_message_that_stands_at_a_place_is_found_there(world: World) -> None:
    message, other = world.message("message"), world.message("other")
    await world.add(message, other)

    saved = await world.storage.save_message(replace(message, ref=PLACE))

    assert await world.storage.message_at(PLACE) == saved
    assert await world.storage.message_at(replace(PLACE, channel=ChannelId("C2"))) is None
    assert await world.storage.message_at(replace(PLACE, ts=Ts("1893585600.0001"))) is None


async def test_a_message_that_was_stored_with_its_place_is_found_there(world: World) -> None:
    message = replace(world.message("message"), ref=PLACE)

    await world.add(message)

    assert await world.storage.message_at(PLACE) == message


async def test_a_message_that_moved_is_found_at_its_new_place_alone(world: World) -> None:
    message = world.message("message")
    await world.add(message)
    placed = await world.storage.save_message(replace(message, ref=PLACE))
    new_place = replace(PLACE, ts=Ts("1893585700.000100"))

    moved = await world.storage.save_message(replace(placed, ref=new_place))
    at_the_new, at_the_old = await world.storage.message_at(new_place), await world.storage.message_at(PLACE)
    await world.storage.save_message(replace(moved, ref=None))

    assert at_the_new == moved
    assert at_the_old is None
    assert await world.storage.message_at(new_place) is None


async def test_all_records_of_a_task_are_read_as_they_stand_together(world: World) -> None:
    await world.add(world.message("card"), world.message("opening", MessageKind.OPENING))
    second = await world.storage.open_request(
        a_request("second", world.task, interrupt_id="i-second"), an_event("opened", world.task)
    )

    records = await world.storage.records_of(world.task.id)

    assert records.task == world.task
    assert records.requests == (world.request, second)
    assert records.messages == await world.storage.messages_of(world.task.id)
    assert [message.id for message in records.messages] == ["card", "opening"]


async def test_a_task_that_is_not_there_has_no_records(storage: Storage) -> None:
    with pytest.raises(NotFound):
        await storage.records_of(a_task("nobody's").id)


async def test_what_one_change_wrote_is_never_read_without_the_rest_of_it(store: Store) -> None:
    records, messages = await store.open(), await store.open()
    task = a_task()
    await records.create_task(task, an_event("started", task))

    async def write() -> None:
        saved = task
        for number in range(20):
            saved = await records.save_task(saved, an_event("changed", task), [a_message(f"s{number}", task)])

    writing = asyncio.create_task(write())
    while not writing.done():
        read = await messages.records_of(task.id)
        assert len(read.messages) == read.task.revision
        await asyncio.sleep(0)  # a read need not let others have their turn
    await writing
