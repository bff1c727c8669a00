"""Tasks over the real storage: how they are started, cancelled, looked at and tried again."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.actor import COMMAND, Actor
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Cancelled
from bot.approvals.model.errors import NothingToRetry, NotYours, TaskFinished, UnknownGraph, Unreachable
from bot.approvals.model.ids import MessageRef, Person, TaskId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered, Request
from bot.approvals.model.server import OnServer, server_of, task_of_thread
from bot.approvals.model.task import Ended, Failed, Starting, TaskCancelled
from bot.approvals.ports.storage import Storage
from tests.support.fakes.world import ALICE, BOB, CHANNEL, FIRST, RITA, SECOND, STRANGER, World, a_world, question
from tests.unit.approvals.services.asking import asked

# --- Starting -----------------------------------------------------------------------------------


async def test_a_started_task_is_recorded_with_its_message_before_anything_runs(world: World) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {"days": "3"}, CHANNEL)

    assert await world.task(task.id) == task
    assert task.state == Starting()
    assert task.inputs == {"days": "3"}
    assert (await world.message(task, MessageKind.OPENING)).shown == -1
    assert world.engine.runs == []
    assert (world.work.deliveries, world.work.syncs) == ([task.id], [task.id])


@pytest.mark.parametrize(("name", "own"), [("prod/cleanup", "cleanup"), ("deploy", "deploy")])
async def test_a_task_of_a_server_is_known_by_it_and_by_what_the_server_calls_its_agent(
    world: World, name: str, own: str
) -> None:
    """So policies match the same name whether or not another agent has it too."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), name, {}, CHANNEL)

    assert await world.task(task.id) == task
    assert (task.graph, task.server) == (own, OnServer(name="prod"))
    assert task.id == task_of_thread("prod", task.thread_id)
    assert server_of(task.id) == "prod"


async def test_a_graph_that_is_not_known_starts_nothing(world: World) -> None:
    with pytest.raises(UnknownGraph):
        await world.tasks.start(world.actor(RITA, COMMAND), "nonsense", {}, CHANNEL)

    assert await world.storage.tasks_of(RITA, 10) == ()


# --- Cancelling ---------------------------------------------------------------------------------


async def test_a_cancelled_task_settles_its_open_requests_and_its_graph_is_not_resumed(world: World) -> None:
    request = await asked(world)

    task = await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)
    await world.settle()

    assert task.state == TaskCancelled(by=RITA, at=world.now)
    closed = await world.storage.request(request.id)
    assert isinstance(closed.state, Delivered)
    assert closed.decision == Cancelled(by=RITA, at=world.now)
    assert world.engine.runs == ["start"]
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1


async def test_cancelling_leaves_alone_what_was_decided_before() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        first = await world.vote(ALICE, on=await world.request(task))

        await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)

        assert await world.request(task) == first
        assert isinstance((await world.request(task, SECOND)).decision, Cancelled)


async def test_only_the_requester_may_cancel(world: World) -> None:
    request = await asked(world)

    with pytest.raises(NotYours, match="U-RITA"):
        await world.tasks.cancel(world.actor(ALICE, COMMAND), request.task_id)

    assert await world.storage.request(request.id) == request


async def test_what_is_over_cannot_be_cancelled(world: World) -> None:
    request = await asked(world)
    await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)

    with pytest.raises(TaskFinished):
        await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)


async def test_an_answer_that_is_faster_than_the_cancelling_of_its_request_stands(world: World) -> None:
    request = await asked(world)
    vote = await world.vote(ALICE, on=request)

    class SeesItOpen:
        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
            return (request,)  # as it was a moment ago

    tasks = replace(world.tasks, unit=replace(world.tasks.unit, storage=cast(Storage, SeesItOpen())))
    await tasks.cancel(Actor(person=RITA, surface=COMMAND, at=world.now), request.task_id)

    assert await world.storage.request(request.id) == vote


