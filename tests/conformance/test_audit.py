"""What `Storage` promises of the audit, and of all records once every process has ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.approvals.model.message import revision_of
from bot.approvals.model.task import Running
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_message, a_person, a_request, a_task, an_event, decided


async def test_an_event_that_changes_nothing_else_is_added_to_the_history(storage: Storage) -> None:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    refusal = an_event("refused", task, person=a_person("U9"), data={"why": "not an approver", "": [None, 1.5]})

    await storage.record(refusal)
    await storage.record(refusal)

    assert await storage.history(task.id) == (an_event("started", task), refusal, refusal)
    assert await storage.task(task.id) == task


async def test_the_history_comes_in_the_order_in_which_it_was_written(storage: Storage) -> None:
    task = a_task()
    request = a_request(task=task)
    message = a_message("opening", task)

    await storage.create_task(task, an_event("1", task, at=NOON + 9 * MINUTE), [message])
    await storage.open_request(request, an_event("2", request, at=NOON))
    await storage.record(an_event("3", task, at=NOON + 5 * MINUTE))
    await storage.save_task(replace(task, state=Running()), an_event("4", task, at=NOON))
    await storage.save_message(message)
    await storage.save_request(replace(request, state=decided()), an_event("5", request, at=NOON + MINUTE))

    assert [event.kind for event in await storage.history(task.id)] == ["1", "2", "3", "4", "5"]


async def test_the_history_is_only_one_requests_if_asked(storage: Storage) -> None:
    task, other_task = a_task(), a_task("other")
    request, sibling = a_request(task=task), a_request("sibling", task)
    for each in (task, other_task, request, sibling, request):
        await storage.record(an_event("seen", each))

    assert await storage.history(task.id) == tuple(an_event("seen", each) for each in (task, request, sibling, request))
    assert await storage.history(task.id, request.id) == (an_event("seen", request),) * 2
    assert await storage.history(other_task.id, request.id) == ()


async def test_no_event_is_lost_where_several_write_at_once(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task = a_task()

    await asyncio.gather(*(handles[number % 3].record(an_event(str(number), task)) for number in range(30)))

    kinds = [event.kind for event in await handles[0].history(task.id)]
    assert sorted(kinds, key=int) == [str(number) for number in range(30)]


async def test_what_was_stored_is_there_after_every_process_has_ended(store: Store) -> None:
    storage = await store.open()
    task = a_task()
    request = a_request(task=task)
    opening, card = a_message("opening", task), a_message("card", request)
    await storage.create_task(task, an_event("started", task), [opening])
    await storage.open_request(request, an_event("opened", request), [card])
    running = await storage.save_task(replace(task, state=Running()), an_event("running", task))
    settled = await storage.save_request(replace(request, state=decided(NOON)), an_event("decided", request))
    level = await storage.save_message(replace(opening, shown=revision_of(running, [settled])))
    lease = await storage.lease(task.thread_id, MINUTE, NOON)
    assert lease is not None
    history = await storage.history(task.id)

    after = await store.reopen()

    assert await after.task(task.id) == running
    assert await after.requests_of(task.id) == (settled,)
    assert await after.messages_of(task.id) == (level, card)
    assert await after.out_of_date(NOON, limit=10) == (card,)
    assert await after.history(task.id) == history
    assert await after.holds(lease, NOON)
    assert await after.orphans(lease.until, limit=10) == (running,)
    assert await after.undelivered(lease.until, limit=10) == (settled,)


async def test_what_one_process_stored_another_sees_at_once(store: Store) -> None:
    one, another = await store.open(), await store.open()
    task = a_task()

    await one.create_task(task, an_event("started", task))
    seen = await another.task(task.id)
    saved = await another.save_task(seen, an_event("changed", task))

    assert seen == task
    assert await one.task(task.id) == saved
