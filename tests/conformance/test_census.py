"""What waits, counted without reading it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.approvals.model.census import Census, Some, Waiting
from bot.approvals.model.request import Delivered, Pending, Request
from bot.approvals.model.task import Failed, Failure, Running
from bot.approvals.model.task import Waiting as TaskWaiting
from bot.approvals.ports.storage import Change, Storage
from bot.storage.redis.store import RedisStorage
from bot.storage.sqlite import schema
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import (
    MINUTE,
    NOON,
    a_message,
    a_request,
    a_task,
    a_webhook,
    an_answer,
    an_event,
    decided,
)

LATER = NOON + timedelta(hours=1)


async def asked(storage: Storage, id: str, **changes: Any) -> Request:
    """A request of a task of its own."""
    task = a_task(f"task-of-{id}")
    await storage.create_task(task, an_event("started", task))
    request = a_request(id, task, **changes)
    return await storage.open_request(request, an_event("opened", request))


async def settled(storage: Storage, request: Request, **changes: Any) -> Request:
    state = decided(**{"decision": an_answer(at=NOON)} | changes)
    return await storage.save_request(replace(request, state=state), an_event("voted", request))


async def test_nothing_waits_in_an_empty_store(storage: Storage) -> None:
    assert await storage.census(NOON) == Census()


async def test_pending_requests_are_counted_by_graph_with_the_oldest_and_those_that_are_due(storage: Storage) -> None:
    """A request without a next step is never due, and one that is answered is not pending."""
    await asked(storage, "r1", opened_at=NOON, state=Pending(due_at=LATER))
    await asked(storage, "r2", opened_at=NOON - MINUTE, state=Pending(due_at=LATER + MINUTE))
    await asked(storage, "r3", graph="a graph", opened_at=NOON + MINUTE, state=Pending(due_at=None))
    await settled(storage, await asked(storage, "r4", opened_at=NOON - 9 * MINUTE))

    found = (await storage.census(LATER)).pending

    assert found == {
        "cleanup": Waiting(count=2, since=NOON - MINUTE, overdue=1),
        "a graph": Waiting(count=1, since=NOON + MINUTE, overdue=0),
    }


async def test_a_decision_is_undelivered_from_its_moment_until_it_is_delivered(storage: Storage) -> None:
    """Also one that only a person's retry takes on."""
    first = await settled(storage, await asked(storage, "r1"), decision=an_answer(at=NOON))
    second = await settled(storage, await asked(storage, "r2"), decision=an_answer(at=NOON - MINUTE), next_try=None)

    assert (await storage.census(LATER)).undelivered == Some(count=2, since=NOON - MINUTE)

    done = Delivered(decision=an_answer(), at=LATER)
    await storage.save_request(replace(second, state=done), an_event("delivered", second))
    assert (await storage.census(LATER)).undelivered == Some(count=1, since=NOON)

    await storage.save_request(replace(first, state=done), an_event("delivered", first))
    assert (await storage.census(LATER)).undelivered == Some()


async def test_a_decision_that_is_held_is_undelivered_once_its_hold_is_over(storage: Storage) -> None:
    await settled(storage, await asked(storage, "r1"), held_until=NOON + MINUTE)

    assert (await storage.census(NOON)).undelivered == Some()
    assert (await storage.census(LATER)).undelivered == Some(count=1, since=NOON + MINUTE)


async def test_a_decision_whose_thread_is_held_is_being_delivered(storage: Storage) -> None:
    """A run may take long. It counts again when nobody lives who holds the thread."""
    request = await settled(storage, await asked(storage, "r1"))
    lease = await storage.lease(request.thread_id, 2 * MINUTE, NOON)
    assert lease is not None

    assert (await storage.census(NOON + MINUTE)).undelivered == Some()
    assert (await storage.census(NOON + 3 * MINUTE)).undelivered == Some(count=1, since=NOON)

    await storage.release(lease)
    assert (await storage.census(NOON + MINUTE)).undelivered == Some(count=1, since=NOON)


async def test_failed_tasks_are_counted_as_long_as_somebody_can_have_them_tried_again(storage: Storage) -> None:
    failure = Failure(error_id="e", summary="KeyError", at=NOON)
    for id, state in (
        ("failed", Failed(failure=failure, retryable=True)),
        ("lost", Failed(failure=failure, retryable=False)),
        ("waits", TaskWaiting()),
    ):
        task = a_task(id)
        await storage.create_task(task, an_event("started", task))
        await storage.save_task(replace(task, state=state), an_event("failed", task))

    assert (await storage.census(NOON)).failed == 1

    again = await storage.task(a_task("failed").id)
    await storage.save_task(replace(again, state=Running()), an_event("retried", again))
    assert (await storage.census(NOON)).failed == 0


