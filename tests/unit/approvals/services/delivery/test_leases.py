"""A thread is driven by one process at a time, under a lease that is renewed for as long as its graph runs."""

import asyncio
import contextlib
import threading
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.request import Decided, Delivered
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Storage
from bot.approvals.services.delivery.leasing import held
from tests.support.fakes.wiring import over
from tests.support.fakes.world import FIRST, World, a_world
from tests.unit.approvals.services.delivery.driven import TTL, Lossy, decided

HOUR = timedelta(hours=1)


async def test_a_rival_leaves_a_thread_alone_that_is_being_driven(world: World) -> None:
    task = await decided(world)
    pause = world.engine.pause_in(FIRST)
    driving = asyncio.create_task(world.delivery.drive(task.id))
    await pause.reached.wait()

    rival = await world.delivery.drive(task.id)
    pause.go.set()

    assert rival is False
    assert await driving is True
    assert world.engine.runs == ["start", "resume i-first"]
    assert len(await world.history(task, "delivered")) == 1


async def test_many_drivers_at_once_deliver_once(world: World) -> None:
    task = await decided(world)

    await asyncio.gather(*(world.delivery.drive(task.id) for _ in range(10)))

    assert len(world.engine.effects) == 1
    assert len(await world.history(task, "delivered")) == 1


async def test_a_thread_is_given_back_after_a_drive(world: World) -> None:
    task = await world.started()

    assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


async def test_a_thread_is_given_back_after_a_drive_that_failed(world: World) -> None:
    task = await decided(world)
    world.engine.down = Unreachable("checkpoints")
    with pytest.raises(Unreachable):
        await world.delivery.drive(task.id)

    assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


class Unsure(Lossy):
    """Storage that does not say how a task stands once its graph runs; a cancellation gets lost there too."""

    looks = 0
    asked = asyncio.Event()

    async def task(self, id: TaskId) -> Task:
        self.looks += 1
        if self.looks == 1:
            return await self._storage.task(id)
        self.asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        raise Unreachable("task")


async def test_a_look_that_does_not_hear_that_it_is_over_ends_all_the_same_and_gives_the_thread_back() -> None:
    async with a_world(lease_ttl=100 * TTL) as world:
        task = await decided(world)
        pause = world.engine.pause_in(FIRST)
        storage = Unsure(world.storage)
        storage.asked = asyncio.Event()
        driving = asyncio.create_task(over(world.delivery, cast(Storage, storage)).drive(task.id))
        await storage.asked.wait()

        pause.go.set()

        async with asyncio.timeout(10):
            assert await driving is True
        assert isinstance((await world.request(task)).state, Delivered)
        assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


async def test_a_lease_is_renewed_for_as_long_as_the_graph_runs() -> None:
    async with a_world(lease_ttl=TTL) as world:
        task = await decided(world)
        pause = world.engine.pause_in(FIRST)
        storage = Lossy(world.storage)
        delivery = over(world.delivery, cast(Storage, storage))
        driving = asyncio.create_task(delivery.drive(task.id))
        await storage.renewed.wait()

        pause.go.set()
        await driving

        assert isinstance((await world.request(task)).state, Delivered)


async def test_a_run_whose_lease_was_lost_is_stopped_and_its_answer_is_not_called_delivered() -> None:
    async with a_world(lease_ttl=TTL) as world:
        task = await decided(world)
        pause = world.engine.pause_in(FIRST)
        driving = asyncio.create_task(world.delivery.drive(task.id))
        await pause.reached.wait()

        world.clock.advance(HOUR)  # the lease has run out, and somebody else takes the thread
        taken = await world.storage.lease(task.thread_id, HOUR, world.now)

        assert taken is not None
        assert await driving is True
        assert world.engine.effects == []
        assert isinstance((await world.request(task)).state, Decided)
        assert await world.storage.holds(taken, world.now), "the other's lease is left alone"


async def test_a_run_goes_on_while_storage_does_not_answer_and_its_lease_is_renewed_afterwards() -> None:
    async with a_world(lease_ttl=TTL) as world:
        task = await decided(world)
        pause = world.engine.pause_in(FIRST)
        storage = Lossy(world.storage, Unreachable("renew"), Unreachable("renew"))
        driving = asyncio.create_task(over(world.delivery, cast(Storage, storage)).drive(task.id))
        await storage.renewed.wait()

        pause.go.set()
        await driving

        assert isinstance((await world.request(task)).state, Delivered)


async def test_a_lease_that_is_found_lost_as_its_run_ends_cancels_nothing(world: World) -> None:
    lease = await world.storage.lease(ThreadId("t"), HOUR, world.now)
    assert lease is not None
    await world.storage.release(lease)

    async with held(world.storage, world.clock, TTL, lease, TaskId("t")):
        (keeper,) = [each for each in threading.enumerate() if each.name == "lease of t"]
        keeper.join()  # blocks the loop, so that its word comes after the end of the block

    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_a_lease_outlives_an_event_loop_that_is_blocked() -> None:
    """The node that acts holds the loop for as long as it takes for the lease to be renewed without it."""
    async with a_world(lease_ttl=TTL) as world:
        task = await decided(world)
        renewed = threading.Event()
        pause = world.engine.pause_in(FIRST)
        storage = Lossy(world.storage)
        storage.after_two = renewed.set
        driving = asyncio.create_task(over(world.delivery, cast(Storage, storage)).drive(task.id))
        await pause.reached.wait()

        assert renewed.wait(30), "nobody renewed it"
        pause.go.set()
        await driving

        assert isinstance((await world.request(task)).state, Delivered)


async def test_a_bug_in_the_renewal_stops_the_run_and_is_raised() -> None:
    async with a_world(lease_ttl=TTL) as world:
        task = await decided(world)
        world.engine.pause_in(FIRST)
        storage = Lossy(world.storage, ZeroDivisionError())

        with pytest.raises(ZeroDivisionError):
            await over(world.delivery, cast(Storage, storage)).drive(task.id)

        assert world.engine.effects == []
        assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None
