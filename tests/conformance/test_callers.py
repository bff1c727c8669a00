"""Tasks that programs made: listed by their source, and kept apart for the processes that drive them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.approvals.model.caller import Caller, Consumed, task_id_of
from bot.approvals.model.ids import Program, TaskId
from bot.approvals.model.task import Ended, Running, Task, TaskCancelled, Waiting
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_person, a_request, a_task, an_event, decided

TTL = timedelta(minutes=2)
SHOP = Program(name="shop")


def made(id: str, at: datetime = NOON, source: str = "shop", **changes: Any) -> Task:
    """A task of a program, which names no person."""
    caller = Caller(source=source, token=source, key=id, body="0" * 64, metadata={"n": [1, None]})
    return a_task(id, caller=caller, requester=Program(name=source), created_at=at, **changes)


def called(digits: str, at: datetime = NOON, source: str = "shop", **changes: Any) -> Task:
    """A caller's request."""
    return made(task_id_of(digits), at, source, **changes)


async def stored(storage: Storage, *tasks: Task) -> None:
    for task in tasks:
        await storage.create_task(task, an_event("started", task))


async def ended(storage: Storage, task: Task, at: datetime = NOON) -> Task:
    return await storage.save_task(replace(task, state=Ended(outcome="", at=at)), an_event("ended", task))


def ids(tasks: tuple[Task, ...]) -> list[str]:
    return [task.id for task in tasks]


async def test_a_programs_task_is_read_as_it_was_stored(store: Store) -> None:
    storage = await store.open()
    task = called("1")
    await stored(storage, task)

    again = await store.reopen()

    assert await again.task(task.id) == task
    cancelled = replace(task, state=TaskCancelled(by=SHOP, at=NOON))
    await again.save_task(cancelled, an_event("cancelled", task))
    assert (await (await store.reopen()).task(task.id)).state == TaskCancelled(by=SHOP, at=NOON)


# --- To each process its own --------------------------------------------------------------------


async def test_agents_and_callers_are_driven_by_others(storage: Storage) -> None:
    agent, caller = a_task("agent"), called("1")
    await stored(storage, agent, caller)

    assert ids(await storage.orphans(NOON, 10)) == ["agent"]
    assert ids(await storage.orphans(NOON, 10, elsewhere=True)) == [caller.id]


async def test_a_caller_whose_thread_is_held_is_no_orphan(storage: Storage) -> None:
    task = called("1", state=Running())
    await stored(storage, task)
    lease = await storage.lease(task.thread_id, TTL, NOON)

    assert lease is not None
    assert await storage.orphans(NOON, 10, elsewhere=True) == ()
    await storage.release(lease)
    assert ids(await storage.orphans(NOON, 10, elsewhere=True)) == [task.id]


async def test_a_caller_that_waits_is_no_orphan(storage: Storage) -> None:
    task = called("1")
    await stored(storage, task)

    await storage.save_task(replace(task, state=Waiting()), an_event("waiting", task))

    assert await storage.orphans(NOON, 10, elsewhere=True) == ()


async def test_decisions_of_agents_and_of_callers_are_handed_over_by_others(storage: Storage) -> None:
    agent, caller = a_task("agent"), called("1")
    await stored(storage, agent, caller)
    for id, task in (("of-agent", agent), ("of-caller", caller)):
        request = await storage.open_request(a_request(id, task), an_event("opened", task))
        await storage.save_request(replace(request, state=decided(NOON)), an_event("voted", task))

    assert [each.id for each in await storage.undelivered(NOON, 10)] == ["of-agent"]
    assert [each.id for each in await storage.undelivered(NOON, 10, elsewhere=True)] == ["of-caller"]
    assert await storage.unsettled() == ("agent",)


# --- Lists --------------------------------------------------------------------------------------


