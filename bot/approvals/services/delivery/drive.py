"""A decided request -> the resumed graph, and whatever the graph asks next.

Only `drive` touches a thread: at a start, after a decision, and after a crash. It takes the thread's lease, reads from
the checkpoint how the thread stands, and makes the one move that records and checkpoint together call for, until no
move is left. It can die anywhere and be called again.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from bot import crash_points
from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import Cancelled, Expired, WindowClosed
from bot.approvals.model.errors import Conflict, CountersignError, InvalidAnswer, Unreachable
from bot.approvals.model.facts import RunEnded
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.policy import OnStale
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.server import server_of
from bot.approvals.model.task import (
    Failure,
    Lease,
    Running,
    Starting,
    Task,
    TaskCancelled,
    TaskState,
)
from bot.approvals.model.trace import Trace
from bot.approvals.ports.engine import Draining, Engine, Unsaved
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock, Work
from bot.approvals.rules import lifecycle, windows
from bot.approvals.rules.matching import ConditionFailed
from bot.approvals.rules.next_action import (
    AskAfterStale,
    AskInstead,
    Await,
    GiveUp,
    Move,
    Proceed,
    Record,
    Resume,
    Start,
    alive,
    next_move,
)
from bot.approvals.services.audit.snapshot import full
from bot.approvals.services.delivery.batch import Batch
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.delivery.opening import Opening
from bot.approvals.services.delivery.recording import Recording, is_news
from bot.approvals.services.messages import wanted
from bot.durations import spoken

log = logging.getLogger(__name__)

REPORT_RETRY_SECONDS = 1.0
"""Between two tries to record a failure that must not be forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Drives threads. A lease makes sure that one caller at a time drives a thread, in whichever process."""

    storage: Storage
    engine: Engine
    opening: Opening
    recording: Recording
    work: Work
    clock: Clock
    leases: Leases
    alone: Callable[[TaskId], None] | None = None
    """Has a task driven in a process of its own, because its last run never came back. None: such a task is driven
    here, as any other."""
    seen: Callable[[Task, Sequence[Request]], object] = lambda _task, _requests: None
    """Is told of a task that is about to be driven, with all its requests, so that the log can hide its secrets."""
    why: str = ""
    """How the process ended that drove such a task last, as the end of a sentence: `was killed by SIGSEGV`."""
    deaths: int = 0
    """How many processes are known to have died that drove the task alone."""
    telemetry: Telemetry = SILENT

    async def drive(self, task_id: TaskId) -> bool:
        """Take the task's graph as far as its records allow. Returns False if somebody else holds its thread, or if a
        run is under way elsewhere.

        Ends with the thread waiting for people, ended, or stopped by an error. Raises `Unreachable` if storage or
        checkpoints fail, and must then be called again.
        """
        task = await self.storage.task(task_id)
        crash_points.point("decided")
        lease = await self.leases.take(task.thread_id)
        if lease is None:
            return False
        done = True  # also if the block is left early, because the lease was lost or the task was cancelled
        try:
            async with self.leases.held(lease, task_id):
                if self.alone is not None and _never_came_back(task):
                    self.alone(task_id)
                    return True
                crash_points.point("leased")
                done = await self._drive_or_fail(task, lease)
        finally:
            self.work.show(task_id)
        return done

    async def look(self, task_id: TaskId) -> bool:
        """Whether the agent's code has changed while people are asked. If so, has the task driven, so that its cards
        say so before anybody answers. Takes no lease and runs nothing. Raises `Unreachable` or `NotFound`."""
        records = await self.storage.records_of(task_id)
        status = await self.engine.status(records.task, records.requests)
        for request in records.requests:
            asked = status.asked_at(request.interrupt_id)
            waits = isinstance(request.state, Pending)
            reads = asked is None or request.proposed.asks_as(asked.question)
            if isinstance(request.state, Pending | Decided) and is_news(request, status):
                break
            if waits and not (reads and alive(request, status)):
                break
        else:
            return False
        self.work.deliver(task_id)
        return True

    async def _drive_or_fail(self, task: Task, lease: Lease) -> bool:
        try:
            return await self._drive(task, lease)
        except Unsaved as unsaved:
            await self._report(task.id, unsaved.failure)
        except Draining:
            with suppress(Conflict):
                await self._take_back(await self.storage.task(task.id))
            raise
        except CountersignError:
            raise
        except Exception as error:  # a bug, or a payload that nothing here can read: people are told, and may retry
            failure = Failure(error_id=uuid.uuid4().hex[:8], summary=type(error).__name__, at=self.clock())
            log.error("error %s: task %s could not be driven", failure.error_id, task.id, exc_info=error)
            await self.recording.fail(task.id, failure)
        return True

    async def _report(self, task_id: TaskId, failure: Failure) -> None:
        """Record that only a person may run the task again. The lease is held until that is stored: another process
        that drove the thread before would repeat what may have been done."""
        while True:
            try:
                await self.recording.fail(task_id, failure, final=True)
            except Conflict:
                continue
            except Unreachable as down:
                log.warning("error %s: it cannot be recorded yet: %s", failure.error_id, down)
                await asyncio.sleep(REPORT_RETRY_SECONDS)
            else:
                return

    async def _drive(self, task: Task, lease: Lease) -> bool:
        records = await self.storage.records_of(task.id)
        self.seen(records.task, records.requests)
        with self.telemetry.span("drive", parent=_leg(records), about=task.id):
            return await self._drive_from(records, lease)

    async def _drive_from(self, records: Records, lease: Lease) -> bool:
        task, status = records.task, await self._read(records)
        made: set[tuple[type[Move], RequestId | None]] = set()
        while True:
            try:
                moved = await self._move(records, lease, status, made)
            except Conflict:
                pass  # a person changed a record meanwhile; what it calls for now may be another move
            else:
                if moved is None:
                    return True
                if moved.phase is Phase.BUSY:
                    return False
                status = moved
            records = await self.storage.records_of(task.id)

    async def _move(
        self, records: Records, lease: Lease, status: ThreadStatus, made: set[tuple[type[Move], RequestId | None]]
    ) -> ThreadStatus | None:
        """Make one move. Returns how the thread stands after it, or None if nothing is left to do.

        If a move that was made before is called for again, it did not help. That is a failure, so no drive loops.
        """
        task, requests = records.task, records.requests
        if task.finished:
            await self.recording.close(task, requests)
            return None
        if (called_off := _called_off(requests)) is not None:
            over = TaskCancelled(by=called_off.by, at=called_off.at, reason=called_off.reason)
            await self.recording.end(task, over, "cancelled")
            return status
        status = _as_recorded(requests, status)
        move = Record() if status.failure is not None else next_move(task, requests, status, self.clock())
        if isinstance(move, Start | Resume | Proceed) and task.tries >= self._budget and not made:
            ended = f", but its process {self.why}" if self.why else " and never came to an end"
            summary = f"it was begun {task.tries} times{ended}"
            await self.recording.fail(task.id, self.recording.fault(summary), final=True)
            return None
        match move:
            case Start():
                batch = Batch(clock=self.clock)
                task = _begun(batch, task, task.state, task.tries + 1)
                await self._store_before_run(batch, task.id, durable=False)
                own = replace(task, inputs=deepcopy(dict(task.inputs)))  # a graph may change what it is given
                return await self._run("run", task, self.engine.start(own, lease, self.clock()))
            case Resume(request=request) | Proceed(request=request):
                key = (type(move), request.id if request is not None else None)
                if key in made:
                    return replace(status, failure=self.recording.fault("it went on and still stands where it stood"))
                batch = Batch(clock=self.clock)
                task = _begun(batch, task, Running(), 1 if made else task.tries + 1)
                if isinstance(move, Resume):
                    moved = await self._resume(batch, task, move.request, requests, lease)
                    if moved.refused:
                        await self._ask_again(task, move.request.id, moved.refused)
                else:
                    if request is not None:
                        begun = batch.request(lifecycle.attempted(request), "resume_repeated")
                        requests = tuple(begun if each.id == begun.id else each for each in requests)
                    await self._store_before_run(batch, task.id)
                    moved = await self._run("run", task, self.engine.proceed(task, lease, self.clock(), requests))
                crash_points.point("run-returned")
                made.add(key)
                return moved
            case AskInstead(request=request, asked=asked):
                batch = Batch(clock=self.clock)
                try:
                    await self.opening.ask_instead(batch, task, request, asked)
                except ConditionFailed as failed:
                    status = replace(status, failure=self.recording.fault(str(failed)))
                await self.recording.store(batch)
                return status
            case AskAfterStale(request=request):
                await self._ask_after_stale(task, request)
                return status
            case GiveUp():
                await self.recording.lose(task, requests)
            case Await():
                return status
            case Record():
                return await self.recording.record(task, requests, status)
            case _:
                assert_never(move)
        return None

    async def _run(self, name: str, task: Task, run: Awaitable[ThreadStatus]) -> ThreadStatus:
        """How the thread stands after the run, which is a span of this name."""
        began = time.perf_counter()
        try:
            with self.telemetry.span(name, about=task.id):
                return await run
        finally:
            engine = server_of(task.id) or ("caller" if is_of_caller(task.id) else "langgraph")
            self.telemetry.tell(RunEnded(task_id=task.id, engine=engine, seconds=time.perf_counter() - began))

    @property
    def _budget(self) -> int:
        """How often a run may be begun. Other tasks and lost machines may have ended the first ones, but hardly those
        that had a process of their own."""
        return lifecycle.MAX_DEADLY if self.deaths >= lifecycle.MAX_DEADLY - 1 else lifecycle.MAX_ATTEMPTS

    async def _store_before_run(self, batch: Batch, task_id: TaskId, *, durable: bool = True) -> None:
        """Store what must be known of a run before it begins, and have it shown if the run takes long. A first run
        need not be known if the machine loses power: it is then made again, or found in the checkpoints."""
        await self.recording.store(batch, durable=durable)
        self.work.show_soon(task_id)

    async def _take_back(self, task: Task) -> None:
        """Do not count a run that a shutdown stopped between two steps, or kept from beginning: it did not fail."""
        if isinstance(task.state, Starting | Running) and task.tries:
            event = AuditEvent(kind="drained", at=self.clock(), task_id=task.id)
            await self.storage.save_task(replace(task, tries=task.tries - 1), event)

    async def _resume(
        self, batch: Batch, task: Task, request: Request, requests: Sequence[Request], lease: Lease
    ) -> ThreadStatus:
        """Answer the request's interrupt. The intent is stored first, with the beginning of the run: if the interrupt
        is gone later, this answer was taken."""
        state = request.state
        assert isinstance(state, Decided)  # noqa: S101 - next_move chose it
        try:
            answer = self.engine.answer(request.question, request.proposed, state.decision)
        except InvalidAnswer as invalid:
            return await self._unanswerable(batch, task, request, invalid)
        batch.request(lifecycle.attempted(request), "resume_begun", told=answer)
        await self._store_before_run(batch, task.id)
        if windows.wants_undo(request):
            crash_points.point("undo-begun")
        else:
            crash_points.point("resume-begun")
        own = deepcopy(answer)  # a graph may change what it is given
        run = self.engine.resume(task, lease, request.interrupt_id, own, self.clock(), requests)
        return await self._run("resume", task, run)

    async def _ask_again(self, task: Task, request_id: RequestId, objection: str) -> None:
        """Open the question again, with a new card: the graph did not take the answer, and stored nothing of it."""
        request = await self.storage.request(request_id)
        if isinstance(request.decision, Expired | WindowClosed):
            nobody = "undid it" if request.is_window else "answered"
            await self.recording.stop(task, f"Nobody {nobody}, and the graph did not take that for an answer.")
            return
        now = self.clock()
        reopened = lifecycle.asked_again(request, objection, now)
        event = event_of(reopened, "asked_again", now, data={**full(reopened, task), "objection": objection})
        await self.storage.save_request(reopened, event, [wanted.card_of(reopened)])

    async def _ask_after_stale(self, task: Task, request: Request) -> None:
        """Ask again what was decided too long ago, or stop the task there if the policy says so."""
        batch = Batch(clock=self.clock)
        if request.policy.on_stale is OnStale.ASK:
            await self.opening.ask_after_stale(batch, task, request)
            await self.recording.store(batch)
            return
        valid_for = spoken(request.policy.valid_for or timedelta())
        why = f"The decision could not be delivered within {valid_for}, so it is not used."
        batch.request(lifecycle.stopped(request, self.clock(), stale=True), "stale")
        await self.recording.stop(task, why, batch)

    async def _unanswerable(self, batch: Batch, task: Task, request: Request, invalid: InvalidAnswer) -> ThreadStatus:
        """Record that there is no value to resume with. If that is because nobody answered, the task ends: silence is
        never turned into an answer."""
        if request.decision is not None and isinstance(request.decision, Expired):
            await self.recording.store(batch)
            await self.recording.stop(task, invalid.problem)
            return await self._status(task)
        batch.request(lifecycle.attempted(request), "resume_begun")
        await self.recording.store(batch)
        failure = self.recording.fault(f"its decision does not fit its question: {invalid}")
        return replace(await self._status(task), failure=failure)

    async def _read(self, records: Records) -> ThreadStatus:
        """How the thread stands. A task that nobody has changed since it was made was never begun: it has no thread."""
        if records.task.revision == 0 and isinstance(records.task.state, Starting):
            return ThreadStatus(phase=Phase.LOST)
        return await self.engine.status(records.task, records.requests)

    async def _status(self, task: Task) -> ThreadStatus:
        return await self.engine.status(task, await self.storage.requests_of(task.id))


def _leg(records: Records) -> Trace | None:
    """The leg of work that a drive of this task belongs to: of the answer that is to be delivered or was delivered
    last, otherwise of the task's start. None if nobody traced it."""
    settled = [each for each in records.requests if not isinstance(each.state, Pending)]
    undelivered = next((each for each in settled if isinstance(each.state, Decided)), None)
    newest = undelivered or (settled[-1] if settled else None)
    return newest.trace if newest is not None else records.task.trace