async def test_a_task_that_ended_while_it_was_being_cancelled_stays_as_it_ended(world: World) -> None:
    request = await asked(world)
    task = await world.task(request.task_id)

    class EndsMeanwhile:
        """The graph ends between the cancelling of the request and that of the task."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
            ended = replace(await world.storage.task(task_id), state=Ended(outcome="done", at=world.now))
            await world.storage.save_task(ended, AuditEvent(kind="ended", at=world.now, task_id=task_id))
            return ()

    tasks = replace(world.tasks, unit=replace(world.tasks.unit, storage=cast(Storage, EndsMeanwhile())))

    assert (await tasks.cancel(Actor(person=RITA, surface=COMMAND, at=world.now), task.id)).state == Ended(
        outcome="done", at=world.now
    )


# --- Looking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [RITA, ALICE], ids=["its requester", "whom it asked"])
async def test_a_task_is_shown_to(world: World, who: Person) -> None:
    task = await world.started()

    assert await world.tasks.look(world.actor(who), task.id) == task


async def test_a_task_is_not_shown_to_strangers(world: World) -> None:
    task = await world.started()

    with pytest.raises(NotYours):
        await world.tasks.look(world.actor(STRANGER), task.id)


async def test_a_surface_is_drawn_again_in_its_place(world: World) -> None:
    task = await world.started()
    card = await world.message(task, MessageKind.CARD)
    assert card.ref is not None

    await world.tasks.redraw(card.ref)
    await world.settle()

    assert world.messenger.calls == ["post", "post", "update"]
    assert (await world.message(task, MessageKind.CARD)).ref == card.ref


async def test_a_late_click_on_a_card_that_is_just_being_drawn_leaves_it_to_whoever_draws_it(world: World) -> None:
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    card = await world.message(task, MessageKind.CARD)
    assert card.ref is not None
    claimed = await world.storage.save_message(replace(card, not_before=world.now + timedelta(minutes=1)))

    await world.tasks.redraw(card.ref)

    assert await world.message(task, MessageKind.CARD) == claimed


async def test_where_nothing_stands_nothing_is_drawn(world: World) -> None:
    await world.started()

    await world.tasks.redraw(MessageRef(channel=CHANNEL, ts=Ts("1.0")))

    assert world.work.syncs == []


async def test_nobody_but_the_requester_sees_a_task_while_people_cannot_be_looked_up(world: World) -> None:
    task = await world.started()
    world.directory.down = True

    assert await world.tasks.look(world.actor(RITA), task.id) == task
    with pytest.raises(Unreachable):
        await world.tasks.look(world.actor(ALICE), task.id)


# --- Retrying -----------------------------------------------------------------------------------


async def test_a_retry_brings_a_stopped_task_and_its_decision_on_again(world: World) -> None:
    world.engine.failures[FIRST] = 1
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()
    task = await world.task(request.task_id)
    assert isinstance(task.state, Failed)

    await world.tasks.retry(world.actor(BOB), task.id)
    await world.settle()

    assert isinstance((await world.storage.request(request.id)).state, Delivered)
    assert {event.person for event in await world.history(task, "retried")} == {BOB}


async def test_a_stranger_may_not_retry(world: World) -> None:
    world.engine.failures[FIRST] = 1
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()

    with pytest.raises(NotYours):
        await world.tasks.retry(world.actor(STRANGER), request.task_id)


async def test_a_task_that_is_not_stopped_by_an_error_has_nothing_to_retry(world: World) -> None:
    task = await world.started()

    with pytest.raises(NothingToRetry):
        await world.tasks.retry(world.actor(BOB), task.id)


async def test_a_task_that_cannot_go_on_has_nothing_to_retry(world: World) -> None:
    world.engine.broken_after = {0}
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()

    with pytest.raises(NothingToRetry):
        await world.tasks.retry(world.actor(BOB), request.task_id)


async def test_a_retry_leaves_open_questions_open() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        world.engine.failures[FIRST] = 1
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        await world.settle()
        second = await world.request(task, SECOND)

        await world.tasks.retry(world.actor(RITA), task.id)

        assert await world.request(task, SECOND) == second
