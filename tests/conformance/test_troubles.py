"""What `Storage` promises of troubles, and of the records that they are found in."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.approvals.model.audit import PURGED, Head
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import MessageId, RequestId, TaskId
from bot.approvals.model.request import Request, Unreached
from bot.approvals.model.task import Ended, Failed, Failure, Starting, Task
from bot.approvals.model.trouble import Trouble, TroubleKind
from bot.approvals.model.webhook import WebhookId
from bot.approvals.ports.storage import Change, Storage
from tests.conformance.stores import Store
from tests.support.builders import (
    MINUTE,
    NOON,
    a_person,
    a_request,
    a_task,
    a_trouble,
    a_webhook,
    an_event,
    decided,
    staged,
)


def failed(at: datetime = NOON, *, retryable: bool = True) -> Failed:
    return Failed(failure=Failure(error_id="e1", summary="ValueError", at=at), retryable=retryable)


async def stored(storage: Storage, id: str, **changes: Any) -> Task:
    task = a_task(id, **changes)
    await storage.create_task(task, an_event("started", task))
    return task


async def asked(storage: Storage, id: str, **changes: Any) -> Request:
    task = await stored(storage, f"task-of-{id}")
    request = a_request(id, task, **changes)
    return await storage.open_request(request, an_event("opened", request))


# --- Troubles -----------------------------------------------------------------------------------


async def test_what_is_stored_of_a_trouble_comes_back_whole(storage: Storage) -> None:
    """Nothing of it is lost, in any kind."""
    troubles = [a_trouble(kind=kind, since=NOON + n * MINUTE) for n, kind in enumerate(TroubleKind)]

    saved = [await storage.save_trouble(each) for each in troubles]

    assert saved == [replace(each, revision=1) for each in troubles]
    assert await storage.troubles(20) == tuple(saved)


async def test_troubles_come_in_the_order_in_which_they_began(storage: Storage) -> None:
    """The oldest is first, wherever it stands."""
    late = await storage.save_trouble(a_trouble("late", since=NOON + MINUTE))
    early = await storage.save_trouble(a_trouble("early"))

    assert await storage.troubles(10) == (early, late)
    assert await storage.troubles(1) == (early,)

    again = await storage.save_trouble(replace(early, since=NOON + 2 * MINUTE))

    assert await storage.troubles(10) == (late, again)


async def test_of_many_that_store_the_same_trouble_at_once_exactly_one_does(store: Store) -> None:
    """A trouble has one record, whoever finds it."""
    handles = [await store.open() for _ in range(3)]
    for revision in range(2):
        troubles = [replace(a_trouble(id=MessageId(f"m{n}")), revision=revision) for n in range(3)]

        done = await asyncio.gather(
            *(handle.save_trouble(each) for handle, each in zip(handles, troubles, strict=True)), return_exceptions=True
        )

        assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "Trouble"]
    assert len(await handles[0].troubles(10)) == 1


@pytest.mark.parametrize("revision", [0, 1, 3])
async def test_a_trouble_that_has_changed_meanwhile_is_a_conflict(storage: Storage, revision: int) -> None:
    """Neither saved nor removed."""
    saved = await storage.save_trouble(await storage.save_trouble(a_trouble()))
    stale = replace(saved, revision=revision)

    with pytest.raises(Conflict):
        await storage.save_trouble(stale)
    with pytest.raises(Conflict):
        await storage.remove_trouble(stale)

    assert await storage.troubles(10) == (saved,)


async def test_a_trouble_that_was_never_saved_has_no_later_revision(storage: Storage) -> None:
    """Only the first save makes it."""
    with pytest.raises(Conflict):
        await storage.save_trouble(replace(a_trouble(), revision=4))

    assert await storage.troubles(10) == ()


async def test_a_trouble_that_is_removed_may_begin_anew(storage: Storage) -> None:
    """Nothing of the first is left."""
    await storage.remove_trouble(await storage.save_trouble(a_trouble()))

    assert await storage.troubles(10) == ()
    assert await storage.save_trouble(a_trouble()) == replace(a_trouble(), revision=1)


async def test_a_trouble_is_found_by_a_process_that_starts_later(store: Store) -> None:
    """Its message is its own whatever dies."""
    saved: Trouble = await (await store.open()).save_trouble(a_trouble())

    assert await (await store.reopen()).troubles(10) == (saved,)


async def test_how_far_the_log_was_verified_is_kept(store: Store) -> None:
    """The last head counts, and nobody has looked at first."""
    storage = await store.open()
    assert await storage.verified() is None

    await storage.save_verified(Head(number=3, link="a" * 64))
    await storage.save_verified(Head(number=7, link="b" * 64))

    assert await (await store.reopen()).verified() == Head(number=7, link="b" * 64)


# --- Where they are found -----------------------------------------------------------------------


async def test_failed_tasks_are_those_that_a_retry_may_mend_the_longest_failed_first(storage: Storage) -> None:
    """Tasks that go on, that ended, or that nobody can retry are none."""
    for id, state in (("on", Starting()), ("over", Ended(outcome="done", at=NOON)), ("lost", failed(retryable=False))):
        await stored(storage, id, state=state)
    late = await stored(storage, "a-late", state=failed(NOON + MINUTE))
    one, two = [await stored(storage, id, state=failed()) for id in ("b-1", "b-2")]

    assert await storage.failed_tasks(None, 10) == (one, two, late)
    assert await storage.failed_tasks(None, 2) == (one, two)
    assert await storage.failed_tasks((NOON, TaskId("b-1")), 10) == (two, late)
    assert await storage.failed_tasks((NOON, TaskId("b-1")), 1) == (two,)
    assert await storage.failed_tasks((NOON, TaskId("c")), 10) == (late,)
    assert await storage.failed_tasks((NOON + MINUTE, TaskId("a-late")), 10) == ()


async def test_a_task_is_among_the_failed_as_long_as_it_is(storage: Storage) -> None:
    """A retry takes it out, and another failure puts it in again."""
    task = await stored(storage, "task")

    task = await storage.save_task(replace(task, state=failed()), an_event("failed", task))
    assert await storage.failed_tasks(None, 10) == (task,)

    task = await storage.save_task(replace(task, state=Starting()), an_event("retried", task))
    assert await storage.failed_tasks(None, 10) == ()


async def test_doubtful_requests_are_those_that_somebody_may_not_see_or_answer(storage: Storage) -> None:
    """All others that wait are none, and neither are those that are settled."""
    missed = Unreached(person=a_person("UAPP"), why="user_disabled", asked_at=NOON)
    await asked(storage, "well")
    short = staged(a_request("d-short", a_task("task-of-d-short")), short=1)
    unseen = await asked(storage, "d-unseen", unreached=(missed,))
    short = await asked(storage, "d-short", open=short.open)
    first = await asked(storage, "z-first", unreached=(missed,), opened_at=NOON)

    assert await storage.doubtful(None, 10) == (first, short, unseen)
    assert await storage.doubtful(None, 1) == (first,)
    assert await storage.doubtful((NOON, RequestId("z-first")), 10) == (short, unseen)
    assert await storage.doubtful((NOON + MINUTE, RequestId("d-short")), 10) == (unseen,)

    await storage.save_request(replace(unseen, state=decided()), an_event("decided", unseen))
    short = await storage.save_request(staged(short, short=0), an_event("policy_applied", short))

    assert await storage.doubtful(None, 10) == (first,)


async def test_webhooks_that_were_given_up_are_found_by_the_time_of_what_they_tell(storage: Storage) -> None:
    """Those that are still sent or were delivered are none."""
    request = await asked(storage, "request-1")
    webhooks = [
        a_webhook("sent", request),
        a_webhook("done", request, next_try=None, delivered_at=NOON),
        late := a_webhook("late", request, next_try=None, created_at=NOON + MINUTE),
        early := a_webhook("early", request, next_try=None),
    ]
    change = Change(record=replace(request, state=decided()), event=an_event("decided", request), webhooks=webhooks)
    await storage.save_all([change])

    assert await storage.webhooks_given_up((NOON - MINUTE, WebhookId("")), 10) == (early, late)
    assert await storage.webhooks_given_up((NOON - MINUTE, WebhookId("")), 1) == (early,)
    assert await storage.webhooks_given_up((NOON, WebhookId("early")), 10) == (late,)

    given_up = await storage.save_webhook(replace(webhooks[0], next_try=None, failure="it answered 500"))

    assert await storage.webhooks_given_up((NOON, WebhookId("early")), 10) == (given_up, late)


async def test_nothing_is_found_of_a_task_that_was_purged(storage: Storage) -> None:
    """Its failed webhooks and requests go with it."""
    request = await asked(storage, "request-1", unreached=(Unreached(name="#ops", why="", asked_at=NOON),))
    webhook = a_webhook("msg", request, next_try=None)
    task = await storage.task(request.task_id)
    over = replace(task, state=Ended(outcome="done", at=NOON))
    await storage.save_all([Change(record=over, event=an_event("ended", task), webhooks=[webhook])])

    await storage.purge(task.id, an_event(PURGED, task))

    assert await storage.doubtful(None, 10) == ()
    assert await storage.webhooks_given_up((NOON - MINUTE, WebhookId("")), 10) == ()