def _never_came_back(task: Task) -> bool:
    """Whether the task's last run neither ended nor was drained: its process died, perhaps because of it."""
    return isinstance(task.state, Starting | Running) and task.tries > 0


def _begun(batch: Batch, task: Task, state: TaskState, tries: int) -> Task:
    """Count the run that is about to begin. Earlier runs of this drive came back in order and count no more."""
    if (task.state, task.tries) == (state, tries):
        return task
    return batch.task(replace(task, state=state, tries=tries), "running")


def _called_off(requests: Sequence[Request]) -> Cancelled | None:
    """The cancellation of the task, if there is one. Its requests are cancelled before it, so a crash in between loses
    nothing."""
    decisions = (request.state.decision for request in requests if isinstance(request.state, Decided))
    return next((decision for decision in decisions if isinstance(decision, Cancelled)), None)


def _as_recorded(requests: Sequence[Request], status: ThreadStatus) -> ThreadStatus:
    """The status, with the thread waiting if all that failed are answers to questions that are open again."""
    reopened = [each for each in requests if isinstance(each.state, Pending) and each.interrupt_id in status.answered]
    if not reopened or status.phase is not Phase.FAILED or status.failure is not None:
        return status
    waits = status.answered == {each.interrupt_id for each in reopened}
    return replace(status, phase=Phase.WAITING) if waits else status
