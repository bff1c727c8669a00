"""A thread is driven by one process at a time, under a lease that is renewed for as long as its graph runs."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import NotFound, Unreachable
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.request import Decided, Delivered, Request
from bot.approvals.model.task import Failed, Lease, Running, Task
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.lifecycle import MAX_ATTEMPTS, MAX_DEADLY
from bot.approvals.services.delivery.leasing import Leases
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
    held = world.delivery.leases.any_held
    pause.go.set()

    assert rival is False
    assert await driving is True
    assert (held, world.delivery.leases.any_held) == (True, False)
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
    """The look is under way when the block ends, and finds the task gone; its cancellation gets lost."""
    looking = asyncio.Event()

    class Gone(Lossy):
        async def task(self, id: TaskId) -> Task:
            looking.set()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            raise NotFound("task", id)

    leases = Leases(storage=cast(Storage, Gone(world.storage)), clock=world.clock, ttl=TTL)
    lease = await leases.take(ThreadId("t"))
    assert lease is not None

    async with leases.held(lease, TaskId("t")):
        await looking.wait()

    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_a_run_whose_task_is_gone_is_stopped(world: World) -> None:
    """Records of ended tasks are deleted after a time, and nothing may run of a task that nobody can see."""
    leases = Leases(storage=world.storage, clock=world.clock, ttl=TTL)
    lease = await leases.take(ThreadId("t"))
    assert lease is not None

    async with asyncio.timeout(10), leases.held(lease, TaskId("none")):
        await asyncio.Event().wait()

    assert await leases.take(ThreadId("t")) is not None


async def test_a_stop_from_outside_goes_before_that_of_a_lost_lease(world: World) -> None:
    """Both come at once: the one who waits for the end of the run must hear of its own."""
    leases = Leases(storage=world.storage, clock=world.clock, ttl=TTL)
    lease = await leases.take(ThreadId("t"))
    assert lease is not None

    async def runs() -> None:
        async with leases.held(lease, TaskId("none")):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                running.cancel()
                raise

    running = asyncio.create_task(runs())

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_bug_in_the_renewal_stops_the_run_and_is_raised() -> None:
    async with a_world(lease_ttl=TTL) as world:
        task = await decided(world)
        world.engine.pause_in(FIRST)
        storage = Lossy(world.storage, ZeroDivisionError())

        with pytest.raises(ZeroDivisionError):
            await over(world.delivery, cast(Storage, storage)).drive(task.id)

        assert world.engine.effects == []
        assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


# --- Of a process whose line renews them all ----------------------------------------------------


@dataclass
class Pulse:
    """A heart that does as a test wants."""

    beats: bool = True
    lapses: int = 0


class Counted(Lossy):
    """Storage that counts how often it is asked whether a lease is held."""

    asked = 0

    async def holds(self, lease: Lease, now: object) -> bool:
        self.asked += 1
        return await self._storage.holds(lease, now)  # type: ignore[arg-type]


def kept(world: World, heart: Pulse, ttl: timedelta = HOUR) -> tuple[Leases, Counted]:
    storage = Counted(world.storage)
    leases = Leases(storage=cast(Storage, storage), clock=world.clock, ttl=ttl, owner="worker-1", heart=heart)
    return leases, storage


async def test_while_the_heart_beats_storage_is_not_asked_whether_a_lease_is_held(world: World) -> None:
    leases, storage = kept(world, Pulse())
    lease = await leases.take(ThreadId("t"))
    assert lease is not None

    assert await leases.holds(ThreadId("t"), lease.token)
    assert storage.asked == 0
    assert lease.owner == "worker-1"


@pytest.mark.parametrize("heart", [Pulse(beats=False), Pulse(lapses=1)], ids=["no beat of late", "a lapse"])
async def test_after_a_lapse_storage_is_asked(world: World, heart: Pulse) -> None:
    leases, storage = kept(world, pulse := Pulse())
    lease = await leases.take(ThreadId("t"))
    assert lease is not None
    pulse.beats, pulse.lapses = heart.beats, heart.lapses

    assert await leases.holds(ThreadId("t"), lease.token)
    assert storage.asked == 1


async def test_a_token_of_earlier_is_looked_up_though_the_heart_beats(world: World) -> None:
    """Another run of this process may have taken the thread since."""
    leases, storage = kept(world, Pulse())
    first = await leases.take(ThreadId("t"))
    assert first is not None
    world.clock.advance(2 * HOUR)
    second = await leases.take(ThreadId("t"))
    assert second is not None

    assert not await leases.holds(ThreadId("t"), first.token)
    assert storage.asked == 1
    assert await leases.holds(ThreadId("t"), second.token)


async def test_a_lease_that_ran_out_in_a_lapse_is_renewed_unless_somebody_has_taken_it(world: World) -> None:
    leases, _ = kept(world, pulse := Pulse())
    lease = await leases.take(ThreadId("t"))
    assert lease is not None
    world.clock.advance(2 * HOUR)
    pulse.lapses = 1

    assert await leases.holds(ThreadId("t"), lease.token)
    assert await world.storage.lease(ThreadId("t"), HOUR, world.now) is None, "it is held again"

    world.clock.advance(2 * HOUR)
    assert await world.storage.lease(ThreadId("t"), HOUR, world.now) is not None
    assert not await leases.holds(ThreadId("t"), lease.token)


async def test_no_lease_is_noted_as_held_that_was_not_given(world: World) -> None:
    leases, storage = kept(world, Pulse())
    assert await world.storage.lease(ThreadId("t"), HOUR, world.now) is not None

    assert await leases.take(ThreadId("t")) is None
    assert not await leases.holds(ThreadId("t"), 0)
    assert storage.asked == 1


async def test_a_long_run_under_a_beating_heart_is_looked_at_without_renewing_its_lease(world: World) -> None:
    """The line renews it. The look is for whether it was lost, or the task cancelled."""
    looked = asyncio.Event()

    class Watched(Counted):
        async def task(self, id: TaskId) -> Task:
            looked.set()
            return await self._storage.task(id)

    task = await decided(world)
    storage, pulse = Watched(world.storage), Pulse()
    leases = Leases(storage=cast(Storage, storage), clock=world.clock, ttl=TTL, owner="worker-1", heart=pulse)
    lease = await leases.take(task.thread_id)
    assert lease is not None

    async with asyncio.timeout(10), leases.held(lease, task.id):
        await looked.wait()
        assert (storage.asked, storage.renewals) == (0, 0)
        pulse.lapses = 1
        world.clock.advance(HOUR)
        assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None
        await asyncio.Event().wait()  # until the next look finds that

    assert storage.asked == 1


# --- Driven alone -------------------------------------------------------------------------------


async def begun(world: World, tries: int) -> Task:
    """A task whose answer was being delivered when its process died."""
    task = await decided(world)
    task = await world.task(task.id)
    return await world.storage.save_task(
        replace(task, state=Running(), tries=tries), AuditEvent(kind="running", at=world.now, task_id=task.id)
    )


@pytest.mark.parametrize(("tries", "told"), [(0, False), (1, True), (2, True)])
async def test_a_task_that_never_came_back_is_driven_in_a_process_of_its_own(
    world: World, tries: int, told: bool
) -> None:
    task = await begun(world, tries)
    alone: list[TaskId] = []

    assert await replace(world.delivery, alone=alone.append).drive(task.id) is True

    assert alone == ([task.id] if told else [])
    assert (world.engine.effects == []) is told
    assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


async def test_the_process_that_is_for_it_alone_drives_it(world: World) -> None:
    task = await begun(world, 2)

    assert await world.delivery.drive(task.id) is True

    assert len(world.engine.effects) == 1


async def test_how_its_last_process_ended_is_said_when_a_task_is_given_up(world: World) -> None:
    task = await begun(world, MAX_ATTEMPTS)

    await replace(world.delivery, why="was killed by SIGSEGV").drive(task.id)

    state = (await world.task(task.id)).state
    assert isinstance(state, Failed)
    assert state.failure.summary == (f"it was begun {MAX_ATTEMPTS} times, but its process was killed by SIGSEGV")


@pytest.mark.parametrize(
    ("tries", "deaths", "driven"),
    [(MAX_DEADLY, MAX_DEADLY - 2, True), (MAX_DEADLY - 1, MAX_DEADLY, True), (MAX_DEADLY, MAX_DEADLY - 1, False)],
)
async def test_a_task_that_ended_processes_of_its_own_is_given_up_sooner(
    world: World, tries: int, deaths: int, driven: bool
) -> None:
    """The machine may have been lost, or another task may have ended a process that both ran in."""
    task = await begun(world, tries)

    await replace(world.delivery, deaths=deaths, why="exited with code 3").drive(task.id)

    assert len(world.engine.effects) == driven


class Late:
    """A heart that has not beaten for too long."""

    beats = False
    lapses = 0


async def test_whoever_is_late_with_its_siblings_beats_takes_no_thread(world: World) -> None:
    task = await decided(world)
    leases = Leases(storage=world.storage, clock=lambda: world.now, ttl=TTL, owner="worker-1", heart=Late())

    assert await leases.take(task.thread_id) is None
    assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


async def test_whoever_hides_secrets_is_told_of_a_task_before_it_runs(world: World) -> None:
    task = await decided(world)
    seen: list[tuple[TaskId, int, int]] = []

    def see(of: Task, requests: Sequence[Request]) -> None:
        seen.append((of.id, len(requests), len(world.engine.effects)))

    await replace(world.delivery, seen=see).drive(task.id)

    assert seen[0] == (task.id, 1, 0)


class Deaf(Lossy):
    """Storage that does what it is asked, and loses its answer once."""

    def __init__(self, storage: Storage, loses: str) -> None:
        super().__init__(storage)
        self._loses = [loses]

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime, owner: str = "") -> Lease | None:
        lease = await self._storage.lease(thread_id, ttl, now, owner)
        self._lose("lease")
        return lease

    async def release(self, lease: Lease) -> None:
        if "release" not in self._loses:
            await self._storage.release(lease)
        self._lose("release")

    def _lose(self, answer: str) -> None:
        if answer in self._loses:
            self._loses.remove(answer)
            raise Unreachable("storage")


@pytest.mark.parametrize("loses", ["lease", "release"])
async def test_a_lease_in_doubt_is_given_back_although_its_process_lives(world: World, loses: str) -> None:
    task = await decided(world)
    world.storage.beat(["me"], HOUR, world.now)
    leases = Leases(
        storage=cast(Storage, Deaf(world.storage, loses)), clock=world.clock, ttl=TTL, owner="me", heart=Pulse()
    )
    delivery = replace(over(world.delivery, world.storage), leases=leases)
    with pytest.raises(Unreachable):
        await delivery.drive(task.id)
    assert await world.storage.lease(task.thread_id, TTL, world.now, "another") is None

    await leases.settle()

    assert await world.storage.lease(task.thread_id, TTL, world.now, "another") is not None


async def test_a_thread_in_doubt_is_driven_again_by_the_same_process(world: World) -> None:
    task = await decided(world)
    leases = Leases(
        storage=cast(Storage, Deaf(world.storage, "lease")), clock=world.clock, ttl=TTL, owner="me", heart=Pulse()
    )
    delivery = replace(over(world.delivery, world.storage), leases=leases)
    with pytest.raises(Unreachable):
        await delivery.drive(task.id)

    assert await delivery.drive(task.id) is True
    assert len(await world.history(task, "delivered")) == 1
