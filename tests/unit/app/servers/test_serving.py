"""Tasks on LangGraph Servers are driven by gateways, and one server that is away delays its own tasks alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.app.servers.serving import AWAY_AGAIN, LOOK_AGAIN, Servers, served
from bot.app.wire import GatewayWork
from bot.approvals.model.caller import task_id_of
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import ServerAway
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.server import OnServer, task_of_thread
from bot.approvals.model.task import Running, Task, TaskCancelled
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.runtime.work_queue import JobQueue, WorkQueues
from bot.servers_file import ServerTerms
from tests.support.builders import an_event
from tests.support.fakes.langgraph_server import FakeLangGraphServer
from tests.support.fakes.pause import Pause
from tests.support.fakes.secrets import masking
from tests.support.fakes.telemetry import Heard
from tests.support.fakes.world import CHANNEL, RITA, World, a_world

KEY = "0123456789abcdef"
THREAD = ThreadId("1f0c2b1e-7a53-4f0e-9a58-0c6b3f0f7d11")
ON_PROD, ON_STAGE = task_of_thread("prod", THREAD), task_of_thread("stage", THREAD)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


@pytest.fixture
async def prod() -> AsyncIterator[FakeLangGraphServer]:
    prod = FakeLangGraphServer()
    async with prod.served():
        yield prod


@pytest.fixture
async def servers(world: World, prod: FakeLangGraphServer) -> AsyncIterator[Servers]:
    loop = asyncio.get_running_loop()
    terms = [
        ServerTerms(name="prod", url=prod.url, start=("deploy",), webhook_key=KEY),
        ServerTerms(name="stage", url=prod.url, start=("deploy",)),
    ]
    async with served(
        terms,
        storage=world.storage,
        policy_choice=PolicyChoice(policies=world.policies, directory=world.directory),
        eligibility=Eligibility(directory=world.directory),
        masking=masking(),
        leases=Leases(storage=world.storage, clock=world.clock, ttl=world.lease_ttl),
        progress=Progress(show=world.work.show, monotonic=loop.time, later=loop.call_later),
        work=world.work,
        clock=world.clock,
    ) as servers:
        yield servers


async def stored(world: World, id: TaskId = ON_PROD, **changes: Any) -> Task:
    task = Task(
        id=id,
        thread_id=THREAD,
        graph="deploy",
        inputs={},
        requester=RITA,
        channel=CHANNEL,
        created_at=world.now,
        server=OnServer(name="prod", watched=True),
        state=Running(),
    )
    task = replace(task, **changes)
    await world.storage.create_task(task, an_event("adopted", task))
    return task


# --- Driving --------------------------------------------------------------------------------------


async def test_a_task_is_driven_with_what_its_server_says(world: World, servers: Servers) -> None:
    """Here, that it knows no such thread."""
    task = await stored(world)

    assert await servers.deliver(task.id) is None

    assert (await world.storage.task(task.id)).finished


async def test_a_task_that_another_gateway_drives_is_looked_at_again(world: World, servers: Servers) -> None:
    task = await stored(world)
    lease = await world.storage.lease(task.thread_id, world.lease_ttl, world.now)
    assert lease is not None

    assert await servers.deliver(task.id) == world.now + LOOK_AGAIN


async def test_a_task_waits_for_a_server_that_is_away_and_says_so_once(
    world: World, prod: FakeLangGraphServer, servers: Servers
) -> None:
    """Its message says what it waits for, and the operator is told once."""
    heard = servers.lanes["prod"].lookout.client.telemetry = Heard()
    task = await stored(world)
    prod.down = True

    again = [await servers.deliver(task.id) for _ in range(3)]

    assert again == [world.now + AWAY_AGAIN] * 3
    assert (await world.storage.task(task.id)) == task
    assert servers.progress.newest(task.id) == "waiting for the server prod, which does not answer"
    assert [type(fact) for fact in heard.facts] == [ServerAway]


async def test_a_task_goes_on_once_its_server_is_back(
    world: World, prod: FakeLangGraphServer, servers: Servers
) -> None:
    """A look finds out that it is."""
    task = await stored(world)
    prod.down = True
    await servers.deliver(task.id)
    prod.down = False
    await servers.lanes["prod"].lookout.look()

    assert await servers.deliver(task.id) is None

    assert (await world.storage.task(task.id)).finished
    assert servers.progress.newest(task.id) is None


async def test_an_outage_of_storage_is_not_taken_for_one_of_the_server(world: World, servers: Servers) -> None:
    """The queue logs it, and the sweep tries again."""
    task = await stored(world)

    class Away:
        async def task(self, id: TaskId) -> Task:
            raise Unreachable("storage")

    broken: Any = Away()
    with pytest.raises(Unreachable):
        await replace(servers, storage=broken).deliver(task.id)


async def test_a_task_whose_server_the_file_no_longer_names_waits_and_is_logged_once(
    world: World, servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    task = await stored(world, task_of_thread("gone", THREAD), server=OnServer(name="gone"))

    assert [await servers.deliver(task.id) for _ in range(2)] == [None, None]

    assert caplog.messages == ["tasks wait for the LangGraph Server gone, which SERVERS_FILE does not name"]
    assert await world.storage.task(task.id) == task


class Cancels:
    """An engine that only keeps whose run it was to stop."""

    def __init__(self) -> None:
        self.tasks: list[TaskId] = []

    async def cancel(self, task: Task) -> None:
        self.tasks.append(task.id)


@pytest.mark.parametrize("cancelled", [True, False])
async def test_the_run_of_a_task_that_was_cancelled_is_stopped(
    world: World, servers: Servers, *, cancelled: bool
) -> None:
    state = TaskCancelled(by=RITA, at=world.now) if cancelled else Running()
    task = await stored(world, state=state)
    engine: Any = Cancels()

    await replace(servers, engine=engine).deliver(task.id)

    assert engine.tasks == ([task.id] if cancelled else [])


async def test_each_server_has_a_queue_of_its_own(world: World) -> None:
    """Also if so many of its tasks hang that its queue takes no more."""
    hangs, driven = Pause(), list[TaskId]()

    async def hang(_: TaskId) -> datetime | None:
        await hangs.here()
        return None

    async def drive(task_id: TaskId) -> datetime | None:
        driven.append(task_id)
        return None

    own = JobQueue("delivery", drive, world.clock)
    there = {"prod": JobQueue("delivery on prod", hang, world.clock), "stage": JobQueue("stage", drive, world.clock)}
    queues = WorkQueues(deliveries=own, servers=there)
    work = GatewayWork(wire=None, owner="g", queues=queues)  # type: ignore[arg-type]
    unknown = task_of_thread("gone", THREAD)

    work.deliver(ON_PROD)
    await hangs.reached.wait()
    for task_id in (ON_STAGE, task_id_of("1"), unknown):
        work.deliver(task_id)
    await there["stage"].close(5)
    await own.close(5)

    assert sorted(driven) == sorted([ON_STAGE, task_id_of("1"), unknown])
    hangs.go.set()
    await queues.close(5)


# --- Hints ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key", "known"),
    [
        ("prod", KEY, True),
        ("prod", KEY[:-1], False),
        ("prod", "", False),
        ("prod", "ключ", False),
        ("stage", KEY, False),
        ("stage", "", False),
        ("gone", KEY, False),
    ],
)
async def test_a_server_is_looked_at_if_the_hint_has_its_key(
    prod: FakeLangGraphServer, servers: Servers, name: str, key: str, *, known: bool
) -> None:
    """One without a key takes no hint, not even an empty one."""
    assert servers.changed(name, key) is known

    await asyncio.sleep(0)
    looks = [each.get_name() for each in asyncio.all_tasks() if each.get_name().startswith("looks at")]
    assert looks == (["looks at prod"] if known else [])


async def test_agents_of_all_servers_are_listed(servers: Servers) -> None:
    assert [(each.graph.server, each.graph.name) for each in servers.agents()] == [
        ("prod", "deploy"),
        ("stage", "deploy"),
    ]
