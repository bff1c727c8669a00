"""A graph that raises, refuses its answer or loses it: what is tried again, what waits for a person, who is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Expired
from bot.approvals.model.ids import TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Expire, Step
from bot.approvals.model.request import Decided, Delivered, Pending, Request
from bot.approvals.model.task import Ended, Failed, Failure, Running, Task, Waiting
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.rules.lifecycle import MAX_ATTEMPTS
from tests.support.fakes.wiring import over
from tests.support.fakes.world import ALICE, BOB, CHANNEL, FIRST, RITA, SECOND, World, a_world, policy, question
from tests.unit.approvals.services.delivery.driven import decided

HOUR = timedelta(hours=1)


async def failure_of(world: World, task: Task) -> Failure:
    state = (await world.task(task.id)).state
    assert isinstance(state, Failed)
    return state.failure


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
    assert len(world.engine.runs) == 1 + MAX_ATTEMPTS

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
