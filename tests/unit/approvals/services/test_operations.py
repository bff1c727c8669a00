"""What an operator does to anybody's task: at once, told in the record, and finished by whoever sweeps next."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import Cancelled
from bot.approvals.model.errors import NotFound, NothingToRetry, TaskFinished
from bot.approvals.model.ids import Operator, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Decided, Delivered, Superseded
from bot.approvals.model.task import Ended, Failed, Failure, Running, Task, TaskCancelled, TaskState, Waiting
from bot.approvals.model.webhook import WebhookKind
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.rules import lifecycle
from bot.approvals.rules.calls import CallStatus
from bot.approvals.services.operations import Operations
from tests.support.fakes.clock import MORNING
from tests.support.fakes.shop import Shop, a_call
from tests.support.fakes.world import ALICE, FIRST, SECOND, World, a_world, question
from tests.unit.approvals.services.asking import asked

OPERATOR = Operator(login="olga")
SIGNED = "olga, by command"


def operations(world: World, storage: Storage | None = None) -> Operations:
    return Operations(storage=storage or world.storage, work=world.work, by=OPERATOR, signature=SIGNED)


async def given_up(world: World) -> Task:
    """A task whose answer the agent did not take, so often that it is not tried again by itself."""
    world.engine.failures[FIRST] = lifecycle.MAX_ATTEMPTS
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()
    for _ in range(lifecycle.MAX_ATTEMPTS):
        await world.later(lifecycle.LAST_RETRY)
    return await world.task(request.task_id)


# --- Cancelling ---------------------------------------------------------------------------------


async def test_a_cancelled_task_is_over_and_its_requests_are_closed(world: World) -> None:
    """Whoever started it, and without a person in Slack: the record says which operator, and why."""
    request = await asked(world)

    records = await operations(world).cancel(request.task_id, world.now, "stuck since Monday")
    await world.settle()

    over = TaskCancelled(by=OPERATOR, at=world.now, reason="stuck since Monday")
    assert records.task.state == over
    closed = await world.storage.request(request.id)
    assert isinstance(closed.state, Delivered)
    assert closed.decision == Cancelled(by=OPERATOR, at=world.now, reason="stuck since Monday")
    assert world.engine.runs == ["start"]
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1
    events = await world.history(records.task, "cancelled")
    assert [event.request_id for event in events] == [None, request.id]
    for event in events:
        assert (event.person, event.data["by"], event.data["reason"]) == (None, SIGNED, "stuck since Monday")


async def test_no_reason_is_recorded_as_none(world: World) -> None:
    request = await asked(world)

    records = await operations(world).cancel(request.task_id, world.now)

    (event, _) = await world.history(records.task, "cancelled")
    assert event.data == {"by": SIGNED}


async def test_a_sweep_finishes_a_cancellation_that_nobody_was_told_of(world: World) -> None:
    """The command may have died, or no bot was running."""
    request = await asked(world)
    await operations(world).cancel(request.task_id, world.now)
    world.be_born()

    await world.later(timedelta(seconds=1))

    assert isinstance((await world.storage.request(request.id)).state, Delivered)
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1


async def test_a_sweep_closes_a_decision_whose_delivery_was_given_up(world: World) -> None:
    """No sweep would come back to it otherwise, and its card would offer a retry for ever."""
    task = await given_up(world)
    assert isinstance(task.state, Failed)
    await operations(world).cancel(task.id, world.now)
    world.be_born()

    await world.later(timedelta(seconds=1))

    assert isinstance((await world.request(task)).state, Superseded)
    assert world.engine.effects == []


async def test_cancelling_leaves_alone_what_was_delivered_before() -> None:
    async with a_world({FIRST: question()}, {SECOND: question()}) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        await world.settle()
        first = await world.request(task)

        await operations(world).cancel(task.id, world.now)

        assert await world.request(task) == first
        assert isinstance((await world.request(task, SECOND)).decision, Cancelled)


async def test_a_run_that_is_under_way_is_stopped() -> None:
    """Whoever runs it looks at the record now and then, and drops what it does."""
    async with a_world(lease_ttl=timedelta(milliseconds=60)) as world:
        pause = world.engine.pause_in(FIRST)
        request = await asked(world)
        await world.vote(ALICE, on=request)
        run = asyncio.create_task(world.settle())
        await pause.reached.wait()

        await operations(world).cancel(request.task_id, world.now)
        await run

        assert world.engine.effects == []
        assert isinstance((await world.task(request.task_id)).state, TaskCancelled)
        assert isinstance((await world.storage.request(request.id)).state, Superseded)


async def test_what_is_over_cannot_be_cancelled(world: World) -> None:
    request = await asked(world)
    await operations(world).cancel(request.task_id, world.now)

    with pytest.raises(TaskFinished):
        await operations(world).cancel(request.task_id, world.now)

    assert len(await world.history(await world.task(request.task_id), "cancelled")) == 2


async def test_what_does_not_exist_can_neither_be_cancelled_nor_retried(world: World) -> None:
    with pytest.raises(NotFound):
        await operations(world).cancel(TaskId("nothing"), world.now)
    with pytest.raises(NotFound):
        await operations(world).retry(TaskId("nothing"), world.now)


async def test_of_two_operators_one_is_first(world: World) -> None:
    """The other one is told so, although both had seen the task open."""
    request = await asked(world)

    class SawItOpen:
        def __init__(self, seen: Records) -> None:
            self.seen: list[Records] = [seen]

        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def records_of(self, task_id: TaskId) -> Records:
            return self.seen.pop() if self.seen else await world.storage.records_of(task_id)

    storage = cast(Storage, SawItOpen(await world.storage.records_of(request.task_id)))
    await operations(world).cancel(request.task_id, world.now, "first")

    with pytest.raises(TaskFinished):
        await operations(world, storage).cancel(request.task_id, world.now, "second")

    state = (await world.task(request.task_id)).state
    assert isinstance(state, TaskCancelled)
    assert state.reason == "first"


# --- Cancelling what a program asks ---------------------------------------------------------------


async def test_a_program_is_told_that_an_operator_cancelled_its_request(world: World) -> None:
    """At once, and by its webhook."""
    shop = Shop(world)
    request = await shop.asked()
    assert is_of_caller(request.task_id)

    await operations(world).cancel(request.task_id, world.now, "duplicate")

    view = await shop.of(request.id)
    assert view.status is CallStatus.CANCELLED
    assert view.request is not None
    assert view.request.decision == Cancelled(by=OPERATOR, at=world.now, reason="duplicate")
    (webhook,) = await world.storage.webhooks_of(request.task_id)
    assert webhook.kind is WebhookKind.CANCELLED
    await shop.settle()
    assert await world.storage.webhooks_of(request.task_id) == (webhook,)


async def test_a_program_is_told_even_if_nobody_was_asked_yet(world: World) -> None:
    shop = Shop(world)
    made = await shop.ask(a_call())

    await operations(world).cancel(made.task.id, world.now)

    (webhook,) = await world.storage.webhooks_of(made.task.id)
    assert webhook.kind is WebhookKind.CANCELLED
    await shop.settle()
    assert await world.requests(made.task) == ()


# --- Retrying -----------------------------------------------------------------------------------


async def test_a_task_that_was_given_up_goes_on(world: World) -> None:
    task = await given_up(world)

    records = await operations(world).retry(task.id, world.now)
    await world.settle()

    assert records.task.tries == 0
    assert isinstance((await world.task(task.id)).state, Ended)
    assert isinstance((await world.request(task)).state, Delivered)
    events = await world.history(task, "retried")
    assert [(event.person, event.data) for event in events] == [(None, {"by": SIGNED})] * 2


async def test_a_sweep_tries_again_what_nobody_was_told_of(world: World) -> None:
    task = await given_up(world)
    await operations(world).retry(task.id, world.now)
    world.be_born()

    await world.later(timedelta(seconds=1))

    assert isinstance((await world.task(task.id)).state, Ended)


async def test_a_retry_leaves_open_questions_open() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        world.engine.failures[FIRST] = 1
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        await world.settle()
        second = await world.request(task, SECOND)

        await operations(world).retry(task.id, world.now)

        assert await world.request(task, SECOND) == second
        assert isinstance((await world.request(task)).state, Decided)


@pytest.mark.parametrize(
    "state",
    [
        Waiting(),
        Running(),
        Ended(outcome="", at=MORNING),
        Failed(failure=Failure(error_id="e1", summary="gone", at=MORNING), retryable=False),
    ],
    ids=lambda state: type(state).__name__,
)
async def test_what_cannot_go_on_or_is_not_stopped_by_an_error_is_not_tried_again(
    world: World, state: TaskState
) -> None:
    task = await world.started()
    stood = await world.storage.save_task(
        replace(task, state=state), AuditEvent(kind="touched", at=world.now, task_id=task.id)
    )

    with pytest.raises(NothingToRetry):
        await operations(world).retry(task.id, world.now)

    assert await world.task(task.id) == stood
    assert await world.history(task, "retried") == []