async def test_a_source_has_its_tasks_newest_first(storage: Storage) -> None:
    await stored(
        storage, made("a"), made("b", NOON + MINUTE), made("c", NOON + 2 * MINUTE, "bank"), called("9", NOON - MINUTE)
    )
    await stored(storage, a_task("of-a-person"))

    assert ids(await storage.tasks_from(["shop"], 10)) == ["b", "a", "caller-9"]
    assert ids(await storage.tasks_from(["shop", "bank", "shop"], 10)) == ["c", "b", "a", "caller-9"]
    assert ids(await storage.tasks_from(["shop", "bank"], 2)) == ["c", "b"]
    assert await storage.tasks_from(["nobody"], 10) == ()
    assert await storage.tasks_from([], 10) == ()


async def test_tasks_of_one_moment_come_by_their_ids(storage: Storage) -> None:
    names = ["b", "a", "d", "c"]
    await stored(storage, *(made(name) for name in names))

    assert ids(await storage.tasks_from(["shop"], 10)) == ["d", "c", "b", "a"]
    assert ids(await storage.tasks_from(["shop"], 10, before=(NOON, TaskId("c")))) == ["b", "a"]


@pytest.mark.parametrize("size", [1, 2, 3, 10])
async def test_a_list_goes_on_after_a_task(storage: Storage, size: int) -> None:
    await stored(storage, *(made(f"{number:02}", NOON + (number // 3) * MINUTE) for number in range(10)))
    found: list[Task] = []

    while True:
        last = (found[-1].created_at, found[-1].id) if found else None
        more = await storage.tasks_from(["shop"], size, before=last)
        found += more
        if not more:
            break

    assert ids(tuple(found)) == [f"{number:02}" for number in reversed(range(10))]


async def test_a_list_may_leave_out_what_has_ended_and_what_has_not(storage: Storage) -> None:
    tasks = [made(f"{number:02}", NOON + number * MINUTE) for number in range(6)]
    await stored(storage, *tasks)
    for task in tasks[:4]:
        await ended(storage, task)

    assert ids(await storage.tasks_from(["shop"], 10, ended=False)) == ["05", "04"]
    assert ids(await storage.tasks_from(["shop"], 2, ended=True)) == ["03", "02"]
    assert len(await storage.tasks_from(["shop"], 10)) == 6


async def test_a_list_may_leave_out_agents_and_callers(storage: Storage) -> None:
    await stored(storage, made("a"), called("1", NOON - MINUTE), called("2", NOON - MINUTE), made("b", NOON - MINUTE))

    assert ids(await storage.tasks_from(["shop"], 1, callers=True)) == ["caller-2"]
    assert ids(await storage.tasks_from(["shop"], 10, callers=True)) == ["caller-2", "caller-1"]
    assert ids(await storage.tasks_from(["shop"], 10, callers=False)) == ["a", "b"]


async def test_a_person_whom_a_program_names_has_its_tasks_too(storage: Storage) -> None:
    task = replace(called("1"), requester=a_person())
    await stored(storage, task, called("2"))

    assert await storage.tasks_of(a_person(), 10) == (task,)


# --- After the end ------------------------------------------------------------------------------


async def test_a_decision_that_is_taken_late_leaves_its_task_forgotten(storage: Storage) -> None:
    task = called("1")
    await stored(storage, task)
    task = await ended(storage, task)
    await storage.forget(task.id, an_event("checkpoints_deleted", task))

    assert task.caller is not None
    taken = replace(task.caller, consumed=Consumed(at=NOON, execution="run-1"))
    saved = await storage.save_task(replace(task, caller=taken), an_event("consumed", task))

    assert await storage.ended(NOON, 10, forgotten=False) == ()
    assert await storage.ended(NOON, 10, forgotten=True) == (saved,)


async def test_a_purged_task_is_on_no_list(storage: Storage) -> None:
    """Its key may be used again, for a task that is new."""
    task = called("1")
    await stored(storage, task)
    request = await storage.open_request(a_request("r", task), an_event("opened", task))
    await storage.save_request(replace(request, state=decided(NOON)), an_event("voted", task))
    await ended(storage, task)

    await storage.purge(task.id, an_event("records_deleted", task))

    assert await storage.tasks_from(["shop"], 10) == ()
    assert await storage.undelivered(NOON, 10, elsewhere=True) == ()
    await stored(storage, task)
    assert await storage.tasks_from(["shop"], 10) == (task,)
