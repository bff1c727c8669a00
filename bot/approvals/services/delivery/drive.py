"""A decided request -> the resumed graph, and whatever the graph asks next.

`drive` is the only thing that touches a thread: at a start, after a decision, after a crash. It takes the
thread's lease, asks the checkpoint how the thread stands, and makes the one move that records and checkpoint
together call for, until none is left. It can die anywhere and be called again.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from bot import crash_points
from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.decision import Cancelled, Expired, outcome_of
from bot.approvals.model.errors import Conflict, CountersignError, InvalidAnswer, Unreachable
from bot.approvals.model.ids import JSON, RequestId, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import (
    Ended,
    Failed,
    Failure,
    Gone,
    Lease,
    Part,
    Running,
    Starting,
    Task,
    TaskCancelled,
    TaskState,
    Waiting,
)
from bot.approvals.ports.engine import Draining, Engine, Unsaved
from bot.approvals.ports.slack import Directory
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock, Work
from bot.approvals.rules import lifecycle
from bot.approvals.rules.matching import ConditionFailed, Policies
from bot.approvals.rules.next_action import (
    AskInstead,
    GiveUp,
    Move,
    Proceed,
    Record,
    Resume,
    Start,
    alive,
    is_approved,
    next_move,
)
from bot.approvals.services.audit.snapshot import full
from bot.approvals.services.delivery.leasing import held
from bot.approvals.services.delivery.opening import AskedTooOften, Opening
from bot.approvals.services.messages import wanted
from bot.approvals.services.policies.choice import PolicyChoice

log = logging.getLogger(__name__)

SECONDS_TO_REPORT = 1.0
"""Between two tries to record what must not be forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Drives threads. One at a time per thread, whoever and wherever the callers are."""

    storage: Storage
    engine: Engine
    directory: Directory
    policies: Policies
    work: Work
    clock: Clock
    lease_ttl: timedelta

    async def drive(self, task_id: TaskId) -> bool:
        """Bring the task's graph as far as its records allow; False where somebody else holds its thread.

        Ends with the thread waiting for people, ended, or stopped by an error. Raises `Unreachable` where
        storage or checkpoints fail, and is then to be called again.
        """
        task = await self.storage.task(task_id)
        crash_points.point("decided")
        lease = await self.storage.lease(task.thread_id, self.lease_ttl, self.clock())
        if lease is None:
            return False
        try:
            async with held(self.storage, self.clock, self.lease_ttl, lease, task_id):
                crash_points.point("leased")
                await self._drive_or_fail(task, lease)
        finally:
            self.work.show(task_id)
        return True

    async def look(self, task_id: TaskId) -> bool:
        """Whether the agent's code has changed under what people are asked: then the task is driven, so that its cards
        say so before anybody answers. Takes no lease and runs nothing. Raises `Unreachable` or `NotFound`."""
        records = await self.storage.records_of(task_id)
        status = await self.engine.status(records.task, records.requests)
        for request in records.requests:
            asked = status.asked_at(request.interrupt_id)
            waits = isinstance(request.state, Pending)
            reads = asked is None or request.proposed.asks_as(asked.question)
            if isinstance(request.state, Pending | Decided) and _is_news(request, status):
                break
            if waits and not (reads and alive(request, status)):
                break
        else:
            return False
        self.work.deliver(task_id)
        return True

    async def _drive_or_fail(self, task: Task, lease: Lease) -> None:
        try:
            await self._drive(task, lease)
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
            await self._fail(task.id, failure)

    async def _report(self, task_id: TaskId, failure: Failure) -> None:
        """Record that only a person may run the task again. The lease is held until that is stored: whoever drove the
        thread before would do again what may have been done."""
        while True:
            try:
                await self._fail(task_id, failure, final=True)
            except Conflict:
                continue
            except Unreachable as down:
                log.warning("error %s: it cannot be recorded yet: %s", failure.error_id, down)
                await asyncio.sleep(SECONDS_TO_REPORT)
            else:
                return

    async def _fail(self, task_id: TaskId, failure: Failure, *, final: bool = False) -> None:
        """Record that the task cannot be driven, and put off what is decided, or leave it to a person's retry."""
        task = await self.storage.task(task_id)
        final = final or task.tries >= lifecycle.MOST_ATTEMPTS
        for request in await self.storage.requests_of(task_id):
            if isinstance(request.state, Decided):
                await self._save(lifecycle.failed(request, failure, self.clock(), final=final), "delivery_failed")
        if not task.finished:
            stopped = Failed(failure=failure, retryable=True)
            known = isinstance(task.state, Failed) and not final
            counted = replace(task, state=task.state if known else stopped, tries=task.tries + (not final))
            event = AuditEvent(kind="failed", at=self.clock(), task_id=task.id, data=_came_of(stopped))
            await self.storage.save_task(counted, event, [] if known else [wanted.outcome_of(task, self.clock())])
            self.work.show_soon(task.id)

    async def _drive(self, task: Task, lease: Lease) -> None:
        status = await self.engine.status(task, await self.storage.requests_of(task.id))
        made: set[tuple[type[Move], RequestId | None]] = set()
        while True:
            try:
                moved = await self._move(task.id, lease, status, made)
            except Conflict:
                continue  # a person changed a record meanwhile; what it calls for now may be another move
            if moved is None:
                return
            status = moved

    async def _move(
        self, task_id: TaskId, lease: Lease, status: ThreadStatus, made: set[tuple[type[Move], RequestId | None]]
    ) -> ThreadStatus | None:
        """Make one move. Returns how the thread stands after it, or None where nothing is left to do.

        A move that was made before and is called for again did not help, and is a failure: no drive loops.
        """
        records = await self.storage.records_of(task_id)
        task, requests = records.task, records.requests
        if task.finished:
            await self._close(task, requests)
            return None
        if (called_off := _called_off(requests)) is not None:
            await self._end(task, TaskCancelled(by=called_off.by, at=called_off.at), "cancelled")
            return status
        status = _as_recorded(requests, status)
        move = Record() if status.failure is not None else next_move(task, requests, status, self.clock())
        if isinstance(move, Start | Resume | Proceed) and task.tries >= lifecycle.MOST_ATTEMPTS and not made:
            summary = f"it was begun {task.tries} times and never came to an end"
            await self._fail(task.id, self._fault(summary), final=True)
            return None
        match move:
            case Start():
                task = await self._begin(task, task.state, task.tries + 1)
                return await self.engine.start(task, lease, self.clock())
            case Resume(request=request) | Proceed(request=request):
                key = (type(move), request.id if request is not None else None)
                if key in made:
                    return replace(status, failure=self._fault("it went on and still stands where it stood"))
                task = await self._begin(task, Running(), 1 if made else task.tries + 1)
                if isinstance(move, Resume):
                    moved = await self._resume(task, move.request, requests, lease)
                    if moved.refused:
                        await self._ask_again(task, move.request.id, moved.refused)
                else:
                    if request is not None:
                        begun = await self._save(lifecycle.attempted(request), "resume_repeated")
                        requests = tuple(begun if each.id == begun.id else each for each in requests)
                    moved = await self.engine.proceed(task, lease, self.clock(), requests)
                crash_points.point("run-returned")
                made.add(key)
                return moved
            case AskInstead(request=request, asked=asked):
                try:
                    await self._opening.ask_instead(task, request, asked)
                except ConditionFailed as failed:
                    return replace(status, failure=self._fault(str(failed)))
                return status
            case GiveUp():
                await self._lose(task)
            case Record():
                return await self._record(task, requests, status)
            case _:
                assert_never(move)
        return None

    async def _begin(self, task: Task, state: TaskState, tries: int) -> Task:
        """Count the run that is about to begin. What was begun earlier in this drive has come back in order."""
        if (task.state, task.tries) == (state, tries):
            return task
        saved = await self.storage.save_task(
            replace(task, state=state, tries=tries), AuditEvent(kind="running", at=self.clock(), task_id=task.id)
        )
        self.work.show_soon(task.id)
        return saved

    async def _take_back(self, task: Task) -> None:
        """A shutdown has stopped the run between two steps, or kept it from beginning: that was no failure."""
        if isinstance(task.state, Starting | Running) and task.tries:
            event = AuditEvent(kind="drained", at=self.clock(), task_id=task.id)
            await self.storage.save_task(replace(task, tries=task.tries - 1), event)

    async def _resume(self, task: Task, request: Request, requests: Sequence[Request], lease: Lease) -> ThreadStatus:
        """Answer the request's interrupt. The intent is stored first: an interrupt found gone was then ours."""
        state = request.state
        assert isinstance(state, Decided)  # noqa: S101 - next_move chose it
        try:
            answer = self.engine.answer(request.question, request.proposed, state.decision)
        except InvalidAnswer as invalid:
            return await self._unanswerable(task, request, invalid)
        await self._save(lifecycle.attempted(request), "resume_begun", told=answer)
        crash_points.point("resume-begun")
        return await self.engine.resume(task, lease, request.interrupt_id, answer, self.clock(), requests)

    async def _ask_again(self, task: Task, request_id: RequestId, objection: str) -> None:
        """The graph did not take the answer, and nothing of it is stored: its question comes back, with a new card."""
        request = await self.storage.request(request_id)
        if isinstance(request.decision, Expired):
            await self._stop(task, "Nobody answered, and the graph did not take that for an answer.")
            return
        now = self.clock()
        reopened = lifecycle.asked_again(request, objection, now)
        event = event_of(reopened, "asked_again", now, data={**full(reopened, task), "objection": objection})
        await self.storage.save_request(reopened, event, [wanted.card_of(reopened)])
        self.work.show_soon(task.id)

    async def _unanswerable(self, task: Task, request: Request, invalid: InvalidAnswer) -> ThreadStatus:
        """There is no value to resume with. Where that is because nobody answered, the task ends: no question's
        silence is taken for an answer that was not given."""
        if request.decision is not None and isinstance(request.decision, Expired):
            await self._stop(task, invalid.problem)
            return await self._status(task)
        await self._save(lifecycle.attempted(request), "resume_begun")
        failure = self._fault(f"its decision does not fit its question: {invalid}")
        return replace(await self._status(task), failure=failure)

    async def _status(self, task: Task) -> ThreadStatus:
        return await self.engine.status(task, await self.storage.requests_of(task.id))

    # --- Recording what the checkpoint says -----------------------------------------------------

    async def _record(self, task: Task, requests: Sequence[Request], status: ThreadStatus) -> ThreadStatus | None:
        """Store what follows from the thread's status. The task's own state comes before `delivered`, so that a
        crash in between leaves an undelivered request behind, which brings the next drive here again.

        Returns the status where the task was stopped, and is still to be closed.
        """
        requests = [await self._noted(request, status) for request in requests]
        for asked in status.asked:
            try:
                await self._opening.ask(task, requests, asked)
            except AskedTooOften as often:
                await self._stop(task, str(often))
                return status
            except ConditionFailed as failed:
                status = replace(status, failure=status.failure or self._fault(str(failed)))
        for request in requests:
            if isinstance(request.state, Pending) and not alive(request, status):
                await self._save(lifecycle.supersede(request, self.clock()), "superseded")
        status = self._with_loss(requests, status)
        await self._set_state(task, requests, status)
        for request in requests:
            if isinstance(request.state, Decided):
                await self._account(request, status, final=task.tries >= lifecycle.MOST_ATTEMPTS)
        return None

    async def _noted(self, request: Request, status: ThreadStatus) -> Request:
        """The request, saved if the status says something new of it: that its answer was not taken, or that code that
        it waits at is gone or back."""
        now = self.clock()
        match request.state:
            case Decided(attempts=attempts) if attempts and _not_taken(request, status):
                return await self._save(lifecycle.not_taken(request, now), "not_taken")
            case Pending() | Decided():
                if not _is_news(request, status):
                    return request
                gone = status.gone.get(request.interrupt_id) or status.lacks
                return await self._save(replace(request, gone=gone), "code_missing" if gone else "code_back")
            case _:
                return request

    def _with_loss(self, requests: Sequence[Request], status: ThreadStatus) -> ThreadStatus:
        """The status, with what is missing as its failure if the task cannot go on without it. Of a stop that is gone
        nothing is to be said before somebody has rejected, or nobody answered in time."""
        refused = [
            status.gone[request.interrupt_id]
            for request in requests
            if request.interrupt_id in status.gone and isinstance(request.state, Decided) and not is_approved(request)
        ]
        gone = status.lacks or next(iter(refused), None)
        if gone is None or status.failure is not None:
            return status
        return replace(status, failure=self._loss(gone, requests))

    def _loss(self, gone: Gone, requests: Sequence[Request]) -> Failure:
        """The failure that says so; the one that was told before, if it is the same, so that it is logged once."""
        told = (request.state.failure for request in requests if isinstance(request.state, Decided))
        known = next((failure for failure in told if failure is not None and failure.gone == gone), None)
        return known or self._fault(f"the {gone.part} {gone.name} is missing".strip(), gone)

    async def _set_state(self, task: Task, requests: Sequence[Request], status: ThreadStatus) -> None:
        now = self.clock()
        match status.phase:
            case Phase.DONE:
                outcome = status.outcome or "finished"
                await self._end(task, Ended(outcome=outcome, at=now, stopped=status.stopped), "ended")
            case Phase.WAITING if status.failure is None and not _stuck(requests, status):
                await self._set(replace(task, tries=0), Waiting(), "waiting")
            case Phase.WAITING | Phase.STOPPED | Phase.FAILED | Phase.BROKEN | Phase.LACKING | Phase.LOST:
                failure = status.failure or _known_failure(task, requests) or self._fault("it stopped without a word")
                if isinstance(task.state, Failed) and failure.gone and task.state.failure.gone == failure.gone:
                    failure = task.state.failure  # it has been said already
                failed = Failed(failure=failure, retryable=status.phase is not Phase.BROKEN)
                told = failure.gone is None and any(
                    isinstance(request.state, Decided) and alive(request, status) for request in requests
                )
                if task.state != failed:
                    await self._end(task, failed, "failed", told_on_card=told)
            case phase:
                assert_never(phase)

    async def _account(self, request: Request, status: ThreadStatus, *, final: bool) -> None:
        """Say of one decided request what became of it: delivered, failed, or answered by somebody else."""
        state = request.state
        assert isinstance(state, Decided)  # noqa: S101 - the caller's filter
        now = self.clock()
        if status.phase is Phase.BROKEN or not alive(request, status):
            if state.attempts:
                crash_points.point("before-delivered")
                told = lifecycle.delivered(request, now, stopped=status.stopped)
                await self._save(told, "stopped_there" if status.stopped else "delivered")
            else:
                await self._save(lifecycle.supersede(request, now), "superseded")
        elif status.failure is not None and status.failure.gone is not None:
            if state.failure is None or state.failure.gone != status.failure.gone or state.next_try is not None:
                await self._save(lifecycle.failed(request, status.failure, now), "delivery_failed")
        elif state.attempts and status.failure is not None and state.next_try is not None and state.next_try <= now:
            await self._save(lifecycle.failed(request, status.failure, now, final=final), "delivery_failed")

    async def _stop(self, task: Task, why: str) -> None:
        """End the task where it stands; its graph is not run any more."""
        await self._end(task, Ended(outcome=f"Stopped: {why}", at=self.clock(), stopped=True), "stopped")

    async def _lose(self, task: Task) -> None:
        """The checkpoints are gone: nothing can be resumed, and that is said."""
        now = self.clock()
        failure = self._fault("the graph's saved state is gone")
        for request in await self.storage.requests_of(task.id):
            if isinstance(request.state, Pending | Decided):
                await self._save(lifecycle.stopped(request, now), "superseded")
        await self._end(task, Failed(failure=failure, retryable=False), "lost")

    async def _close(self, task: Task, requests: Sequence[Request]) -> None:
        """The task is over. An answer that its graph took before it ended is delivered; what is still undelivered
        or open has nobody left to go to."""
        now = self.clock()
        took_answers = not isinstance(task.state, TaskCancelled)
        for request in requests:
            state = request.state
            if isinstance(state, Pending) and isinstance(task.state, TaskCancelled):
                request = lifecycle.cancel(request, task.state.by, now)
                state = request.state
            if isinstance(state, Decided) and (
                isinstance(state.decision, Cancelled) or (took_answers and state.attempts)
            ):
                await self._save(lifecycle.delivered(request, now), "delivered")
            elif isinstance(request.state, Pending | Decided):
                await self._save(lifecycle.stopped(request, now), "superseded")

    @property
    def _opening(self) -> Opening:
        chooser = PolicyChoice(policies=self.policies, directory=self.directory)
        return Opening(storage=self.storage, engine=self.engine, chooser=chooser, work=self.work, clock=self.clock)

    # --- Saving ---------------------------------------------------------------------------------

    async def _save(self, request: Request, kind: str, new: Sequence[Message] = (), **more: JSON) -> Request:
        data: dict[str, JSON] = {"outcome": str(outcome_of(request.decision))} if request.decision else {}
        if request.gone is not None:
            data["missing"] = {"part": str(request.gone.part), "name": request.gone.name}
        event = event_of(request, kind, self.clock(), data={**data, **more})
        saved = await self.storage.save_request(request, event, new)
        self.work.show_soon(request.task_id)
        return saved

    async def _set(self, task: Task, state: TaskState, kind: str) -> Task:
        if task.state == state:
            return task
        saved = await self.storage.save_task(
            replace(task, state=state), AuditEvent(kind=kind, at=self.clock(), task_id=task.id)
        )
        self.work.show_soon(task.id)
        return saved

    def _fault(self, summary: str, gone: Gone | None = None) -> Failure:
        """A failure that is not the graph's own exception; it is in the log under its id, as those are."""
        failure = Failure(error_id=uuid.uuid4().hex[:8], summary=summary, at=self.clock(), gone=gone)
        log.error("error %s: %s", failure.error_id, summary)
        return failure

    async def _end(
        self, task: Task, state: Ended | Failed | TaskCancelled, kind: str, *, told_on_card: bool = False
    ) -> None:
        """Store how the task ended or stopped, with the message that says so, unless a card says it already."""
        now = self.clock()
        await self.storage.save_task(
            replace(task, state=state),
            AuditEvent(kind=kind, at=now, task_id=task.id, data=_came_of(state)),
            [] if told_on_card else [wanted.outcome_of(task, now)],
        )
        self.work.show_soon(task.id)


