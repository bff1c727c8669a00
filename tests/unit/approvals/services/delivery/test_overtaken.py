"""What a drive finds changed: a task that was cancelled meanwhile, an interrupt or a thread that is gone."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Cancelled
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered, Superseded
from bot.approvals.model.task import Failed, TaskCancelled
from bot.approvals.ports.storage import Change, Storage
from bot.approvals.rules import lifecycle
from tests.support.fakes.wiring import over
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, RITA, SECOND, World, a_world, question
from tests.unit.approvals.services.delivery.driven import TTL, decided

HOUR = timedelta(hours=1)


# --- Cancelled meanwhile ------------------------------------------------------------------------


async def test_a_running_step_of_a_cancelled_task_is_stopped_and_the_graph_is_not_resumed_again() -> None:
    async with a_world(lease_ttl=TTL) as world:
        task = await decided(world)
        pause = world.engine.pause_in(FIRST)
        driving = asyncio.create_task(world.delivery.drive(task.id))
        await pause.reached.wait()

        await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)
        await driving
        await world.settle()
        await world.later(HOUR)

        assert world.engine.effects == []
        assert world.engine.runs == ["start", "resume i-first"]
        assert isinstance((await world.task(task.id)).state, TaskCancelled)
        assert isinstance((await world.request(task)).state, Superseded)


async def test_what_a_graph_asks_in_the_moment_of_its_cancelling_is_never_shown() -> None:
    async with a_world({}, {FIRST: question()}) as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        pause = world.engine.pause_in("step 0")
        driving = asyncio.create_task(world.delivery.drive(task.id))
        await pause.reached.wait()

        class CancelledInBetween:
            """A person cancels just before the request and the task are stored."""

            def __getattr__(self, name: str) -> object:
                return getattr(world.storage, name)

            async def save_all(self, changes: Sequence[Change], *, durable: bool = True) -> None:
                if any(change.opens for change in changes):
                    await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)
                await world.storage.save_all(changes, durable=durable)

        driving.cancel()
        await asyncio.wait([driving])
        pause.go.set()
        await over(world.delivery, cast(Storage, CancelledInBetween())).drive(task.id)

        assert isinstance((await world.task(task.id)).state, TaskCancelled)
        assert await world.requests(task) == ()
        assert await world.messages_of(task, MessageKind.CARD) == []


async def test_a_crash_on_the_way_of_a_cancelling_loses_nothing_of_it() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        first, _ = await world.requests(task)
        event = AuditEvent(kind="cancelled", at=world.now, task_id=task.id, request_id=first.id, person=RITA)
        await world.storage.save_request(lifecycle.cancel(first, RITA, world.now), event)

        await world.later(timedelta())

        assert (await world.task(task.id)).state == TaskCancelled(by=RITA, at=first.opened_at)
        for request in await world.storage.requests_of(task.id):
            assert isinstance(request.state, Delivered)
            assert isinstance(request.decision, Cancelled)
        assert world.engine.effects == []


# --- Gone ---------------------------------------------------------------------------------------


async def test_an_answer_whose_interrupt_vanished_untried_is_superseded(world: World) -> None:
    task = await decided(world)
    world.engine.answer_elsewhere(task.thread_id, FIRST)

    await world.settle()

    assert isinstance((await world.request(task)).state, Superseded)
    assert [run for run in world.engine.runs if run.startswith("resume")] == []


async def test_an_open_request_whose_interrupt_vanished_is_superseded() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        world.engine.answer_elsewhere(task.thread_id, SECOND)

        await world.vote(ALICE, on=await world.request(task))
        await world.settle()

        assert isinstance((await world.request(task)).state, Delivered)
        assert isinstance((await world.request(task, SECOND)).state, Superseded)


async def test_a_thread_whose_checkpoints_are_gone_is_lost_and_says_so(world: World) -> None:
    task = await decided(world)
    world.engine.lose(task.thread_id)

    await world.settle()

    assert isinstance((await world.request(task)).state, Superseded)
    state = (await world.task(task.id)).state
    assert isinstance(state, Failed)
    assert not state.retryable
    assert "saved state is gone" in state.failure.summary
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1
    assert world.engine.runs == ["start"]


async def test_a_lost_thread_leaves_alone_what_was_delivered_before() -> None:
    async with a_world({FIRST: question()}, {SECOND: question()}) as world:
        task = await decided(world)
        await world.settle()
        world.engine.lose(task.thread_id)
        await world.vote(ALICE, on=await world.request(task, SECOND))

        await world.settle()

        assert isinstance((await world.request(task)).state, Delivered)
