"""What `Storage` promises of requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Cancelled, Expired
from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.request import Delivered, Pending, Request, RequestState, Superseded
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import (
    MINUTE,
    NOON,
    a_message,
    a_person,
    a_request,
    a_task,
    an_answer,
    an_event,
    decided,
)

TICK = timedelta(microseconds=1)
SETTLED: list[RequestState] = [
    decided(),
    decided(next_try=None),
    Delivered(decision=Expired(at=NOON), at=NOON),
    Superseded(at=NOON),
]


@pytest.fixture
async def task(storage: Storage) -> Task:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    return task


async def stored(storage: Storage, request: Request) -> Request:
    return await storage.open_request(request, an_event("opened", request))


async def test_a_new_request_is_stored_with_its_messages_and_its_event(storage: Storage, task: Task) -> None:
    request = a_request(task=task)
    message, event = a_message("card", request), an_event("opened", request)

    opened = await storage.open_request(request, event, [message])

    assert opened == request
    assert await storage.request(request.id) == request
    assert await storage.messages_of(task.id) == (message,)
    assert await storage.history(task.id, request.id) == (event,)


async def test_a_new_request_has_revision_0_whatever_it_came_with(storage: Storage, task: Task) -> None:
    opened = await stored(storage, a_request(task=task, revision=7))

    assert opened.revision == 0
    assert await storage.request(opened.id) == opened


async def test_an_interrupt_that_has_a_request_returns_that_one_unchanged_and_stores_nothing(
    storage: Storage, task: Task
) -> None:
    first = a_request("first", task)
    await stored(storage, first)
    saved = await storage.save_request(replace(first, state=decided()), an_event("decided", first))

    second = a_request("second", task, interrupt_id=first.interrupt_id)
    returned = await storage.open_request(second, an_event("again", second), [a_message("again", second)])

    assert returned == saved
    assert await storage.requests_of(task.id) == (saved,)
    assert await storage.messages_of(task.id) == ()
    assert [event.kind for event in await storage.history(task.id)] == ["started", "opened", "decided"]
    with pytest.raises(NotFound):
        await storage.request(second.id)


async def test_the_same_interrupt_id_on_another_thread_is_another_request(storage: Storage, task: Task) -> None:
    other_task = a_task("other")
    await storage.create_task(other_task, an_event("started", other_task))
    first = await stored(storage, a_request("first", task))

    second = await stored(storage, a_request("second", other_task, interrupt_id=first.interrupt_id))

    assert second.id == "second"
    assert await storage.requests_of(task.id) == (first,)
    assert await storage.requests_of(other_task.id) == (second,)


async def test_a_request_id_that_another_interrupt_has_is_a_conflict(storage: Storage, task: Task) -> None:
    first = await stored(storage, a_request("same", task, interrupt_id="one"))

    with pytest.raises(Conflict):
        await stored(storage, a_request("same", task, interrupt_id="two"))

    assert await storage.request(first.id) == first
    assert len(await storage.history(task.id)) == 2


async def test_of_many_that_open_one_interrupts_request_at_once_exactly_one_stores_it(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task = a_task()
    await handles[0].create_task(task, an_event("started", task))
    requests = [a_request(f"request-{number}", task, interrupt_id="one") for number in range(12)]

    returned = await asyncio.gather(
        *(
            handles[number % 3].open_request(
                request, an_event(request.id, request), [a_message(f"card-of-{request.id}", request)]
            )
            for number, request in enumerate(requests)
        )
    )

    (winner,) = {request.id for request in returned}
    assert [request.id for request in await handles[0].requests_of(task.id)] == [winner]
    assert [message.id for message in await handles[1].messages_of(task.id)] == [f"card-of-{winner}"]
    assert [event.kind for event in await handles[2].history(task.id)] == ["started", winner]


async def test_an_opening_that_fails_at_its_last_message_writes_nothing(storage: Storage, task: Task) -> None:
    first = a_request("first", task)
    taken = a_message("taken", first)
    await storage.open_request(first, an_event("opened", first), [taken])
    second = a_request("second", task)

    with pytest.raises(Conflict):
        await storage.open_request(second, an_event("opened", second), [a_message("fresh", second), taken])

    assert await storage.requests_of(task.id) == (first,)
    assert await storage.messages_of(task.id) == (taken,)
    assert await storage.history(task.id, second.id) == ()


async def test_there_is_no_request_that_was_not_stored(storage: Storage) -> None:
    with pytest.raises(NotFound, match="request `nowhere`"):
        await storage.request(RequestId("nowhere"))


async def test_a_tasks_requests_come_in_the_order_of_their_opening(storage: Storage, task: Task) -> None:
    requests = [await stored(storage, a_request(id, task)) for id in ("c", "a", "b")]
    first = await storage.save_request(requests[0], an_event("changed", requests[0]))

    assert await storage.requests_of(task.id) == (first, *requests[1:])
    assert await storage.requests_of(a_task("other").id) == ()


@pytest.mark.parametrize(
    "state", [Pending(due_at=None, taken=(0, 1)), *SETTLED], ids=lambda state: type(state).__name__
)
async def test_a_saved_request_is_returned_and_stored_with_its_next_revision(
    storage: Storage, task: Task, state: RequestState
) -> None:
    request = await stored(storage, a_request(task=task))

    saved = await storage.save_request(replace(request, state=state), an_event("changed", request))

    assert saved == replace(request, state=state, revision=1)
    assert await storage.request(request.id) == saved


async def test_saving_a_request_adds_the_new_messages_to_the_old(storage: Storage, task: Task) -> None:
    request = a_request(task=task)
    first, second, third = (a_message(name, request) for name in ("c", "a", "b"))
    await storage.open_request(request, an_event("opened", request), [first])

    await storage.save_request(request, an_event("escalated", request), [second, third])

    assert await storage.messages_of(task.id) == (first, second, third)


async def test_a_request_that_changed_since_it_was_read_is_a_conflict_and_nothing_is_written(
    storage: Storage, task: Task
) -> None:
    request = await stored(storage, a_request(task=task))
    saved = await storage.save_request(replace(request, state=decided()), an_event("decided", request))

    with pytest.raises(Conflict):
        await storage.save_request(
            replace(request, state=Superseded(at=NOON)), an_event("late", request), [a_message("late", request)]
        )

    assert await storage.request(request.id) == saved
    assert await storage.messages_of(task.id) == ()
    assert [event.kind for event in await storage.history(task.id, request.id)] == ["opened", "decided"]


async def test_saving_a_request_that_was_never_stored_is_a_conflict(storage: Storage, task: Task) -> None:
    request = a_request(task=task)

    with pytest.raises(Conflict):
        await storage.save_request(request, an_event("changed", request))

    assert await storage.history(task.id, request.id) == ()


async def test_a_save_of_a_request_that_fails_at_its_last_message_writes_nothing(storage: Storage, task: Task) -> None:
    request = a_request(task=task)
    taken = a_message("taken", request)
    await storage.open_request(request, an_event("opened", request), [taken])

    with pytest.raises(Conflict):
        await storage.save_request(
            replace(request, state=decided()), an_event("decided", request), [a_message("fresh", request), taken]
        )

    assert await storage.request(request.id) == request
    assert await storage.undelivered(NOON, limit=10) == ()
    assert await storage.messages_of(task.id) == (taken,)
    assert [event.kind for event in await storage.history(task.id, request.id)] == ["opened"]


async def test_of_many_decisions_at_once_exactly_one_is_stored(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task = a_task()
    await handles[0].create_task(task, an_event("started", task))
    request = await stored(handles[0], a_request(task=task))

    results = await asyncio.gather(
        *(
            handles[number % 3].save_request(
                replace(request, state=decided(decision=an_answer(voters=(a_person(f"U{number}"),)))),
                an_event(f"U{number}", request),
                [a_message(f"message-of-U{number}", request)],
            )
            for number in range(24)
        ),
        return_exceptions=True,
    )

    (won,) = [result for result in results if isinstance(result, Request)]
    assert sum(isinstance(result, Conflict) for result in results) == 23
    assert await handles[0].request(request.id) == won
    (_, event) = await handles[1].history(task.id, request.id)
    assert won.decision == an_answer(voters=(a_person(event.kind),))
    assert [message.id for message in await handles[2].messages_of(task.id)] == [f"message-of-{event.kind}"]


# --- Due ----------------------------------------------------------------------------------------


async def test_a_pending_request_is_due_from_its_moment_on(storage: Storage, task: Task) -> None:
    request = await stored(storage, a_request(task=task, state=Pending(due_at=NOON)))

    assert await storage.due(NOON - TICK, limit=10) == ()
    assert await storage.due(NOON, limit=10) == (request,)
    assert await storage.due(NOON + 1000 * MINUTE, limit=10) == (request,)


async def test_the_longest_overdue_come_first_and_not_more_than_asked_for(storage: Storage, task: Task) -> None:
    for id, minutes in (("b", 2), ("d", 4), ("a", 1), ("c", 3)):
        await stored(storage, a_request(id, task, state=Pending(due_at=NOON + minutes * MINUTE)))

    longest = await storage.due(NOON + 10 * MINUTE, limit=3)

    assert [request.id for request in longest] == ["a", "b", "c"]


async def test_a_request_without_a_moment_is_never_due(storage: Storage, task: Task) -> None:
    await stored(storage, a_request(task=task, state=Pending(due_at=None)))

    assert await storage.due(NOON + timedelta(days=9999), limit=10) == ()


async def test_a_request_that_was_put_off_is_due_at_its_new_moment(storage: Storage, task: Task) -> None:
    request = await stored(storage, a_request(task=task, state=Pending(due_at=NOON)))

    later = replace(request, state=Pending(due_at=NOON + MINUTE, taken=(0,)))
    saved = await storage.save_request(later, an_event("reminded", request))

    assert await storage.due(NOON, limit=10) == ()
    assert await storage.due(NOON + MINUTE, limit=10) == (saved,)


@pytest.mark.parametrize("state", SETTLED, ids=lambda state: type(state).__name__)
async def test_a_settled_request_is_not_due(storage: Storage, task: Task, state: RequestState) -> None:
    request = await stored(storage, a_request(task=task, state=Pending(due_at=NOON)))

    await storage.save_request(replace(request, state=state), an_event("settled", request))

    assert await storage.due(NOON + MINUTE, limit=10) == ()


# --- Undelivered --------------------------------------------------------------------------------


async def test_a_decided_request_is_undelivered_from_its_next_try_on(storage: Storage, task: Task) -> None:
    request = await stored(storage, a_request(task=task))

    saved = await storage.save_request(replace(request, state=decided(NOON)), an_event("decided", request))

    assert await storage.undelivered(NOON - TICK, limit=10) == ()
    assert await storage.undelivered(NOON, limit=10) == (saved,)


async def test_a_decided_request_with_no_next_try_waits_for_a_person(storage: Storage, task: Task) -> None:
    cancelled = decided(next_try=None, decision=Cancelled(by=a_person(), at=NOON))
    request = await stored(storage, a_request(task=task))

    await storage.save_request(replace(request, state=cancelled), an_event("cancelled", request))

    assert await storage.undelivered(NOON + MINUTE, limit=10) == ()


@pytest.mark.parametrize(
    "state",
    [Pending(due_at=NOON), Delivered(decision=Expired(at=NOON), at=NOON), Superseded(at=NOON)],
    ids=lambda state: type(state).__name__,
)
async def test_only_decided_requests_are_undelivered(storage: Storage, task: Task, state: RequestState) -> None:
    request = await stored(storage, a_request(task=task))
    settled = await storage.save_request(replace(request, state=decided(NOON)), an_event("decided", request))

    await storage.save_request(replace(settled, state=state), an_event("changed", request))

    assert await storage.undelivered(NOON + MINUTE, limit=10) == ()


async def test_the_longest_undelivered_come_first_and_not_more_than_asked_for(storage: Storage, task: Task) -> None:
    for id, minutes in (("b", 2), ("d", 4), ("a", 1), ("c", 3)):
        await stored(storage, a_request(id, task, state=decided(NOON + minutes * MINUTE)))

    longest = await storage.undelivered(NOON + 10 * MINUTE, limit=3)

    assert [request.id for request in longest] == ["a", "b", "c"]


async def test_a_request_is_not_undelivered_while_its_thread_is_leased(storage: Storage, task: Task) -> None:
    other_task = a_task("other")
    await storage.create_task(other_task, an_event("started", other_task))
    request = await stored(storage, a_request("request", task, state=decided(NOON)))
    other = await stored(storage, a_request("other", other_task, state=decided(NOON)))

    lease = await storage.lease(task.thread_id, MINUTE, NOON)

    assert lease is not None
    assert await storage.undelivered(NOON, limit=10) == (other,)
    assert await storage.undelivered(NOON, limit=1) == (other,)
    assert await storage.undelivered(lease.until - TICK, limit=10) == (other,)
    both = await storage.undelivered(lease.until, limit=10)
    assert sorted(each.id for each in both) == [other.id, request.id]

    await storage.release(lease)

    assert len(await storage.undelivered(NOON, limit=10)) == 2


async def test_a_task_is_unsettled_while_a_request_of_it_is_open_or_not_delivered(storage: Storage) -> None:
    """Each once, however many of its requests are."""
    found: dict[str, tuple[TaskId, ...]] = {}
    every: dict[str, list[RequestState]] = {
        "pending": [Pending(due_at=None), Pending(due_at=NOON)],
        "decided": [decided(next_try=None), Delivered(decision=Expired(at=NOON), at=NOON)],
        "over": [Delivered(decision=Expired(at=NOON), at=NOON), Superseded(at=NOON)],
    }
    for name, states in every.items():
        task = a_task(name)
        await storage.create_task(task, an_event("started", task))
        for number, state in enumerate(states):
            request = await stored(storage, a_request(f"{name}-{number}", task, interrupt_id=f"{name}-{number}"))
            await storage.save_request(replace(request, state=state), an_event("moved", request))
        found[name] = await storage.unsettled()

    assert len(found["over"]) == 2
    assert set(found["over"]) == {a_task("pending").id, a_task("decided").id}