def _came_of(state: Ended | Failed | TaskCancelled) -> dict[str, JSON]:
    match state:
        case Ended(outcome=outcome):
            return {"result": outcome}
        case Failed(failure=failure):
            return {"error_id": failure.error_id, "error": failure.summary}
        case TaskCancelled():
            return {}
        case _:
            assert_never(state)


def _called_off(requests: Sequence[Request]) -> Cancelled | None:
    """The word that ends the task: its requests are cancelled first, so a crash on the way loses nothing of it."""
    decisions = (request.state.decision for request in requests if isinstance(request.state, Decided))
    return next((decision for decision in decisions if isinstance(decision, Cancelled)), None)


def _is_news(request: Request, status: ThreadStatus) -> bool:
    """Whether the status says that code which the request waits at is gone, or back, and the record does not. Only a
    run tells whether a question is asked again."""
    gone = status.gone.get(request.interrupt_id) or status.lacks
    only_looked = request.gone is not None and request.gone.part is Part.QUESTION and gone is None
    return gone != request.gone and not only_looked


def _as_recorded(requests: Sequence[Request], status: ThreadStatus) -> ThreadStatus:
    """The status, in which a question whose answer failed and that is open again is open: its thread waits."""
    reopened = [each for each in requests if isinstance(each.state, Pending) and each.interrupt_id in status.answered]
    if not reopened or status.phase is not Phase.FAILED or status.failure is not None:
        return status
    waits = status.answered == {each.interrupt_id for each in reopened}
    return replace(status, phase=Phase.WAITING) if waits else status


def _not_taken(request: Request, status: ThreadStatus) -> bool:
    """Whether the agent was seen to ask something else instead of taking this answer."""
    return request.interrupt_id in status.not_taken or (status.doubtful and not alive(request, status))


def _stuck(requests: Sequence[Request], status: ThreadStatus) -> bool:
    """Whether a decision has failed to get through and its interrupt still stands: what `retry` is offered for."""
    return any(
        isinstance(request.state, Decided) and request.state.failure is not None and alive(request, status)
        for request in requests
    )


def _known_failure(task: Task, requests: Sequence[Request]) -> Failure | None:
    """The failure that was told already, so that looking again does not tell of another."""
    if isinstance(task.state, Failed):
        return task.state.failure
    failures = (request.state.failure for request in requests if isinstance(request.state, Decided))
    return next((failure for failure in failures if failure is not None), None)
