"""Who drives what: agents' tasks are a worker's, callers' requests the gateway's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from bot.app.callers import HELD_ELSEWHERE, callers
from bot.app.wire import GatewayWork, OperatorWork
from bot.approvals.model.caller import task_id_of
from bot.approvals.model.ids import TaskId
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.runtime.hints import GATEWAY, WORKER, Hint
from bot.runtime.work_queue import JobQueue, WorkQueues
from tests.support.fakes.secrets import masking
from tests.support.fakes.shop import TOKEN, Inputs, a_call
from tests.support.fakes.world import CHANNEL, World, a_world


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, object]]] = []

    def send(self, to: str, **hint: object) -> None:
        self.sent.append((to, hint))

    @asynccontextmanager
    async def listening(self, taken: Callable[[Hint], None]) -> AsyncIterator[None]:
        yield


async def test_a_callers_request_is_driven_here_and_an_agents_task_by_a_worker() -> None:
    driven: list[TaskId] = []

    async def deliver(task_id: TaskId) -> datetime | None:
        driven.append(task_id)
        return None

    async with a_world() as world:
        queues = WorkQueues(deliveries=JobQueue("delivery", deliver, world.clock))
        wire = Wire()
        work = GatewayWork(wire=wire, owner="g", queues=queues)

        work.deliver(task_id_of("1"))
        work.deliver(TaskId("agents"))
        await queues.close(1)

    assert driven == [task_id_of("1")]
    assert wire.sent == [(WORKER, {"deliver": "agents", "of": "g"})]


def test_an_operator_wakes_whoever_drives_the_task_and_whoever_shows_it() -> None:
    wire = Wire()
    work = OperatorWork(wire=wire)

    work.deliver(task_id_of("1"))
    work.deliver(TaskId("agents"))
    work.show(TaskId("agents"))
    work.show_soon(TaskId("agents"))

    assert wire.sent == [
        (GATEWAY, {"deliver": task_id_of("1")}),
        (WORKER, {"deliver": "agents", "of": ""}),
        (GATEWAY, {"show": "agents"}),
        (GATEWAY, {"soon": "agents"}),
    ]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        world.directory.channels["#ops"] = CHANNEL
        yield world


async def test_a_request_that_another_gateway_drives_is_looked_at_again(world: World) -> None:
    directory = world.directory
    programs = callers(
        storage=world.storage,
        inputs=Inputs(),
        policy_choice=PolicyChoice(policies=world.policies, directory=directory),
        eligibility=Eligibility(directory=directory),
        masking=masking(),
        leases=Leases(storage=world.storage, clock=world.clock, ttl=world.lease_ttl),
        work=world.work,
        clock=world.clock,
    )
    task = (await programs.calls.ask(TOKEN, a_call(), "Proceed?", None, world.now)).task
    lease = await world.storage.lease(task.thread_id, world.lease_ttl, world.now)
    assert lease is not None

    again = await programs.deliver(task.id)
    await world.storage.release(lease)
    done = await programs.deliver(task.id)

    assert again == world.now + HELD_ELSEWHERE
    assert done is None
    assert len(await world.requests(task)) == 1
