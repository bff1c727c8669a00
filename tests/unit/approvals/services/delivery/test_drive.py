"""From a decided request to the resumed graph, and to what the graph asks next."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Approve, Cancelled, Expired, Reject
from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.ids import InterruptId, RequestId, TaskId, ThreadId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Expire, Step
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import (
    Ended,
    Failed,
    Failure,
    Lease,
    Running,
    Starting,
    Task,
    TaskCancelled,
    TaskState,
    Waiting,
)
from bot.approvals.ports.engine import Draining, Engine, Unsaved
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.rules import lifecycle
from bot.approvals.rules.lifecycle import MOST_ATTEMPTS
from bot.approvals.rules.next_action import GiveUp, Move, Proceed, Record, Resume, Start, next_move
from bot.approvals.services.delivery.leasing import held
from tests.support.fakes.clock import MORNING
from tests.support.fakes.wiring import over
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CHANNEL,
    FIRST,
    RITA,
    SECOND,
    World,
    a_request,
    a_world,
    item,
    policy,
    question,
)

HOUR = timedelta(hours=1)
FAILURE = Failure(error_id="e1", summary="ValueError", at=MORNING)
APPROVED = Answered(verdicts=(Approve(),), voters=(ALICE,), edited=False, at=MORNING)
ASKED = (Asked(interrupt_id=FIRST, question=question()),)


# --- The next move ------------------------------------------------------------------------------


def a_task(state: TaskState) -> Task:
    return Task(
        id=TaskId("t1"),
        thread_id=ThreadId("thread-1"),
        graph="cleanup",
        inputs={},
        requester=RITA,
        channel=CHANNEL,
        created_at=MORNING,
        state=state,
    )


DUE = a_request(state=Decided(decision=APPROVED, next_try=MORNING))
PUT_OFF = a_request(state=Decided(decision=APPROVED, next_try=MORNING + HOUR))
EXHAUSTED = a_request(state=Decided(decision=APPROVED, next_try=None, failure=FAILURE))
CALLED_OFF = a_request(state=Decided(decision=Cancelled(by=RITA, at=MORNING), next_try=MORNING))
OPEN = a_request()
FAILED = Failed(failure=FAILURE, retryable=True)

WAITS = ThreadStatus(phase=Phase.WAITING, asked=ASKED)
ANSWERED = ThreadStatus(phase=Phase.FAILED, answered=frozenset({FIRST}))
LOST = ThreadStatus(phase=Phase.LOST)
STOPPED = ThreadStatus(phase=Phase.STOPPED)
RAISED = ThreadStatus(phase=Phase.FAILED)
DONE = ThreadStatus(phase=Phase.DONE)
BROKEN = ThreadStatus(phase=Phase.BROKEN)


@pytest.mark.parametrize(
    ("state", "requests", "status", "move"),
    [
        pytest.param(Starting(), [], LOST, Start(), id="a new task is started"),
        pytest.param(Starting(), [OPEN], LOST, GiveUp(), id="one that has asked before is not started again"),
        pytest.param(Running(), [], LOST, GiveUp(), id="one that ran before is not started again"),
        pytest.param(Waiting(), [OPEN], LOST, GiveUp(), id="lost checkpoints are given up"),
        pytest.param(FAILED, [], LOST, Record(), id="a failed start waits for a retry"),
        pytest.param(FAILED, [DUE], LOST, GiveUp(), id="lost checkpoints are given up after a failure too"),
        pytest.param(Waiting(), [DUE], WAITS, Resume(DUE), id="an open interrupt is answered"),
        pytest.param(FAILED, [DUE], ANSWERED, Proceed(DUE), id="an answer that was taken is not given again"),
        pytest.param(Waiting(), [PUT_OFF], WAITS, Record(), id="nothing is tried before its time"),
        pytest.param(FAILED, [EXHAUSTED], ANSWERED, Record(), id="nothing is tried for ever"),
        pytest.param(Waiting(), [CALLED_OFF], WAITS, Record(), id="a cancelled request resumes nothing"),
        pytest.param(Waiting(), [OPEN], WAITS, Record(), id="an open request resumes nothing"),
        pytest.param(Running(), [DUE], DONE, Record(), id="an answer that got through is recorded"),
        pytest.param(Running(), [DUE], STOPPED, Proceed(), id="a thread that stopped past its answer goes on"),
        pytest.param(Running(), [], STOPPED, Proceed(), id="a thread that stopped goes on"),
        pytest.param(Running(), [], RAISED, Proceed(), id="a run that died while failing is tried once more"),
        pytest.param(Starting(), [], RAISED, Proceed(), id="a retry runs the failed node again"),
        pytest.param(Running(), [PUT_OFF], RAISED, Record(), id="a failed answer waits for its time"),
        pytest.param(FAILED, [], RAISED, Record(), id="a failed task waits for a person"),
        pytest.param(Running(), [], DONE, Record(), id="an ended thread is recorded"),
        pytest.param(Running(), [DUE], BROKEN, Record(), id="a broken thread is recorded"),
    ],
)
def test_the_next_move(state: TaskState, requests: Sequence[Request], status: ThreadStatus, move: Move) -> None:
    assert next_move(a_task(state), requests, status, MORNING) == move


def test_one_answer_at_a_time_in_the_order_of_the_requests() -> None:
    second = replace(DUE, id=RequestId("r2"), interrupt_id=SECOND)
    both = ThreadStatus(phase=Phase.WAITING, asked=(*ASKED, Asked(interrupt_id=SECOND, question=question())))

    assert next_move(a_task(Waiting()), [DUE, second], both, MORNING) == Resume(DUE)
    assert next_move(a_task(Waiting()), [PUT_OFF, second], both, MORNING) == Resume(second)


# --- A straight run -----------------------------------------------------------------------------


async def decided(world: World, *, reject: bool = False) -> Task:
    """A task whose one request was just answered, with nothing driven since."""
    task = await world.started()
    verdict = Reject(reason="no") if reject else Approve()
    await world.vote(ALICE, verdict, on=await world.request(task))
    return task


async def failure_of(world: World, task: Task) -> Failure:
    state = (await world.task(task.id)).state
    assert isinstance(state, Failed)
    return state.failure


async def test_a_started_graph_waits_with_a_request_and_its_card(world: World) -> None:
    task = await world.started()

    request = await world.request(task)
    assert task.state == Waiting()
    assert isinstance(request.state, Pending)
    assert [person.user_id for person in request.open.asked] == ["U-ALICE", "U-BOB", "U-CAROL", "U-RITA"], (
        "and no guest"
    )
    (opened,) = await world.history(task, "opened")
    assert (opened.digest, opened.rule) == (request.digest, "default")
    assert len(world.messenger.of(MessageKind.CARD)) == 1


async def test_the_graph_gets_the_answer_once_and_the_task_ends(world: World) -> None:
    task = await decided(world)

    await world.settle()

    request = await world.request(task)
    assert request.state == Delivered(decision=cast(Answered, request.decision), at=world.now)
    assert [(name, cast(dict[str, str], answer)["outcome"]) for name, answer in world.engine.effects] == [
        (FIRST, "approve")
    ]
    assert (await world.task(task.id)).state == Ended(outcome="all clean", at=world.now)
    assert len(world.messenger.of(MessageKind.OUTCOME)) == 1
    assert [event.kind for event in await world.storage.history(task.id)] == [
        *("started", "running", "opened", "waiting", "shown", "voted"),
        *("running", "resume_begun", "ended", "delivered"),
    ]


async def test_a_rejection_is_delivered_like_any_answer(world: World) -> None:
    await decided(world, reject=True)

    await world.settle()

    ((_, answer),) = world.engine.effects
    assert cast(dict[str, str], answer)["outcome"] == "reject"


async def test_what_runs_is_what_was_approved_last(world: World) -> None:
    task = await world.started()
    request = await world.request(task)
    edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/older"})
    await world.vote(ALICE, on=edited)

    await world.settle()

    ((_, answer),) = world.engine.effects
    assert cast(dict[str, object], answer) == {
        "outcome": "edit",
        "said": ["Approve"],
        "arguments": [{"path": "/older"}],
    }


async def test_a_graph_that_asks_again_gets_a_new_request_in_the_same_task() -> None:
    async with a_world({FIRST: question()}, {}, {SECOND: question(title="Sure?")}) as world:
        task = await decided(world)

        await world.settle()

        assert isinstance((await world.request(task)).state, Delivered)
        assert isinstance((await world.request(task, SECOND)).state, Pending)
        assert (await world.task(task.id)).state == Waiting()


async def test_a_graph_that_asks_nothing_ends_by_itself() -> None:
    async with a_world({}) as world:
        task = await world.started()

        assert isinstance(task.state, Ended)


async def test_the_policy_of_a_request_is_chosen_by_its_risk_and_nobody_is_shown_when_slack_is_silent(
    world: World,
) -> None:
    world.directory.down = True

    task = await world.started()

    assert (await world.request(task)).open.asked == ()
    assert (await world.request(task)).policy == policy()


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST)])
async def test_two_parallel_interrupts_may_be_answered_in_either_order(order: tuple[InterruptId, ...]) -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()

        for interrupt_id in order:
            assert (await world.task(task.id)).state == Waiting()
            await world.vote(ALICE, on=await world.request(task, interrupt_id))
            await world.settle()

        assert [name for name, _ in world.engine.effects] == list(order)
        assert all(isinstance(request.state, Delivered) for request in await world.requests(task))
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_two_answers_that_wait_at_the_same_time_are_given_one_after_the_other() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        task = await world.started()
        for interrupt_id in (FIRST, SECOND):
            await world.vote(ALICE, on=await world.request(task, interrupt_id))

        await world.settle()

        assert world.engine.runs == ["start", "resume i-first", "resume i-second"]
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_a_question_that_changes_while_it_waits_voids_the_votes_given_on_it() -> None:
    async with a_world({FIRST: question(), SECOND: question()}, otherwise=policy(quorum=2)) as world:
        task = await world.started()
        shown = await world.request(task, SECOND)
        await world.vote(ALICE, on=shown)
        world.engine.stages[0][SECOND] = question(item(arguments={"path": "/everything"}))
        for approver in (ALICE, BOB):
            await world.vote(approver, on=await world.request(task))

        await world.settle()

        changed = await world.request(task, SECOND)
        assert (changed.version, changed.votes) == (2, ())
        assert changed.digest != shown.digest
        assert len(await world.history(task, "asked_anew")) == 1


# --- Whose thread it is -------------------------------------------------------------------------


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


TTL = timedelta(milliseconds=30)
"""Of loop time, so that a renewal is due at once; the manual clock stands still."""


class Lossy:
    """Storage whose renewals do what a test wants: first raise what it names, one after the other, then work."""

    def __init__(self, storage: Storage, *renewals: Exception) -> None:
        self._storage = storage
        self._loop = asyncio.get_running_loop()
        self._renewals = list(renewals)
        self.renewals = 0
        self.renewed = asyncio.Event()
        """Two renewals got through."""
        self.after_two: Callable[[], None] = lambda: None
        """Called then, in the thread that renews."""

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        if self._renewals:
            raise self._renewals.pop(0)
        renewed = self._storage.renew(lease, ttl, now)
        self.renewals += 1
        if self.renewals == 2:
            self.after_two()
            self._loop.call_soon_threadsafe(self.renewed.set)
        return renewed


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


# --- Runs are counted ---------------------------------------------------------------------------


async def killed_in_a_run(world: World, task: Task) -> None:
    """A process that dies inside of the node, and what the next one finds once the lease has run out."""
    storage = world.storage
    lease = await storage.lease(task.thread_id, HOUR, world.now)
    assert lease is not None
    pause = world.engine.pause_in(FIRST)
    await storage.release(lease)
    driving = asyncio.create_task(world.delivery.drive(task.id))
    await pause.reached.wait()
    driving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await driving
    world.engine.pauses.clear()


async def test_runs_that_end_with_their_process_are_counted_and_at_last_nothing_but_a_person_begins_another(
    world: World,
) -> None:
    task = await decided(world)
    for _ in range(MOST_ATTEMPTS):
        await killed_in_a_run(world, task)
    for _ in range(3):
        await world.later(HOUR)

    assert world.engine.effects == []
    state = (await world.task(task.id)).state
    assert isinstance(state, Failed)
    assert state.retryable
    assert state.failure.summary == "it was begun 8 times and never came to an end"
    assert len(await world.messages_of(task, MessageKind.OUTCOME)) == 1

    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()

    assert [id for id, _ in world.engine.effects] == [FIRST]
    assert isinstance((await world.task(task.id)).state, Ended)


async def test_a_run_is_counted_before_it_begins_and_no_more_once_it_came_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    counted: list[int] = []
    start = world.engine.start

    async def counting(*args: Any) -> ThreadStatus:
        counted.append((await world.task(task.id)).tries)
        return await start(*args)

    monkeypatch.setattr(world.engine, "start", counting)
    await world.settle()

    assert counted == [1]
    assert (await world.task(task.id)).tries == 0


async def test_a_shutdown_between_two_steps_is_no_failed_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await decided(world)
    resume = world.engine.resume

    async def drained(*args: Any) -> ThreadStatus:
        raise Draining

    monkeypatch.setattr(world.engine, "resume", drained)
    for _ in range(2 * MOST_ATTEMPTS):
        with pytest.raises(Draining):
            await world.delivery.drive(task.id)
    monkeypatch.setattr(world.engine, "resume", resume)
    await world.later(HOUR)

    assert isinstance((await world.task(task.id)).state, Ended)


async def test_many_answers_in_one_drive_are_not_taken_for_failed_runs() -> None:
    ids = [InterruptId(f"i-{number}") for number in range(2 * MOST_ATTEMPTS)]
    async with a_world({id: question() for id in ids}) as world:
        task = await world.started()
        for request in await world.requests(task):
            await world.vote(ALICE, on=request)
        await world.settle()

        assert len(world.engine.effects) == len(ids)
        assert isinstance((await world.task(task.id)).state, Ended)


async def test_what_cannot_be_driven_is_not_tried_without_end(world: World) -> None:
    task = await decided(world)
    world.engine.down = ZeroDivisionError()
    for _ in range(3 * MOST_ATTEMPTS):
        await world.later(HOUR)

    assert len(await world.history(task, "failed")) <= MOST_ATTEMPTS + 1
    assert decided_state(await world.request(task)).next_try is None


async def test_a_run_whose_progress_could_not_be_saved_is_reported_and_run_again_by_a_person_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await decided(world)
    resume = world.engine.resume
    lost = Failure(error_id="e9", summary="ConnectionError", at=MORNING, unsaved=True)

    async def acts(*args: Any) -> ThreadStatus:
        world.engine.effects.append((FIRST, "acted"))
        raise Unsaved(lost)

    monkeypatch.setattr(world.engine, "resume", acts)
    await world.settle()
    monkeypatch.setattr(world.engine, "resume", resume)
    for _ in range(3):
        await world.later(HOUR)

    assert world.engine.effects == [(FIRST, "acted")]
    assert (await world.task(task.id)).state == Failed(failure=lost, retryable=True)
    assert decided_state(await world.request(task)).next_try is None

    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()

    assert len(world.engine.effects) == 2


async def test_that_a_run_could_not_be_saved_is_recorded_once_storage_answers_under_the_same_lease(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.approvals.services.delivery.drive.REPORT_RETRY_SECONDS", 0)
    task = await decided(world)
    lost = Failure(error_id="e9", summary="ConnectionError", at=MORNING, unsaved=True)
    away: list[Exception] = []

    class Away(Lossy):
        async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
            if away:
                assert await self._storage.lease(task.thread_id, HOUR, world.now) is None
                raise away.pop()
            return await self._storage.requests_of(task_id)

    async def acts(*args: Any) -> ThreadStatus:
        away.extend([Unreachable("requests"), Conflict("task"), Unreachable("requests")])
        raise Unsaved(lost)

    monkeypatch.setattr(world.engine, "resume", acts)
    await over(world.delivery, cast(Storage, Away(world.storage))).drive(task.id)

    assert not away
    assert (await world.task(task.id)).state == Failed(failure=lost, retryable=True)


async def test_what_is_reported_of_a_task_that_has_ended_meanwhile_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await decided(world)

    async def cancelled(*args: Any) -> ThreadStatus:
        await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)
        raise Unsaved(Failure(error_id="e9", summary="ConnectionError", at=MORNING, unsaved=True))

    monkeypatch.setattr(world.engine, "resume", cancelled)
    await world.settle()

    assert isinstance((await world.task(task.id)).state, TaskCancelled)


async def test_after_an_outage_threads_are_left_to_those_who_drove_them(world: World) -> None:
    task = await decided(world)
    world.work.forget()

    await world.sweeper.sweep(world.now, take_over=False)
    assert world.work.deliveries == []

    await world.sweeper.sweep(world.now)
    assert task.id in world.work.deliveries


def decided_state(request: Request) -> Decided:
    assert isinstance(request.state, Decided)
    return request.state


async def test_a_drive_that_is_cancelled_from_outside_stays_cancelled(world: World) -> None:
    task = await decided(world)
    pause = world.engine.pause_in(FIRST)
    driving = asyncio.create_task(world.delivery.drive(task.id))
    await pause.reached.wait()

    driving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await driving
    assert await world.storage.lease(task.thread_id, HOUR, world.now) is not None


async def test_a_shutdown_leaves_the_answer_to_the_next_process(world: World) -> None:
    task = await decided(world)
    world.engine.down = Draining()
    with pytest.raises(Draining):
        await world.delivery.drive(task.id)

    world.engine.down = None
    world.be_born()
    await world.later(timedelta())

    assert isinstance((await world.request(task)).state, Delivered)


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


async def test_what_a_graph_asks_in_the_moment_of_its_cancelling_is_closed() -> None:
    async with a_world({}, {FIRST: question()}) as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        pause = world.engine.pause_in("step 0")
        driving = asyncio.create_task(world.delivery.drive(task.id))
        await pause.reached.wait()

        class CancelledInBetween:
            """A person cancels between the request's opening and the task's saving."""

            def __getattr__(self, name: str) -> object:
                return getattr(world.storage, name)

            async def open_request(
                self, request: Request, event: AuditEvent, messages: Sequence[Message] = ()
            ) -> Request:
                await world.tasks.cancel(world.actor(RITA, COMMAND), task.id)
                return await world.storage.open_request(request, event, messages)

        driving.cancel()
        await asyncio.wait([driving])
        pause.go.set()
        await over(world.delivery, cast(Storage, CancelledInBetween())).drive(task.id)

        assert isinstance((await world.task(task.id)).state, TaskCancelled)
        request = await world.request(task)
        assert isinstance(request.state, Delivered)
        assert request.decision == Cancelled(by=RITA, at=world.now)


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


# --- What goes wrong ----------------------------------------------------------------------------


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


async def test_a_thread_that_failed_before_its_first_checkpoint_can_be_retried(world: World) -> None:
    world.engine.no_checkpoint = 1
    task = await world.started()
    world.work.deliver(task.id)  # woken once more for nothing
    await world.settle()
    assert (await world.task(task.id)).state == Failed(failure=await failure_of(world, task), retryable=True)

    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()

    assert (await world.task(task.id)).state == Waiting()
    assert world.engine.runs == ["start", "start"]


async def test_a_broken_thread_has_taken_its_answer_and_cannot_be_retried(world: World) -> None:
    world.engine.broken_after = {0}
    task = await decided(world)

    await world.settle()

    assert isinstance((await world.request(task)).state, Delivered)
    state = (await world.task(task.id)).state
    assert isinstance(state, Failed)
    assert not state.retryable


async def test_a_node_that_raises_keeps_its_answer_and_is_tried_again_in_time(world: World) -> None:
    world.engine.failures[FIRST] = 2
    task = await decided(world)
    await world.settle()
    failed = await world.request(task)
    assert isinstance(failed.state, Decided)
    assert failed.state.failure is not None
    assert failed.state.next_try == world.now + timedelta(seconds=30)
    assert isinstance((await world.task(task.id)).state, Failed)
    assert world.messenger.of(MessageKind.OUTCOME) == [], "the card says it"

    await world.later(timedelta(seconds=29))
    await world.later(timedelta(seconds=1))
    await world.later(timedelta(seconds=60))

    assert world.engine.runs == ["start", "resume i-first", "proceed", "proceed"]
    assert isinstance((await world.request(task)).state, Delivered)
    assert isinstance((await world.task(task.id)).state, Ended)
    assert len(world.engine.effects) == 1


async def test_a_node_that_never_succeeds_is_left_to_a_person_at_last(world: World) -> None:
    world.engine.failures[FIRST] = 99
    task = await decided(world)
    await world.settle()
    for _ in range(20):
        await world.later(HOUR)
    assert len(world.engine.runs) == 1 + MOST_ATTEMPTS

    world.engine.failures[FIRST] = 0
    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()

    assert isinstance((await world.request(task)).state, Delivered)


async def test_a_graph_that_raises_before_it_asks_stops_with_one_message_and_can_be_retried() -> None:
    async with a_world({}, {FIRST: question()}) as world:
        world.engine.failures["step 0"] = 1
        task = await world.started()
        assert (await failure_of(world, task)).summary == "ValueError"
        for _ in range(3):
            world.work.deliver(task.id)
            await world.settle()
        assert len(world.messenger.of(MessageKind.OUTCOME)) == 1
        assert world.engine.runs == ["start"]

        await world.tasks.retry(world.actor(RITA), task.id)
        await world.settle()

        assert (await world.task(task.id)).state == Waiting()


async def test_looking_again_at_a_failed_thread_tells_of_no_second_failure() -> None:
    async with a_world({FIRST: question(), SECOND: question()}, otherwise=policy(quorum=2)) as world:
        world.engine.failures[FIRST] = 1
        task = await world.started()
        for approver in (ALICE, BOB):
            await world.vote(approver, on=await world.request(task))
        await world.settle()
        failure = await failure_of(world, task)

        await world.vote(ALICE, on=await world.request(task, SECOND))  # settles nothing yet
        await world.settle()

        assert await failure_of(world, task) == failure
        assert world.messenger.of(MessageKind.OUTCOME) == []


async def test_a_run_that_fails_without_a_word_is_known_by_its_requests_failure_or_gets_one(world: World) -> None:
    world.engine.failures[FIRST] = 2
    world.engine.unsaid = True
    task = await decided(world)

    await world.settle()

    failure = await failure_of(world, task)
    assert "stands where it stood" in failure.summary
    request = await world.request(task)
    assert isinstance(request.state, Decided)
    assert request.state.failure == failure


async def test_a_graph_that_stopped_without_a_word_stops_with_a_message(world: World) -> None:
    world.engine.no_checkpoint = 0
    task = await world.started()
    thread = world.engine.threads[task.thread_id]
    thread.broken = True

    await world.delivery.drive(task.id)

    assert "stopped without a word" in (await failure_of(world, task)).summary


async def test_a_crash_while_telling_a_failure_leaves_the_failure_that_the_request_has(world: World) -> None:
    world.engine.failures[FIRST] = 1
    task = await decided(world)
    await world.settle()
    failure = await failure_of(world, task)
    stored = await world.task(task.id)
    await world.storage.save_task(
        replace(stored, state=Running()), AuditEvent(kind="running", at=world.now, task_id=task.id)
    )

    await world.delivery.drive(task.id)

    assert await failure_of(world, task) == failure


async def test_an_answer_that_gets_lost_on_its_way_does_not_loop_and_can_be_retried(world: World) -> None:
    world.engine.deaf = {FIRST}
    task = await decided(world)
    await world.settle()
    assert world.engine.runs == ["start", "resume i-first"]
    assert "stands where it stood" in (await failure_of(world, task)).summary

    world.work.deliver(task.id)  # woken for nothing: it is still stopped, not waiting
    await world.settle()
    world.engine.deaf = set()
    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()

    assert isinstance((await world.request(task)).state, Delivered)


async def test_a_node_that_never_gets_past_its_answer_does_not_loop(world: World) -> None:
    world.engine.stuck = {FIRST}
    task = await decided(world)

    await world.settle()

    assert world.engine.runs == ["start", "resume i-first", "proceed"]
    assert isinstance((await world.task(task.id)).state, Failed)


async def test_a_decision_that_does_not_fit_its_question_is_never_given_to_the_graph(world: World) -> None:
    task = await decided(world)
    world.engine.refused = "two decisions are needed"

    await world.settle()

    assert world.engine.runs == ["start"]
    assert "two decisions are needed" in (await failure_of(world, task)).summary
    request = await world.request(task)
    assert isinstance(request.state, Decided)
    assert request.state.next_try == world.now + timedelta(seconds=30)


async def test_a_failing_sibling_puts_off_what_is_decided_and_not_what_is_open() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        world.engine.failures[FIRST] = 1
        task = await decided_first_of_two(world)

        second = await world.request(task, SECOND)

        assert isinstance(second.state, Pending)
        await world.vote(ALICE, on=second)
        await world.settle()
        await world.later(timedelta(seconds=30))
        assert all(isinstance(request.state, Delivered) for request in await world.requests(task))
        assert sorted(name for name, _ in world.engine.effects) == [FIRST, SECOND]


async def decided_first_of_two(world: World) -> Task:
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    await world.settle()
    return task


async def test_an_answer_that_a_person_brings_on_while_it_is_given_is_given_once(world: World) -> None:
    task = await decided(world)

    class Touched:
        """Somebody saves the task in the moment before the drive does."""

        def __init__(self) -> None:
            self.times = 2

        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def requests_of(self, task_id: TaskId) -> tuple[Request, ...]:
            requests = await world.storage.requests_of(task_id)
            if self.times:
                self.times -= 1
                for request in requests:
                    await world.storage.save_request(
                        request, AuditEvent(kind="touched", at=world.now, task_id=task_id, request_id=request.id)
                    )
            return requests

    await over(world.delivery, cast(Storage, Touched())).drive(task.id)

    assert world.engine.runs == ["start", "resume i-first"]
    assert isinstance((await world.request(task)).state, Delivered)


async def test_a_failure_is_not_forgotten_when_a_person_was_faster_than_its_recording() -> None:
    async with a_world({}) as world:
        world.engine.failures["step 0"] = 1
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
        pause = world.engine.pause_in("step 0")
        driving = asyncio.create_task(world.delivery.drive(task.id))
        await pause.reached.wait()
        stored = await world.task(task.id)

        class OneStep:
            """The task is touched between its reading and its saving."""

            def __init__(self) -> None:
                self.touched = False

            def __getattr__(self, name: str) -> object:
                return getattr(world.storage, name)

            async def records_of(self, task_id: TaskId) -> Records:
                read = await world.storage.records_of(task_id)
                if not self.touched and world.engine.runs == ["start", "start"]:
                    self.touched = True
                    event = AuditEvent(kind="touched", at=world.now, task_id=task_id)
                    await world.storage.save_task(read.task, event)
                return read

        driving.cancel()
        await asyncio.wait([driving])
        world.engine.threads.clear()
        pause.go.set()
        storage = OneStep()
        await over(world.delivery, cast(Storage, storage)).drive(stored.id)

        assert storage.touched
        assert (await failure_of(world, task)).summary == "ValueError"
        assert world.engine.runs == ["start", "start"], "the failed node was not run once more behind everybody's back"


async def test_an_expiry_is_delivered_as_an_answer_of_its_own() -> None:
    async with a_world() as world:
        task = await world.started()
        request = await world.request(task)
        await world.storage.save_request(
            replace(request, state=Decided(decision=Expired(at=world.now), next_try=world.now)),
            AuditEvent(kind="expired", at=world.now, task_id=task.id, request_id=request.id),
        )

        await world.later(timedelta())

        ((_, answer),) = world.engine.effects
        assert cast(dict[str, str], answer)["outcome"] == "expired"


async def test_what_nobody_foresaw_stops_the_task_with_an_error_id_and_is_told_once() -> None:
    async with a_world({FIRST: question()}) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        world.engine.down = RecursionError("too deep to be read")

        for _ in range(3):
            await world.later(timedelta(hours=1))

        stopped = await world.task(task.id)
        assert isinstance(stopped.state, Failed)
        assert stopped.state.failure.summary == "RecursionError"
        assert len(await world.messages_of(task, MessageKind.OUTCOME)) <= 1

        world.engine.down = None
        await world.tasks.retry(world.actor(RITA), task.id)
        await world.settle()

        assert isinstance((await world.task(task.id)).state, Ended)
        assert len(world.engine.effects) == 1


async def test_what_nobody_foresaw_leaves_an_open_question_open() -> None:
    async with a_world({FIRST: question()}) as world:
        task = await world.started()
        world.engine.down = RecursionError("too deep to be read")

        await world.delivery.drive(task.id)

        assert isinstance((await world.task(task.id)).state, Failed)
        assert isinstance((await world.request(task)).state, Pending)


async def test_a_silence_that_the_graph_refuses_ends_the_task() -> None:
    async with a_world(
        {FIRST: question()}, otherwise=policy(steps=(Step(after=timedelta(hours=1), action=Expire()),))
    ) as world:
        task = await world.started()

        class RefusesSilence:
            """A graph that checks its answers, and takes none that says that nobody answered."""

            def __getattr__(self, name: str) -> object:
                return getattr(world.engine, name)

            async def resume(self, *_: object) -> ThreadStatus:
                return replace(await world.engine.status(task), refused="only yes or no")

        delivery = replace(world.delivery, engine=cast(Engine, RefusesSilence()))
        world.clock.advance(timedelta(hours=1))
        await world.sweeper.sweep(world.now)
        world.engine.runs.clear()
        await delivery.drive(task.id)

        ended = (await world.task(task.id)).state
        assert isinstance(ended, Ended)
        assert ended.outcome.startswith("Stopped: Nobody answered")
