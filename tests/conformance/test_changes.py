"""What `Storage` promises of several changes at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.approvals.model.errors import Conflict
from bot.approvals.model.message import revision_of
from bot.approvals.model.request import Delivered, Request
from bot.approvals.model.task import Ended, Running, Task, Waiting
from bot.approvals.ports.storage import Change, Storage
from bot.approvals.services.audit.proof import Intact, verify
from tests.conformance.stores import Store
from tests.support.builders import NOON, a_message, a_request, a_task, an_answer, an_event, decided


@pytest.fixture
async def task(storage: Storage) -> Task:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    return task


@pytest.fixture
async def request_(storage: Storage, task: Task) -> Request:
    request = a_request(task=task)
    return await storage.open_request(request, an_event("opened", request), [a_message("card", request)])


def change(record: Task | Request, kind: str, **more: object) -> Change:
    return Change(record=record, event=an_event(kind, record), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("durable", [True, False])
async def test_all_changes_are_made_with_their_events_and_messages(
    storage: Storage, task: Task, request_: Request, durable: bool
) -> None:
    second = a_request("second", task, revision=7)
    card, outcome = a_message("card of second", second), a_message("outcome", task)
    waiting = replace(task, state=Waiting())

    await storage.save_all(
        [
            change(replace(request_, state=decided()), "decided"),
            change(second, "opened", messages=[card], opens=True),
            change(waiting, "waiting", messages=[outcome]),
        ],
        durable=durable,
    )

    records = await storage.records_of(task.id)
    assert records.task == replace(waiting, revision=1)
    assert records.requests == (replace(request_, state=decided(), revision=1), replace(second, revision=0))
    assert [message.id for message in records.messages] == ["card", card.id, outcome.id]
    assert [event.kind for event in await storage.history(task.id)] == [
        *("started", "opened"),
        *("decided", "opened", "waiting"),
    ]
    assert isinstance(await verify(storage), Intact)


async def test_one_event_may_tell_of_several_changes(storage: Storage, task: Task, request_: Request) -> None:
    """The messages of the request are out of date all the same."""
    (card,) = await storage.messages_of(task.id)
    await storage.save_message(replace(card, shown=request_.revision))
    assert await storage.out_of_date(NOON, 9) == ()
    changes = [change(request_, "consumed"), Change(record=replace(task, state=Waiting()), event=None)]

    await storage.save_all(changes)

    assert [event.kind for event in await storage.history(task.id)] == ["started", "opened", "consumed"]
    assert (await storage.task(task.id)).state == Waiting()
    assert [message.id for message in await storage.out_of_date(NOON, 9)] == ["card"]
    assert isinstance(await verify(storage), Intact)


async def test_what_is_indexed_of_each_record_is_changed_with_it(
    storage: Storage, task: Task, request_: Request
) -> None:
    answered = decided(next_try=NOON)

    await storage.save_all(
        [change(replace(request_, state=answered), "decided"), change(replace(task, state=Running()), "running")]
    )

    assert [each.id for each in await storage.undelivered(NOON, 9)] == [request_.id]
    assert await storage.due(request_.opened_at, 9) == ()
    assert [each.id for each in await storage.orphans(NOON, 9)] == [task.id]
    assert await storage.waiting_for(["UAPP"], 9) == ()


async def test_a_record_may_be_changed_more_than_once(storage: Storage, task: Task, request_: Request) -> None:
    once = replace(request_, state=decided())
    twice = replace(once, state=Delivered(decision=an_answer(), at=NOON), revision=once.revision + 1)

    await storage.save_all([change(once, "decided"), change(twice, "delivered")])

    assert await storage.request(request_.id) == replace(twice, revision=2)
    kinds = [event.kind for event in await storage.history(task.id, request_.id)]
    assert kinds == ["opened", "decided", "delivered"]


async def test_a_request_that_is_opened_may_be_changed_too(storage: Storage, task: Task) -> None:
    request = a_request(task=task)

    await storage.save_all(
        [change(request, "opened", opens=True), change(replace(request, state=decided()), "decided")]
    )

    assert await storage.requests_of(task.id) == (replace(request, state=decided(), revision=1),)


@pytest.mark.parametrize("behind", ["task", "request"])
async def test_if_one_record_was_changed_meanwhile_nothing_is_stored(
    storage: Storage, task: Task, request_: Request, behind: str
) -> None:
    if behind == "task":
        await storage.save_task(task, an_event("seen", task))
    else:
        await storage.save_request(request_, an_event("seen", request_))
    before, history = await storage.records_of(task.id), await storage.history(task.id)

    with pytest.raises(Conflict):
        await storage.save_all(
            [
                change(replace(request_, state=decided()), "decided", messages=[a_message("new", request_)]),
                change(replace(task, state=Ended(outcome="done", at=NOON)), "ended"),
            ]
        )

    assert await storage.records_of(task.id) == before
    assert await storage.history(task.id) == history
    assert await storage.undelivered(NOON, 9) == ()


async def test_an_interrupt_that_has_a_request_is_a_conflict(storage: Storage, task: Task, request_: Request) -> None:
    another = a_request("another", task, interrupt_id=request_.interrupt_id)

    with pytest.raises(Conflict):
        await storage.save_all(
            [change(another, "opened", opens=True), change(replace(task, state=Waiting()), "waiting")]
        )

    assert await storage.records_of(task.id) == replace(await storage.records_of(task.id), task=task)
    assert await storage.requests_of(task.id) == (request_,)


async def test_messages_of_all_changed_records_are_out_of_date(storage: Storage, task: Task, request_: Request) -> None:
    opening = a_message("opening", task)
    task = await storage.save_task(task, an_event("told", task), [opening])
    (card, opening) = await storage.messages_of(task.id)
    await storage.save_message(replace(card, shown=request_.revision))
    await storage.save_message(replace(opening, shown=revision_of(task, [request_])))
    assert await storage.out_of_date(NOON, 9) == ()

    await storage.save_all(
        [change(replace(task, state=Running()), "running"), change(replace(request_, state=decided()), "decided")]
    )

    assert {message.id for message in await storage.out_of_date(NOON, 9)} == {"card", "opening"}


async def test_of_many_at_once_exactly_one_is_made(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task, request = a_task(), a_request()
    await handles[0].create_task(task, an_event("started", task))
    await handles[0].open_request(request, an_event("opened", request))

    made = await asyncio.gather(
        *(
            handles[number % 3].save_all(
                [change(replace(request, state=decided()), f"{number}"), change(replace(task, tries=number), "running")]
            )
            for number in range(9)
        ),
        return_exceptions=True,
    )

    (winner,) = [number for number, each in enumerate(made) if each is None]
    assert all(isinstance(each, Conflict) for number, each in enumerate(made) if number != winner)
    assert (await handles[1].task(task.id)).tries == winner
    assert [event.kind for event in await handles[2].history(task.id, request.id)] == ["opened", str(winner)]
