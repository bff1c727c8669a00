"""What `Storage` promises of webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.approvals.model.audit import PURGED
from bot.approvals.model.errors import Conflict
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Ended, Task
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.storage import Change, Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_message, a_request, a_task, a_webhook, an_event, decided


async def asked(storage: Storage, task: Task | None = None) -> Request:
    """A stored request that waits."""
    task = task or a_task()
    request = a_request(f"request-of-{task.id}", task)
    await storage.create_task(task, an_event("started", task))
    return await storage.open_request(request, an_event("opened", request))


async def told(storage: Storage, request: Request, webhooks: Sequence[Webhook]) -> None:
    """The request is decided, and these webhooks tell of it."""
    change = Change(record=replace(request, state=decided()), event=an_event("decided", request), webhooks=webhooks)
    await storage.save_all([change])


async def test_a_webhook_is_stored_with_the_change_that_it_tells_of(storage: Storage) -> None:
    request = await asked(storage)
    webhook = a_webhook(of=request)

    await told(storage, request, [webhook])

    assert await storage.webhooks_of(request.task_id) == (webhook,)
    assert await storage.due_webhooks(NOON, 10) == (webhook,)


async def test_a_change_that_is_a_conflict_stores_none(storage: Storage) -> None:
    request = await asked(storage)
    stale = replace(request, revision=7)

    with pytest.raises(Conflict):
        await told(storage, stale, [a_webhook(of=request)])

    assert await storage.webhooks_of(request.task_id) == ()
    assert await storage.due_webhooks(NOON, 10) == ()


async def test_a_webhook_that_is_stored_already_is_a_conflict(storage: Storage) -> None:
    request = await asked(storage)
    await told(storage, request, [a_webhook(of=request)])
    again = await storage.request(request.id)

    with pytest.raises(Conflict):
        await told(storage, again, [a_webhook(of=request)])

    assert await storage.request(request.id) == again


async def test_due_webhooks_are_those_to_be_sent_by_now_the_longest_overdue_first(storage: Storage) -> None:
    request = await asked(storage)
    late, due, later, done = (
        a_webhook("late", request, next_try=NOON - MINUTE),
        a_webhook("due", request),
        a_webhook("later", request, next_try=NOON + MINUTE),
        a_webhook("done", request, next_try=None, delivered_at=NOON),
    )
    await told(storage, request, [later, due, done, late])

    assert await storage.due_webhooks(NOON, 10) == (late, due)
    assert await storage.due_webhooks(NOON, 1) == (late,)
    assert await storage.due_webhooks(NOON + MINUTE, 10) == (late, due, later)
    assert await storage.webhooks_of(request.task_id) == (later, due, done, late)


async def test_of_many_that_claim_a_webhook_at_once_exactly_one_does(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    webhook = a_webhook(of=await asked(handles[0]))
    await told(handles[0], await handles[0].request(webhook.request_id), [webhook])
    claim = replace(webhook, attempts=1, next_try=NOON + MINUTE)

    done = await asyncio.gather(*(handle.save_webhook(claim) for handle in handles), return_exceptions=True)

    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "Webhook"]
    assert await handles[0].due_webhooks(NOON, 10) == ()
    assert await handles[1].due_webhooks(NOON + MINUTE, 10) == (replace(claim, revision=1),)


async def test_what_became_of_a_webhook_is_stored_with_its_event_and_messages(storage: Storage) -> None:
    request = await asked(storage)
    webhook = a_webhook(of=request)
    await told(storage, request, [webhook])
    note = a_message("note", request, MessageKind.COMMENT)

    saved = await storage.save_webhook(
        replace(webhook, next_try=None, failure="it answered 500"), an_event("webhook_given_up", request), [note]
    )

    assert saved.given_up
    assert saved.revision == 1
    assert await storage.webhooks_of(request.task_id) == (saved,)
    assert await storage.messages_of(request.task_id) == (note,)
    assert await storage.out_of_date(NOON, 10) == (note,)
    assert [event.kind for event in await storage.history(request.task_id)][-1] == "webhook_given_up"


async def test_one_that_cannot_be_saved_adds_no_event_and_no_message(storage: Storage) -> None:
    request = await asked(storage)
    webhook = replace(a_webhook(of=request), revision=3)
    await told(storage, request, [webhook])

    with pytest.raises(Conflict):
        await storage.save_webhook(webhook, an_event("webhook_given_up", request), [a_message("note", request)])

    assert await storage.messages_of(request.task_id) == ()
    assert [event.kind for event in await storage.history(request.task_id)][-1] == "decided"


async def test_webhooks_go_with_their_task(storage: Storage) -> None:
    gone = await asked(storage, a_task(state=Ended(outcome="done", at=NOON)))
    kept = await asked(storage, a_task("task-2"))
    await told(storage, gone, [a_webhook(of=gone)])
    await told(storage, kept, [a_webhook("msg-2", kept)])

    await storage.purge(gone.task_id, an_event(PURGED, a_task()))

    assert await storage.webhooks_of(gone.task_id) == ()
    assert await storage.due_webhooks(NOON, 10) == (a_webhook("msg-2", kept),)
    with pytest.raises(Conflict):
        await storage.save_webhook(a_webhook(of=gone))
