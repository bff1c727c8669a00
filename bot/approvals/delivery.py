"""A decided request -> the resumed graph, and whatever the graph asks next.

`drive` is the only thing that touches a thread: at a start, after a decision, after a crash. It takes the
thread's lease, asks the checkpoint how the thread stands, and makes the one move that records and checkpoint
together call for, until none is left. It can die anywhere and be called again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from bot import crash
from bot.approvals import rules, surfaces
from bot.approvals.errors import Conflict, InvalidAnswer, Unreachable
from bot.approvals.model import (
    AuditEvent,
    Cancelled,
    Decided,
    Ended,
    Failed,
    Failure,
    Lease,
    Pending,
    Person,
    Request,
    RequestId,
    Running,
    Starting,
    Task,
    TaskCancelled,
    TaskId,
    TaskState,
    Waiting,
    outcome_of,
)
from bot.approvals.policy import Policies
from bot.approvals.ports import (
    Asked,
    Clock,
    Directory,
    Engine,
    LookupFailed,
    Phase,
    Storage,
    ThreadStatus,
    Work,
)

log = logging.getLogger(__name__)


# --- The next move, pure ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Give the graph its inputs."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Answer the interrupt of this decided request."""

    request: Request


@dataclass(frozen=True, slots=True)
class Proceed:
    """Run on without an answer; `request` is the one whose answer the node already has, if any."""

    request: Request | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Nothing is left to run: open, renew and supersede requests, and say how the task stands."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The checkpoints of this thread are gone."""


Move: TypeAlias = Start | Resume | Proceed | Record | GiveUp


def next_move(task: Task, requests: Sequence[Request], status: ThreadStatus, now: datetime) -> Move:
    """What records and checkpoint together call for."""
    if status.phase is Phase.LOST:
        return _without_checkpoints(task, requests)
    for request in requests:
        if not isinstance(request.state, Decided) or isinstance(request.state.decision, Cancelled):
            continue
        if request.state.next_try is None or request.state.next_try > now:
            continue
        if request.interrupt_id in status.answered:
            return Proceed(request)
        if status.is_open(request.interrupt_id):
            return Resume(request)
    if status.phase is Phase.STOPPED:
        return Proceed()
    if status.phase is Phase.FAILED and status.failure is None and isinstance(task.state, Starting | Running):
        waiting_for_retry = any(isinstance(request.state, Decided) for request in requests)
        return Record() if waiting_for_retry else Proceed()
    return Record()


def _without_checkpoints(task: Task, requests: Sequence[Request]) -> Move:
    """A thread that has asked something had checkpoints, and is never begun again from its inputs. One that
    failed before its first checkpoint waits for a person's retry."""
    if not requests and isinstance(task.state, Starting):
        return Start()
    return Record() if not requests and isinstance(task.state, Failed) else GiveUp()


