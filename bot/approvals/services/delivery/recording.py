"""How a thread stands -> the records that say so: its requests, and the state of its task."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from bot import crash_points
from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import Cancelled
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import JSON, TaskId
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import (
    Ended,
    Failed,
    Failure,
    Gone,
    Part,
    Task,
    TaskCancelled,
    Waiting,
    in_short,
)
from bot.approvals.ports.storage import Change, Storage
from bot.approvals.ports.work import Clock, Work
from bot.approvals.rules import lifecycle, windows
from bot.approvals.rules.calls import webhook_of
from bot.approvals.rules.matching import ConditionFailed
from bot.approvals.rules.next_action import alive, is_approved
from bot.approvals.services.delivery.batch import Batch
from bot.approvals.services.delivery.opening import AskedTooOften, Opening
from bot.approvals.services.messages import wanted

log = logging.getLogger(__name__)

UNSAID: Final = "finished"
"""The outcome of a task whose agent says nothing about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Stores what follows from a thread's status. Only whoever holds the thread's lease may call it.

    Raises `Conflict` if a person changed a record meanwhile: the caller reads again and decides anew.
    """

    storage: Storage
    opening: Opening
    work: Work
    clock: Clock

    async def record(self, task: Task, requests: Sequence[Request], status: ThreadStatus) -> ThreadStatus | None:
        """Store all that follows from the thread's status, at once: a crash before that leaves a task that should be
        running, or an undelivered request, either of which brings the next drive here again.

        Returns the status if the task was stopped and is still to be closed, else None.
        """
        batch = Batch(clock=self.clock)
        requests = [self._noted(batch, request, status) for request in requests]
        for asked in status.asked:
            try:
                await self.opening.ask(batch, task, requests, asked)
            except AskedTooOften as often:
                self._stop(batch, task, str(often))
                await self.store(batch)
                return status
            except ConditionFailed as failed:
                status = replace(status, failure=status.failure or self.fault(str(failed)))
            except Unreachable:
                await self.store(batch)  # what is known so far; the next drive goes on from there
                raise
            requests = [batch.latest(request) for request in requests]
        for request in requests:
            if isinstance(request.state, Pending) and not alive(request, status):
                batch.request(lifecycle.supersede(request, self.clock()), "superseded")
        status = self._with_loss(requests, status)
        self._set_state(batch, task, requests, status)
        last = _last_answered(requests)
        for request in requests:
            if isinstance(request.state, Decided):
                reported = _reported(status) if request is last else ""
                self._account(batch, request, status, reported, final=task.tries >= lifecycle.MAX_ATTEMPTS)
        self._settle_offers(batch, requests)
        await self.store(batch)
        return None

    async def fail(self, task_id: TaskId, failure: Failure, *, final: bool = False) -> None:
        """Record that the task cannot be driven. Its decisions are tried again later or, if `final`, only by a person's
        retry."""
        records, batch = await self.storage.records_of(task_id), Batch(clock=self.clock)
        task = records.task
        final = final or task.tries >= lifecycle.MAX_ATTEMPTS
        for request in records.requests:
            if isinstance(request.state, Decided):
                batch.request(lifecycle.failed(request, failure, self.clock(), final=final), "delivery_failed")
        if not task.finished:
            stopped = Failed(failure=failure, retryable=True)
            known = isinstance(task.state, Failed) and not final
            counted = replace(task, state=task.state if known else stopped, tries=task.tries + (not final))
            outcome = [] if known else [wanted.outcome_of(task, self.clock())]
            batch.task(counted, "failed", outcome, data=_came_of(stopped))
        await self.store(batch)

    async def lose(self, task: Task, requests: Sequence[Request]) -> None:
        """Record that the checkpoints are gone, so that nothing can be resumed."""
        now, batch = self.clock(), Batch(clock=self.clock)
        failure = self.fault("the graph's saved state is gone")
        for request in requests:
            if isinstance(request.state, Pending | Decided):
                batch.request(lifecycle.stopped(request, now), "superseded")
        self._settle_offers(batch, requests)
        self._end(batch, task, Failed(failure=failure, retryable=False), "lost")
        await self.store(batch)

    async def close(self, task: Task, requests: Sequence[Request]) -> None:
        """Settle the requests of a task that is over. An answer that its graph took before it ended was delivered; any
        other request is superseded, as no agent waits for it."""
        now, batch = self.clock(), Batch(clock=self.clock)
        took_answers = not isinstance(task.state, TaskCancelled)
        last = _last_answered(requests)
        for request in requests:
            state = request.state
            if isinstance(state, Pending) and isinstance(task.state, TaskCancelled):
                request = lifecycle.cancel(request, task.state.by, now, task.state.reason)
                state = request.state
            if isinstance(state, Decided) and (
                isinstance(state.decision, Cancelled) or (took_answers and state.attempts)
            ):
                outcome = _outcome_of(task) if request is last else ""
                batch.request(lifecycle.delivered(request, now, outcome=outcome), "delivered")
            elif isinstance(request.state, Pending | Decided):
                batch.request(lifecycle.stopped(request, now), "superseded")
        self._settle_offers(batch, requests)
        await self.store(batch)

    async def stop(self, task: Task, why: str, batch: Batch | None = None) -> None:
        """End the task where it stands. Its graph does not run again. Stores the batch's changes with that."""
        batch = batch or Batch(clock=self.clock)
        self._stop(batch, task, why)
        await self.store(batch)

    async def end(self, task: Task, state: Ended | Failed | TaskCancelled, kind: str) -> None:
        """Store how the task ended or stopped, with a message that says so."""
        batch = Batch(clock=self.clock)
        self._end(batch, task, state, kind)
        await self.store(batch)

    async def store(self, batch: Batch, *, durable: bool = True) -> None:
        """Store these changes, if there are any; `durable` as in `ChangeStore`. Whoever drives has the messages synced
        when the drive is over."""
        if not batch.changes:
            return
        changes = await self._with_webhooks(batch.changes)
        if batch.delivers:
            crash_points.point("before-delivered")
        await self.storage.save_all(changes, durable=durable)
        if batch.opens:
            if is_of_caller(_task_of(changes[0])):
                crash_points.point("call-asked")
            else:
                crash_points.point("request-opened")
        if batch.offers_undo:
            crash_points.point("window-opened")
        for task_id in batch.decided:
            self.work.deliver(task_id)

    def fault(self, summary: str, gone: Gone | None = None) -> Failure:
        """A failure that is no exception of the graph. It is logged under its id, as exceptions are."""
        failure = Failure(error_id=uuid.uuid4().hex[:8], summary=summary, at=self.clock(), gone=gone)
        log.error("error %s: %s", failure.error_id, summary)
        return failure

    # --- Within ---------------------------------------------------------------------------------

    async def _with_webhooks(self, changes: Sequence[Change]) -> Sequence[Change]:
        """The changes of one task, with a webhook where one of them settles a caller's request. If the records have
        changed since, the whole is a conflict anyway."""
        task_id = _task_of(changes[0])
        if not is_of_caller(task_id):
            return changes
        records = await self.storage.records_of(task_id)
        known, told = {request.id: request for request in records.requests}, []
        for change in changes:
            if isinstance(request := change.record, Request):
                webhook = webhook_of(records.task, known.get(request.id), request, self.clock())
                change = replace(change, webhooks=[webhook]) if webhook is not None else change
                known[request.id] = request
            told.append(change)
        return told

    def _noted(self, batch: Batch, request: Request, status: ThreadStatus) -> Request:
        """The request, changed if the status says something new about it: that its answer was not taken, or that the
        code that it waits at is gone or back."""
        now = self.clock()
        match request.state:
            case Decided(attempts=attempts) if attempts and _not_taken(request, status):
                return batch.request(lifecycle.not_taken(request, now), "not_taken")
            case Pending() | Decided():
                if not is_news(request, status):
                    return request
                gone = status.gone.get(request.interrupt_id) or status.lacks
                return batch.request(replace(request, gone=gone), "code_missing" if gone else "code_back")
            case _:
                return request

    def _settle_offers(self, batch: Batch, requests: Sequence[Request]) -> None:
        """Have each approval say what became of the offer to undo what it led to, or how the offer stands now."""
        latest = {request.id: batch.latest(request) for request in requests}
        for approval in latest.values():
            offer = approval.undo
            window = latest.get(offer.request_id) if offer is not None and offer.outcome is None else None
            if window is None:
                continue
            stands = windows.offered(approval, window) if window.is_window else windows.withdrawn(approval)
            if stands.undo is not None and stands != approval:
                batch.request(stands, "undo_settled" if stands.undo.outcome else "undo_offered")

    def _with_loss(self, requests: Sequence[Request], status: ThreadStatus) -> ThreadStatus:
        """The status, with the missing code as its failure if the task cannot go on without it. A stop that is gone is
        a failure only if somebody rejected, or nobody answered in time: after an approval it is not needed."""
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
        """The failure that says so. If the same was recorded before, that one, so that it is logged once."""
        told = (request.state.failure for request in requests if isinstance(request.state, Decided))
        known = next((failure for failure in told if failure is not None and failure.gone == gone), None)
        return known or self.fault(f"the {gone.part} {gone.name} is missing".strip(), gone)

    def _stop(self, batch: Batch, task: Task, why: str) -> None:
        self._end(batch, task, Ended(outcome=f"Stopped: {why}", at=self.clock(), stopped=True), "stopped")

    def _end(
        self,
        batch: Batch,
        task: Task,
        state: Ended | Failed | TaskCancelled,
        kind: str,
        *,
        told_on_card: bool = False,
    ) -> None:
        """How the task ended or stopped. A message says so, unless a card does already."""
        outcome = [] if told_on_card else [wanted.outcome_of(task, self.clock())]
        batch.task(replace(task, state=state), kind, outcome, data=_came_of(state))

    def _set_state(self, batch: Batch, task: Task, requests: Sequence[Request], status: ThreadStatus) -> None:
        now = self.clock()
        match status.phase:
            case Phase.DONE:
                outcome = status.outcome or UNSAID
                ended = Ended(outcome=outcome, at=now, stopped=status.stopped)
                self._end(batch, task, ended, "ended", told_on_card=is_of_caller(task.id))
            case Phase.WAITING if status.failure is None and not _stuck(requests, status):
                if task.state != Waiting():
                    batch.task(replace(task, state=Waiting(), tries=0), "waiting")
            case Phase.WAITING | Phase.STOPPED | Phase.FAILED | Phase.BROKEN | Phase.LACKING | Phase.LOST:
                failure = status.failure or _known_failure(task, requests) or self.fault("it stopped without a word")
                if isinstance(task.state, Failed) and failure.gone and task.state.failure.gone == failure.gone:
                    failure = task.state.failure  # it has been said already
                failed = Failed(failure=failure, retryable=status.phase is not Phase.BROKEN)
                told = failure.gone is None and any(
                    isinstance(request.state, Decided) and alive(request, status) for request in requests
                )
                if task.state != failed:
                    self._end(batch, task, failed, "failed", told_on_card=told)
            case Phase.BUSY:
                pass  # nothing is recorded before the run is over
            case phase:
                assert_never(phase)

    def _account(self, batch: Batch, request: Request, status: ThreadStatus, reported: str, *, final: bool) -> None:
        """Record what became of one decided request: delivered, failed, or answered by somebody else."""
        state = request.state
        assert isinstance(state, Decided)  # noqa: S101 - the caller's filter
        now = self.clock()
        if status.phase is Phase.BROKEN or not alive(request, status):
            if state.attempts:
                told = lifecycle.delivered(request, now, stopped=status.stopped, outcome=reported)
                batch.request(told, "stopped_there" if status.stopped else "delivered")
            else:
                batch.request(lifecycle.supersede(request, now), "superseded")
        elif status.failure is not None and status.failure.gone is not None:
            if state.failure is None or state.failure.gone != status.failure.gone or state.next_try is not None:
                batch.request(lifecycle.failed(request, status.failure, now), "delivery_failed")
        elif state.attempts and status.failure is not None and state.next_try is not None and state.next_try <= now:
            batch.request(lifecycle.failed(request, status.failure, now, final=final), "delivery_failed")


