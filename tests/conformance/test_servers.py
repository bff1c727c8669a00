"""Tasks whose agent runs on a LangGraph Server: gateways drive them, and one that had ended may go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.caller import task_id_of
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import Program, ThreadId
from bot.approvals.model.server import OnServer, task_of_thread
from bot.approvals.model.task import Ended, Running, Task, Waiting
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_request, a_task, an_event, decided

TTL = timedelta(minutes=2)


def on_server(number: int = 1, server: str = "prod", **changes: Any) -> Task:
    """A thread that somebody else started on this server."""
    thread_id = ThreadId(f"00000000-0000-4000-8000-{number:012}")
    found: dict[str, Any] = {
        "thread_id": thread_id,
        "server": OnServer(name=server, watched=True, parent="thread-7"),
        "requester": Program(name=f"a thread on {server}"),
        "state": Running(),
    }
    return a_task(task_of_thread(server, thread_id), **found | changes)


async def stored(storage: Storage, *tasks: Task) -> None:
    for task in tasks:
        await storage.create_task(task, an_event("adopted", task))


def ids(tasks: tuple[Task, ...]) -> list[str]:
    return [task.id for task in tasks]


async def test_a_task_on_a_server_is_read_as_it_was_stored(store: Store) -> None:
    task = on_server()
    await stored(await store.open(), task)

    assert await (await store.reopen()).task(task.id) == task


async def test_whoever_finds_a_thread_later_changes_nothing(storage: Storage) -> None:
    task = on_server()
    await stored(storage, task)

    await stored(storage, replace(task, requester=Program(name="another"), created_at=NOON + MINUTE))

    assert await storage.task(task.id) == task
    assert len(await storage.history(task.id)) == 1


async def test_a_thread_belongs_to_one_server(storage: Storage) -> None:
    """Two names in servers.yaml may mean the same server."""
    await stored(storage, on_server())

    with pytest.raises(Conflict):
        await stored(storage, on_server(1, "stage"))


async def test_gateways_drive_what_runs_on_servers_beside_callers_requests(storage: Storage) -> None:
    agent, caller, prod, stage = a_task("agent"), a_task(task_id_of("1")), on_server(1), on_server(2, "stage")
    await stored(storage, agent, caller, prod, stage)

    assert ids(await storage.orphans(NOON, 10)) == [agent.id]
    assert set(ids(await storage.orphans(NOON, 10, elsewhere=True))) == {caller.id, prod.id, stage.id}


async def test_a_thread_on_a_server_that_somebody_drives_is_no_orphan(storage: Storage) -> None:
    task = on_server()
    await stored(storage, task)
    lease = await storage.lease(task.thread_id, TTL, NOON)

    assert lease is not None
    assert await storage.orphans(NOON, 10, elsewhere=True) == ()
    await storage.release(lease)
    assert ids(await storage.orphans(NOON, 10, elsewhere=True)) == [task.id]


async def test_decisions_for_servers_are_delivered_by_gateways(storage: Storage) -> None:
    agent, server = a_task("agent"), on_server()
    await stored(storage, agent, server)
    for id, task in (("of-agent", agent), ("of-server", server)):
        request = await storage.open_request(a_request(id, task), an_event("opened", task))
        await storage.save_request(replace(request, state=decided(NOON)), an_event("voted", task))

    assert [each.id for each in await storage.undelivered(NOON, 10)] == ["of-agent"]
    assert [each.id for each in await storage.undelivered(NOON, 10, elsewhere=True)] == ["of-server"]


async def test_no_worker_looks_after_what_waits_on_a_server(storage: Storage) -> None:
    """`unsettled` is for those who have the agents' code."""
    task = on_server(state=Waiting())
    await stored(storage, task)
    await storage.open_request(a_request("r", task), an_event("opened", task))

    assert await storage.unsettled() == ()
    assert await storage.unsettled(elsewhere=True) == (task.id,)


async def test_a_task_that_goes_on_has_not_ended(storage: Storage) -> None:
    task = on_server()
    await stored(storage, task)
    task = await storage.save_task(replace(task, state=Ended(outcome="", at=NOON)), an_event("ended", task))

    task = await storage.save_task(replace(task, state=Running()), an_event("task_reopened", task))

    assert await storage.ended(NOON, 10, forgotten=False) == ()
    assert ids(await storage.orphans(NOON, 10, elsewhere=True)) == [task.id]


async def test_a_task_that_goes_on_is_marked_no_more(storage: Storage) -> None:
    """Its records are kept as long after its second end as others are after their first."""
    task = on_server()
    await stored(storage, task)
    task = await storage.save_task(replace(task, state=Ended(outcome="", at=NOON)), an_event("ended", task))
    await storage.forget(task.id, an_event("checkpoints_deleted", task))

    task = await storage.save_task(replace(task, state=Running()), an_event("task_reopened", task))
    assert await storage.ended(NOON, 10, forgotten=True) == ()

    later = NOON + MINUTE
    task = await storage.save_task(replace(task, state=Ended(outcome="", at=later)), an_event("ended", task))
    assert await storage.ended(NOON, 10, forgotten=True) == ()
    assert await storage.ended(later, 10, forgotten=True) == ()
    assert await storage.ended(later, 10, forgotten=False) == (task,)