# --- Driving ------------------------------------------------------------------------------------


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
        crash.point("decided")
        lease = await self.storage.lease(task.thread_id, self.lease_ttl, self.clock())
        if lease is None:
            return False
        async with self._held(lease, task_id):
            crash.point("leased")
            await self._drive(await self.storage.task(task_id), lease)
        return True

    async def _drive(self, task: Task, lease: Lease) -> None:
        status = await self.engine.status(task)
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
        task = await self.storage.task(task_id)
        requests = await self.storage.requests_of(task_id)
        if task.finished:
            await self._close(task, requests)
            return None
        move = Record() if status.failure is not None else next_move(task, requests, status, self.clock())
        match move:
            case Start():
                return await self.engine.start(task, lease, self.clock())
            case Resume(request=request) | Proceed(request=request):
                key = (type(move), request.id if request is not None else None)
                if key in made:
                    return replace(status, failure=self._fault("it went on and still stands where it stood"))
                task = await self._set(task, Running(), "running")
                if isinstance(move, Resume):
                    moved = await self._resume(task, move.request, lease)
                else:
                    if request is not None:
                        await self._save(rules.attempted(request), "resume_repeated")
                    moved = await self.engine.proceed(task, lease, self.clock())
                crash.point("run-returned")
                made.add(key)
                return moved
            case GiveUp():
                await self._lose(task)
            case Record():
                await self._record(task, requests, status)
            case _:
                assert_never(move)
        return None

    async def _resume(self, task: Task, request: Request, lease: Lease) -> ThreadStatus:
        """Answer the request's interrupt. The intent is stored first: an interrupt found gone was then ours."""
        state = request.state
        assert isinstance(state, Decided)  # noqa: S101 - next_move chose it
        await self._save(rules.attempted(request), "resume_begun")
        crash.point("resume-begun")
        try:
            answer = self.engine.answer(request.question, request.proposed, state.decision)
        except InvalidAnswer as invalid:
            failure = self._fault(f"its decision does not fit its question: {invalid}")
            return replace(await self.engine.status(task), failure=failure)
        return await self.engine.resume(task, lease, request.interrupt_id, answer, self.clock())

    # --- Recording what the checkpoint says -----------------------------------------------------

    async def _record(self, task: Task, requests: Sequence[Request], status: ThreadStatus) -> None:
        """Store what follows from the thread's status. The task's own state comes before `delivered`, so that a
        crash in between leaves an undelivered request behind, which brings the next drive here again."""
        for asked in status.asked:
            await self._ask(task, requests, asked)
        for request in requests:
            if isinstance(request.state, Pending) and not _alive(request, status):
                await self._save(rules.supersede(request, self.clock()), "superseded")
        await self._set_state(task, requests, status)
        for request in requests:
            if isinstance(request.state, Decided):
                await self._account(request, status)

    async def _ask(self, task: Task, requests: Sequence[Request], asked: Asked) -> None:
        known = next((request for request in requests if request.interrupt_id == asked.interrupt_id), None)
        if known is None:
            await self._open(task, asked)
            return
        renewed = rules.ask_anew(known, asked.question)
        if renewed is not known:
            await self._save(renewed, "asked_anew")

    async def _open(self, task: Task, asked: Asked) -> None:
        crash.point("interrupt-reached")
        now = self.clock()
        question = asked.question
        policy = self.policies.select(graph=task.graph, risk=question.risk)
        request = Request(
            id=RequestId(secrets.token_hex(8)),
            task_id=task.id,
            thread_id=task.thread_id,
            interrupt_id=asked.interrupt_id,
            graph=task.graph,
            requester=task.requester,
            proposed=question,
            question=question,
            policy=policy,
            asked=await self._who(policy.approvers),
            opened_at=now,
            state=Pending(due_at=None),
        )
        request = replace(request, state=rules.first_due(request))
        event = AuditEvent(
            kind="opened",
            at=now,
            task_id=task.id,
            request_id=request.id,
            data={"digest": request.digest, "policy": policy.name},
        )
        await self.storage.open_request(request, event, [surfaces.card_of(request)])
        crash.point("request-opened")
        self.work.show(task.id)

    async def _who(self, refs: Sequence[str]) -> tuple[Person, ...]:
        try:
            people = await self.directory.resolve(refs)
        except LookupFailed as failed:
            log.warning("who may answer could not be looked up, so the card shows the policy's names: %s", failed)
            return ()
        return tuple(sorted(people, key=lambda person: person.user_id))

    async def _set_state(self, task: Task, requests: Sequence[Request], status: ThreadStatus) -> None:
        now = self.clock()
        match status.phase:
            case Phase.DONE:
                outcome = status.outcome or "finished"
                await self._end(task, Ended(outcome=outcome, at=now), "ended")
            case Phase.WAITING if status.failure is None and not _stuck(requests, status):
                await self._set(task, Waiting(), "waiting")
            case Phase.WAITING | Phase.STOPPED | Phase.FAILED | Phase.BROKEN | Phase.LOST:
                failure = status.failure or _known_failure(task, requests) or self._fault("it stopped without a word")
                failed = Failed(failure=failure, retryable=status.phase is not Phase.BROKEN)
                told = any(isinstance(request.state, Decided) and _alive(request, status) for request in requests)
                if task.state != failed:
                    await self._end(task, failed, "failed", told_on_card=told)
            case phase:
                assert_never(phase)

    async def _account(self, request: Request, status: ThreadStatus) -> None:
        """Say of one decided request what became of it: delivered, failed, or answered by somebody else."""
        state = request.state
        assert isinstance(state, Decided)  # noqa: S101 - the caller's filter
        now = self.clock()
        if status.phase is Phase.BROKEN or not _alive(request, status):
            if state.attempts:
                crash.point("before-delivered")
                await self._save(rules.delivered(request, now), "delivered")
            else:
                await self._save(rules.supersede(request, now), "superseded")
        elif status.failure is not None and state.next_try is not None and state.next_try <= now:
            await self._save(rules.failed(request, status.failure, now), "delivery_failed")

    async def _lose(self, task: Task) -> None:
        """The checkpoints are gone: nothing can be resumed, and that is said."""
        now = self.clock()
        failure = self._fault("the graph's saved state is gone")
        for request in await self.storage.requests_of(task.id):
            if isinstance(request.state, Pending | Decided):
                await self._save(rules.supersede(request, now), "superseded")
        await self._end(task, Failed(failure=failure, retryable=False), "lost")

    async def _close(self, task: Task, requests: Sequence[Request]) -> None:
        """The task is over. An answer that its graph took before it ended is delivered; what is still undelivered
        or open has nobody left to go to."""
        now = self.clock()
        took_answers = not isinstance(task.state, TaskCancelled)
        for request in requests:
            state = request.state
            if isinstance(state, Decided) and (
                isinstance(state.decision, Cancelled) or (took_answers and state.attempts)
            ):
                await self._save(rules.delivered(request, now), "delivered")
            elif isinstance(request.state, Pending | Decided):
                await self._save(rules.supersede(request, now), "superseded")

    # --- Saving ---------------------------------------------------------------------------------

    async def _save(self, request: Request, kind: str) -> Request:
        event = AuditEvent(
            kind=kind,
            at=self.clock(),
            task_id=request.task_id,
            request_id=request.id,
            data={"outcome": str(outcome_of(request.decision))} if request.decision else {},
        )
        saved = await self.storage.save_request(request, event)
        self.work.show(request.task_id)
        return saved

    async def _set(self, task: Task, state: TaskState, kind: str) -> Task:
        if task.state == state:
            return task
        saved = await self.storage.save_task(
            replace(task, state=state), AuditEvent(kind=kind, at=self.clock(), task_id=task.id)
        )
        self.work.show(task.id)
        return saved

    def _fault(self, summary: str) -> Failure:
        """A failure that is not the graph's own exception; it is in the log under its id, as those are."""
        failure = Failure(error_id=uuid.uuid4().hex[:8], summary=summary, at=self.clock())
        log.error("error %s: %s", failure.error_id, summary)
        return failure

    async def _end(self, task: Task, state: Ended | Failed, kind: str, *, told_on_card: bool = False) -> None:
        """Store how the task ended or stopped, with the message that says so, unless a card says it already."""
        now = self.clock()
        data = {"error_id": state.failure.error_id} if isinstance(state, Failed) else {}
        await self.storage.save_task(
            replace(task, state=state),
            AuditEvent(kind=kind, at=now, task_id=task.id, data=dict(data)),
            [] if told_on_card else [surfaces.outcome_of(task, now)],
        )
        self.work.show(task.id)

    # --- The lease ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _held(self, lease: Lease, task_id: TaskId) -> AsyncIterator[None]:
        """Renew the lease at a third of its length while the block runs; cancel the block when the lease is lost
        or the task was cancelled meanwhile, here or elsewhere."""
        owner = asyncio.current_task()
        assert owner is not None  # noqa: S101 - a coroutine runs in a task
        stopped = False

        async def renew() -> None:
            nonlocal stopped
            held: Lease | None = lease
            try:
                while held is not None:
                    await asyncio.sleep(self.lease_ttl.total_seconds() / 3)
                    held = await self._renewed(held, task_id)
            except Exception:  # a bug: it is raised below, once the run that nobody guards any more has stopped
                stopped = True
                owner.cancel()
                raise
            stopped = True
            owner.cancel()

        renewal = asyncio.create_task(renew(), name=f"lease of {lease.thread_id}")
        try:
            yield
        except asyncio.CancelledError:
            if not stopped or owner.uncancel() > 0:
                raise
        finally:
            renewal.cancel()
            await asyncio.wait([renewal])
            await self.storage.release(lease)
            if not renewal.cancelled():
                renewal.result()

    async def _renewed(self, lease: Lease, task_id: TaskId) -> Lease | None:
        """The renewed lease, or None where the run has to stop: the lease is lost, storage does not say whose it
        is by now, or the task was cancelled."""
        try:
            async with asyncio.timeout(self.lease_ttl.total_seconds() / 3):
                renewed = await self.storage.renew(lease, self.lease_ttl, self.clock())
                task = await self.storage.task(task_id)
        except (TimeoutError, Unreachable) as error:
            log.error(
                "thread %s: its lease could not be renewed, so its run is cancelled: %s",
                lease.thread_id,
                error,
            )
            return None
        if renewed is None:
            log.error("thread %s: its lease was lost, so its run is cancelled", lease.thread_id)
        return None if isinstance(task.state, TaskCancelled) else renewed


def _alive(request: Request, status: ThreadStatus) -> bool:
    return status.is_open(request.interrupt_id) or request.interrupt_id in status.answered


def _stuck(requests: Sequence[Request], status: ThreadStatus) -> bool:
    """Whether a decision has failed to get through and its interrupt still stands: what `retry` is offered for."""
    return any(
        isinstance(request.state, Decided) and request.state.failure is not None and _alive(request, status)
        for request in requests
    )


def _known_failure(task: Task, requests: Sequence[Request]) -> Failure | None:
    """The failure that was told already, so that looking again does not tell of another."""
    if isinstance(task.state, Failed):
        return task.state.failure
    failures = (request.state.failure for request in requests if isinstance(request.state, Decided))
    return next((failure for failure in failures if failure is not None), None)
