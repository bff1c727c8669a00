"""What operators list: everybody's tasks and open requests, page by page, and ids by how they begin."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.approvals.model.census import Some
from bot.approvals.model.ids import Operator, RequestId, TaskId
from bot.approvals.model.request import Delivered, OpenStage, Pending, Request
from bot.approvals.model.task import Ended, Failed, Failure, Running, Task, TaskCancelled, TaskState, Waiting
from bot.approvals.model.webhook import WebhookId
from bot.approvals.ports.storage import Among, Change, Storage
from bot.storage.redis.store import RedisStorage, client
from tests.conformance.stores import Store
from tests.support.builders import (
    MINUTE,
    NOON,
    a_message,
    a_question,
    a_request,
    a_task,
    a_webhook,
    an_answer,
    an_event,
    an_item,
    decided,
)

FAILURE = Failure(error_id="e1", summary="KeyError", at=NOON)


async def kept(storage: Storage, id: str, at: datetime = NOON, **changes: Any) -> Task:
    task = a_task(id, created_at=at, **changes)
    await storage.create_task(task, an_event("started", task))
    return task


async def asked(storage: Storage, id: str, task: Task, **changes: Any) -> Request:
    request = a_request(id, task, **changes)
    return await storage.open_request(request, an_event("opened", request))


def ids(records: tuple[Task, ...] | tuple[Request, ...]) -> list[str]:
    return [record.id for record in records]


# --- Tasks --------------------------------------------------------------------------------------


async def test_the_newest_tasks_come_first_and_those_of_a_moment_by_id(storage: Storage) -> None:
    """Whoever started them, and in whichever order they were stored."""
    for id, at in (("b", NOON), ("old", NOON - MINUTE), ("c", NOON), ("new", NOON + MINUTE), ("a", NOON)):
        await kept(storage, id, at)

    assert ids(await storage.newest(10)) == ["new", "c", "b", "a", "old"]
    assert ids(await storage.newest(2)) == ["new", "c"]
    assert ids(await storage.newest(10, since=NOON)) == ["new", "c", "b", "a"]


async def test_a_page_of_tasks_goes_on_where_the_last_one_ended(storage: Storage) -> None:
    """No task is left out or comes twice, even if all are of one moment."""
    for number in range(7):
        await kept(storage, f"t{number}", NOON + MINUTE * (number // 4))
    found: list[str] = []
    before: tuple[datetime, TaskId] | None = None

    while page := await storage.newest(2, before=before):
        found += ids(page)
        before = (page[-1].created_at, page[-1].id)

    assert found == [f"t{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


async def test_tasks_are_listed_by_how_they_stand(storage: Storage) -> None:
    """As they stand now, also after they were tried again."""
    await kept(storage, "starts")
    states: dict[str, TaskState] = {
        "waits": Waiting(),
        "over": Ended(outcome="", at=NOON),
        "failed": Failed(failure=FAILURE, retryable=True),
        "lost": Failed(failure=FAILURE, retryable=False),
        "stopped": TaskCancelled(by=Operator(login="alice"), at=NOON, reason="stuck"),
    }
    for id, state in states.items():
        await storage.save_task(replace(await kept(storage, id), state=state), an_event("ended", a_task(id)))

    assert set(ids(await storage.newest(10))) == {"starts", *states}
    assert set(ids(await storage.newest(10, among=Among.OPEN))) == {"starts", "waits", "failed"}
    assert set(ids(await storage.newest(10, among=Among.ENDED))) == {"over", "lost", "stopped"}
    assert set(ids(await storage.newest(10, among=Among.FAILED))) == {"failed", "lost"}

    failed = await storage.task(TaskId("failed"))
    await storage.save_task(replace(failed, state=Running()), an_event("retried", failed))

    assert ids(await storage.newest(10, among=Among.FAILED)) == ["lost"]
    assert "failed" in ids(await storage.newest(10, among=Among.OPEN))
    assert (await storage.task(TaskId("stopped"))).state == states["stopped"]


async def test_tasks_of_one_graph_are_found_behind_many_others(storage: Storage) -> None:
    for number in range(120):
        await kept(storage, f"other{number:03}", NOON + MINUTE)
    await kept(storage, "rare", graph="rare")

    assert ids(await storage.newest(2, graph="rare")) == ["rare"]
    assert await storage.newest(2, graph="rar") == ()


async def test_a_task_that_was_removed_is_in_no_list(storage: Storage) -> None:
    task = await kept(storage, "gone")
    request = await asked(storage, "asked", task)
    ended = replace(task, state=Failed(failure=FAILURE, retryable=False))
    await storage.save_task(ended, an_event("lost", task))

    await storage.purge(task.id, an_event("records_deleted", task))

    assert await storage.newest(10) == await storage.newest(10, among=Among.FAILED) == ()
    assert await storage.task_ids("", 10) == ()
    assert await storage.request_ids("", 10) == ()
    assert await storage.newest_unsettled(10) == ()
    assert request.id == "asked"


# --- Requests -----------------------------------------------------------------------------------


async def test_open_requests_are_listed_last_opened_first(storage: Storage) -> None:
    """Those that people are asked, and those whose decision has not been delivered; page by page."""
    task = await kept(storage, "t")
    at = NOON + timedelta(microseconds=1)
    await asked(storage, "first", task, opened_at=NOON)
    await asked(storage, "b", task, opened_at=at)
    await asked(storage, "a", task, opened_at=at, state=decided(None))
    over = await asked(storage, "over", task, opened_at=at)
    await storage.save_request(
        replace(over, state=Delivered(decision=an_answer(), at=NOON)), an_event("delivered", over)
    )

    page = await storage.newest_unsettled(2)

    assert ids(page) == ["b", "a"]
    assert ids(await storage.newest_unsettled(2, before=(page[-1].opened_at, page[-1].id))) == ["first"]


async def test_a_request_that_is_asked_again_takes_its_new_place(storage: Storage) -> None:
    task = await kept(storage, "t")
    first = await asked(storage, "first", task, opened_at=NOON)
    await asked(storage, "second", task, opened_at=NOON + MINUTE)

    await storage.save_request(replace(first, opened_at=NOON + 2 * MINUTE), an_event("asked_again", first))

    assert ids(await storage.newest_unsettled(5)) == ["first", "second"]


# --- Ids ----------------------------------------------------------------------------------------


async def test_ids_are_found_by_how_they_begin(storage: Storage) -> None:
    """To the letter: no sign in them means anything else."""
    for id in ("ab1", "ab2", "b*1", "b1", "server-ü-1"):
        task = await kept(storage, id)
        await asked(storage, f"req_{id}", task)

    assert await storage.task_ids("ab", 10) == ("ab1", "ab2")
    assert await storage.task_ids("ab", 1) == ("ab1",)
    assert await storage.task_ids("b*", 10) == ("b*1",)
    assert await storage.task_ids("server-ü", 10) == ("server-ü-1",)
    assert await storage.task_ids("%", 10) == await storage.task_ids("AB", 10) == ()
    assert len(await storage.task_ids("", 10)) == 5
    assert await storage.request_ids("req_ab", 10) == (RequestId("req_ab1"), RequestId("req_ab2"))


async def test_records_are_listed_and_counted_whose_numbers_json_does_not_have(storage: Storage) -> None:
    """Not every SQLite reads NaN, and a graph may propose it."""
    numbers = {"Infinity": [float("nan"), float("inf"), -float("inf")]}
    task = await kept(storage, "t", inputs=numbers)
    request = a_request("r", task, question=a_question(items=(an_item(arguments=numbers),)), state=Pending(due_at=None))
    await storage.open_request(request, an_event("opened", request, data=numbers), [a_message("m", request)])

    counted = await storage.census(NOON)

    assert ids(await storage.newest(10, graph="cleanup")) == ["t"]
    assert ids(await storage.newest_unsettled(10)) == ["r"]
    assert counted.pending["cleanup"].count == 1
    assert counted.stale == Some(count=1, since=NOON)


# --- What earlier versions stored -----------------------------------------------------------------


async def test_redis_lists_what_earlier_versions_stored(redis_url: str, redis_prefix: str) -> None:
    """They kept no index of all tasks."""
    prefix = f"{{{redis_prefix}}}:"
    redis = client(redis_url)
    storage = RedisStorage(redis, prefix)
    task = await kept(storage, "t")
    await asked(storage, "r", task)
    lost = Failed(failure=FAILURE, retryable=True)
    await storage.save_task(replace(await kept(storage, "failed"), state=lost), an_event("failed", a_task("failed")))
    await kept(storage, "over", state=Ended(outcome="", at=NOON))
    gone = Failed(failure=FAILURE, retryable=False)
    await storage.save_task(replace(await kept(storage, "lost"), state=gone), an_event("lost", a_task("lost")))
    names = ("tasks", "open_tasks", "failed_tasks", "task_ids", "request_ids", "unsettled", "indexes_complete")
    await redis.delete(*(prefix + name for name in names))

    later = RedisStorage(redis, prefix)

    assert ids(await later.newest(10)) == ["t", "over", "lost", "failed"]
    assert ids(await later.newest(10, among=Among.OPEN)) == ["t", "failed"]
    assert ids(await later.newest(10, among=Among.FAILED)) == ["lost", "failed"]
    assert ids(await later.newest_unsettled(10)) == ["r"]
    assert await later.task_ids("f", 10) == ("failed",)
    assert await later.request_ids("", 10) == ("r",)
    await later.close()


async def test_redis_finds_the_troubles_of_what_earlier_versions_stored(redis_url: str, redis_prefix: str) -> None:
    """Whatever is asked first, and whoever gives up waiting for it."""
    prefix = f"{{{redis_prefix}}}:"
    redis = client(redis_url)
    storage = RedisStorage(redis, prefix)
    failed = replace(await kept(storage, "failed"), state=Failed(failure=FAILURE, retryable=True))
    await storage.save_task(failed, an_event("failed", failed))
    short = await asked(storage, "short", failed, open=OpenStage(opened_at=NOON, short=1))
    told = Change(record=short, event=None, webhooks=[a_webhook("left", short, next_try=None)])
    await storage.save_all([told])
    names = ("tasks", "open_tasks", "failed_tasks", "failed", "doubtful", "webhooks_given_up", "indexes_complete")
    await redis.delete(*(prefix + name for name in names))

    later = RedisStorage(redis, prefix)
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await later.census(NOON)

    assert (await later.census(NOON)).failed == 1
    assert ids(await later.failed_tasks(None, 10)) == ["failed"]
    assert ids(await later.doubtful(None, 10)) == ["short"]
    assert [each.id for each in await later.webhooks_given_up((NOON - MINUTE, WebhookId("")), 10)] == ["left"]
    await later.close()


async def test_a_cancellation_by_an_operator_is_read_as_it_was_stored(store: Store) -> None:
    storage = await store.open()
    task = await kept(storage, "t")
    over = TaskCancelled(by=Operator(login="ünal"), at=NOON, reason="stuck since Monday")
    await storage.save_task(replace(task, state=over), an_event("cancelled", task))

    again = await store.reopen()

    assert (await again.task(task.id)).state == over