async def test_messages_are_stale_since_the_change_that_they_do_not_show(storage: Storage) -> None:
    request = await asked(storage, "r1")
    card, other = a_message("m1", request), a_message("m2", request)
    request = await storage.save_request(request, event_at(request, NOON), [card, other])
    assert (await storage.census(LATER)).stale == Some(count=2, since=NOON)

    for message in (card, other):
        await storage.save_message(replace(message, shown=request.revision))
    assert (await storage.census(LATER)).stale == Some()

    await storage.save_request(request, event_at(request, NOON + MINUTE))
    assert (await storage.census(LATER)).stale == Some(count=2, since=NOON + MINUTE)


async def test_webhooks_wait_until_they_are_delivered_or_given_up(storage: Storage) -> None:
    request = await asked(storage, "r1")
    made = [a_webhook(id, request, created_at=NOON + number * MINUTE, next_try=NOON) for number, id in enumerate("abc")]
    await storage.save_all([Change(record=request, event=an_event("voted", request), webhooks=made)])
    assert (await storage.census(LATER)).webhooks == Some(count=3, since=NOON)

    await storage.save_webhook(replace(made[0], next_try=None, delivered_at=NOON))
    await storage.save_webhook(replace(made[1], next_try=None))
    assert (await storage.census(LATER)).webhooks == Some(count=1, since=NOON + 2 * MINUTE)


async def test_entries_of_the_audit_log_are_counted(storage: Storage) -> None:
    await asked(storage, "r1")

    assert (await storage.census(NOON)).entries == (await storage.head()).number == 2


async def test_many_open_requests_are_counted_in_parts(storage: Storage, monkeypatch: Any) -> None:
    """Whatever the size of a part: no request is left out or counted twice."""
    monkeypatch.setattr("bot.storage.redis.census.AT_ONCE", 2)
    for number in range(5):
        await asked(storage, f"r{number}", opened_at=NOON + number * MINUTE)
    await settled(storage, await asked(storage, "d1"))

    found = await storage.census(NOON)

    assert {graph: each.count for graph, each in found.pending.items()} == {"cleanup": 5}
    assert found.pending["cleanup"].since == NOON
    assert found.undelivered.count == 1


async def test_requests_that_an_earlier_version_has_saved_in_redis_are_counted_too(storage: Storage) -> None:
    """It wrote the text and the revision alone: nothing beside them counts that is of another revision."""
    if not isinstance(storage, RedisStorage):
        return
    await asked(storage, "r1", state=Pending(due_at=NOON))
    request = await settled(storage, await asked(storage, "r2"))
    redis, key = storage._db.redis, storage._db.key("request", request.id)
    await redis.hdel(storage._db.key("request", "r1"), "counted")
    await redis.hset(key, "counted", f"{request.revision - 1} pending 1 - cleanup")

    found = await storage.census(LATER)

    assert {graph: (each.count, each.overdue) for graph, each in found.pending.items()} == {"cleanup": (1, 1)}
    assert found.undelivered == Some(count=1, since=NOON)


async def test_open_requests_of_an_earlier_version_are_counted_in_sqlite_as_soon_as_the_file_is_opened(
    storage: Storage,
) -> None:
    """Its migration reads from their texts what is counted."""
    if not isinstance(storage, SqliteStorage):
        return
    await asked(storage, "r1", opened_at=NOON, state=Pending(due_at=NOON))
    await settled(storage, await asked(storage, "r2"), decision=an_answer(at=NOON + MINUTE))
    await settled(storage, await asked(storage, "r3"), held_until=NOON + 2 * MINUTE)
    before = await storage.census(LATER)
    migration = next(each for each in schema.MIGRATIONS if "ADD COLUMN settled_at" in " ".join(each))
    (fills,) = [statement for statement in migration if "UPDATE requests" in statement]

    def migrated(db: sqlite3.Connection) -> None:
        db.execute("UPDATE requests SET graph = NULL, opened_at = NULL, settled_at = NULL")
        db.execute(fills)

    await storage._db.change(migrated)

    assert await storage.census(LATER) == before
    assert before.undelivered == Some(count=2, since=NOON + MINUTE)


def event_at(request: Request, at: datetime) -> Any:
    return replace(an_event("edited", request), at=at)