def _task_of(change: Change) -> TaskId:
    return change.record.id if isinstance(change.record, Task) else change.record.task_id


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


def _last_answered(requests: Sequence[Request]) -> Request | None:
    """The request whose answer was begun to be delivered last: answers go out in the order of the requests. None if no
    answer is on its way."""
    begun = (each for each in reversed(requests) if isinstance(each.state, Decided) and each.state.attempts)
    return next(begun, None)


def _reported(status: ThreadStatus) -> str:
    """What the agent says of its end, in short. Empty if it says nothing, or has not come to its own end."""
    return in_short(status.outcome) if status.phase is Phase.DONE and not status.stopped else ""


def _outcome_of(task: Task) -> str:
    """The same, from the record of the task's end."""
    state = task.state
    return in_short(state.outcome) if isinstance(state, Ended) and not state.stopped and state.outcome != UNSAID else ""


def is_news(request: Request, status: ThreadStatus) -> bool:
    """Whether the status says that the code that the request waits at is gone, or back, and the record does not yet.
    Whether a question is asked again is known only after a run."""
    gone = status.gone.get(request.interrupt_id) or status.lacks
    only_looked = request.gone is not None and request.gone.part is Part.QUESTION and gone is None
    return gone != request.gone and not only_looked


def _not_taken(request: Request, status: ThreadStatus) -> bool:
    """Whether the agent was seen to ask something else instead of taking this answer."""
    return request.interrupt_id in status.not_taken or (status.doubtful and not alive(request, status))


def _stuck(requests: Sequence[Request], status: ThreadStatus) -> bool:
    """Whether a decision could not be delivered and its interrupt still stands. People are then offered `retry`."""
    return any(
        isinstance(request.state, Decided) and request.state.failure is not None and alive(request, status)
        for request in requests
    )


def _known_failure(task: Task, requests: Sequence[Request]) -> Failure | None:
    """The failure that is on record already, so that a second look does not record another."""
    if isinstance(task.state, Failed):
        return task.state.failure
    failures = (request.state.failure for request in requests if isinstance(request.state, Decided))
    return next((failure for failure in failures if failure is not None), None)
