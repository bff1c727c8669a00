"""What listeners read of the records: by id, by place in Slack, and for those who may look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import event_of
from bot.approvals.model.errors import NotFound, NotYours
from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, RequestId, Ts
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Request
from bot.approvals.services.messages import wanted
from bot.approvals.services.reading import Reading
from tests.support.fakes.world import ALICE, BOB, CHANNEL, RITA, STRANGER, World, a_world

NOWHERE = MessageRef(channel=ChannelId("C-ELSEWHERE"), ts=Ts("1.0"))


def reading(world: World) -> Reading:
    return Reading(storage=world.storage, tasks=world.tasks)


async def asked(world: World) -> Request:
    (request,) = await world.storage.requests_of((await world.started()).id)
    return request


async def message(world: World, request: Request, kind: MessageKind) -> Message:
    return next(each for each in await world.storage.messages_of(request.task_id) if each.kind is kind)


async def posted(world: World, request: Request, kind: MessageKind) -> MessageRef:
    ref = (await message(world, request, kind)).ref
    assert ref is not None
    return ref


async def with_message(world: World, request: Request, new: Message) -> Request:
    """The request, to which a message was added that stands in Slack already."""
    return await world.storage.save_request(request, event_of(request, "told", world.now), [new])


async def with_copy(world: World, request: Request) -> tuple[Request, MessageRef]:
    """The request, whose card BOB was sent too; and where."""
    ref = MessageRef(channel=ChannelId("D-BOB"), ts=Ts("9.0"))
    copy = replace(wanted.copy_of(request, BOB, world.now), ref=ref, digest=request.digest, version=request.version)
    return await with_message(world, request, copy), ref


async def test_records_are_read_by_their_id() -> None:
    async with a_world() as world:
        request = await asked(world)

        assert await reading(world).request(request.id) == request
        assert (await reading(world).task(request.task_id)).id == request.task_id
        assert [each.id for each in await reading(world).tasks_of(RITA, 5)] == [request.task_id]
        with pytest.raises(NotFound):
            await reading(world).request(RequestId("none"))


async def test_a_summary_is_known_if_somebody_wants_one() -> None:
    async with a_world() as world:
        assert await reading(world).summary_of(ALICE) is None

        await world.summaries.choose(ALICE, ["09:00", "weekdays"])

        assert await reading(world).summary_of(ALICE) is not None


async def test_a_task_is_shown_to_those_who_may_look_and_a_refusal_is_recorded() -> None:
    async with a_world() as world:
        request = await asked(world)

        assert (await reading(world).records(world.actor(ALICE, COMMAND), request.task_id)).requests == (request,)
        trail = await reading(world).trail(world.actor(RITA, COMMAND), request.task_id)
        assert [event.kind for event in trail.events][:1] == ["started"]
        with pytest.raises(NotYours):
            await reading(world).records(world.actor(STRANGER, COMMAND), request.task_id)

        assert [event.kind for event in await world.storage.history(request.task_id)][-1] == "refused"


async def test_a_card_is_shown_to_those_who_may_look_and_a_refusal_is_recorded() -> None:
    async with a_world() as world:
        request = await asked(world)

        view = await reading(world).card(world.actor(ALICE, COMMAND), request.id)
        with pytest.raises(NotYours):
            await reading(world).card(world.actor(STRANGER, COMMAND), request.id)

        assert (view.message.kind, view.request, view.task.id) == (MessageKind.CARD, request, request.task_id)
        assert [event.kind for event in await world.storage.history(request.task_id, request.id)][-1] == "refused"


async def test_our_messages_are_known_by_their_place() -> None:
    async with a_world() as world:
        request = await asked(world)
        card = await message(world, request, MessageKind.CARD)

        assert await reading(world).message_at(await posted(world, request, MessageKind.CARD)) == card.id
        assert await reading(world).message_at(NOWHERE) is None


async def test_a_thread_asks_what_its_task_asks() -> None:
    async with a_world() as world:
        request = await asked(world)

        assert await reading(world).asked_in(await posted(world, request, MessageKind.OPENING)) == [request]
        assert await reading(world).asked_in(NOWHERE) == []


async def test_the_thread_of_a_copy_asks_its_request() -> None:
    async with a_world() as world:
        request, copy = await with_copy(world, await asked(world))

        assert await reading(world).asked_in(copy) == [request]


async def test_who_writes_under_a_copy_reads_the_copy_and_everybody_else_the_card() -> None:
    async with a_world() as world:
        request, copy = await with_copy(world, await asked(world))
        thread = await posted(world, request, MessageKind.OPENING)

        under_copy = await reading(world).card_in(request, copy)
        in_thread = await reading(world).card_in(request, thread)

        assert under_copy is not None
        assert under_copy.message.kind is MessageKind.COPY
        assert in_thread is not None
        assert in_thread.message.kind is MessageKind.CARD


async def test_a_card_that_does_not_say_what_it_shows_is_none() -> None:
    async with a_world() as world:
        request = await asked(world)
        card = await message(world, request, MessageKind.CARD)
        await world.storage.save_message(replace(card, digest=""))

        assert await reading(world).card_in(request, None) is None


@pytest.mark.parametrize(
    ("change", "stands"),
    [({}, True), ({"refused": "too big"}, False), ({"ref": None}, False), ({"version": 7}, False)],
    ids=["posted", "refused", "not posted", "of another version"],
)
async def test_a_file_counts_if_it_stands_and_holds_what_is_asked_now(change: dict[str, object], stands: bool) -> None:
    async with a_world() as world:
        request = await asked(world)
        card = await message(world, request, MessageKind.CARD)
        ref = MessageRef(channel=CHANNEL, ts=Ts("77.0"))
        file = replace(card, id=MessageId("file"), kind=MessageKind.FILE, version=1, ref=ref, revision=0)
        new = replace(file, **change)  # type: ignore[arg-type]
        assert await reading(world).is_filed(await with_message(world, request, new)) is stands


async def test_a_task_is_known_by_what_started_it() -> None:
    async with a_world() as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL, origin="mention C1 1.0")

        assert await reading(world).started_from("mention C1 1.0") == task
        assert await reading(world).started_from("mention C1 2.0") is None


async def test_a_message_stands_in_the_thread_of_its_task_and_a_copy_in_none() -> None:
    async with a_world() as world:
        request = await asked(world)
        opening, card = [await posted(world, request, kind) for kind in (MessageKind.OPENING, MessageKind.CARD)]
        _, copy = await with_copy(world, request)

        assert await reading(world).thread_of(card) == opening.ts
        assert await reading(world).thread_of(copy) is None
        assert await reading(world).thread_of(NOWHERE) is None


async def test_a_message_stands_in_the_thread_in_which_its_task_was_started() -> None:
    async with a_world() as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL, thread_ts=Ts("7.0"))
        await world.settle()
        card = await world.message(task, MessageKind.CARD)
        assert card.ref is not None

        assert await reading(world).thread_of(card.ref) == "7.0"


async def test_a_card_shows_its_request_or_lags() -> None:
    async with a_world() as world:
        request = await asked(world)
        card = await posted(world, request, MessageKind.CARD)
        impatient = replace(reading(world), patience=timedelta(0))
        assert await impatient.shows(card)

        await world.vote(ALICE, on=request)

        assert not await impatient.shows(card)
