"""Decides from the records and the checkpoint what to do next. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.decision import Answered, Approve, Cancelled
from bot.approvals.model.request import Decided, Request
from bot.approvals.model.task import Failed, Part, Running, Starting, Task
from bot.approvals.rules import lifecycle


@dataclass(frozen=True, slots=True)
class Start:
    """Give the graph its inputs."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Answer the interrupt of this decided request."""

    request: Request


@dataclass(frozen=True, slots=True)
class Proceed:
    """Run on without an answer. `request` is the request whose answer the node already has, if any."""

    request: Request | None = None


@dataclass(frozen=True, slots=True)
class AskInstead:
    """Ask people again, because the agent now asks something else than what was decided."""

    request: Request
    asked: Asked


@dataclass(frozen=True, slots=True)
class AskAfterStale:
    """Ask people again, or stop the task, because the decision was not delivered as long as it was valid."""

    request: Request


@dataclass(frozen=True, slots=True)
class Record:
    """Run nothing. Open, renew and supersede requests, and record the state of the task."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The checkpoints of this thread are gone."""


Move: TypeAlias = Start | Resume | Proceed | AskInstead | AskAfterStale | Record | GiveUp


def next_move(task: Task, requests: Sequence[Request], status: ThreadStatus, now: datetime) -> Move:
    """The next move, decided from the records and the checkpoint."""
    if status.phase is Phase.LOST:
        return _without_checkpoints(task, requests)
    if status.phase is Phase.LACKING:
        return Record()
    for request in requests:
        if request.interrupt_id in status.answered and lifecycle.is_stale(request, now):
            return AskAfterStale(request)  # any run would give its old answer to its agent once more
    for request in requests:
        if not isinstance(request.state, Decided) or isinstance(request.state.decision, Cancelled):
            continue
        if lifecycle.is_held(request, now):
            continue  # a failure beside it, or code that is back, does not cut the hold short
        if status.stands not in (None, request.interrupt_id):
            continue  # only a run that answers the breakpoint may start, as any other would pass it
        is_due = request.state.next_try is not None and request.state.next_try <= now
        is_back = request.gone is not None and request.gone.part in (Part.STEP, Part.GRAPH)
        if not is_due and not is_back:
            continue
        if (asked := status.asked_at(request.interrupt_id)) is not None:
            if not request.is_asked_by(asked.question, asked.fingerprint):
                return AskInstead(request, asked)
            if lifecycle.is_stale(request, now):
                return AskAfterStale(request)
            if request.interrupt_id not in status.gone or is_approved(request):
                return Resume(request)
        elif request.interrupt_id in status.answered:
            return Proceed(request)
    if status.stands is not None:
        return Record()
    if status.phase is Phase.STOPPED and not isinstance(task.state, Failed):
        return Proceed()
    if status.phase is Phase.FAILED and status.failure is None and isinstance(task.state, Starting | Running):
        waiting_for_retry = any(isinstance(request.state, Decided) for request in requests)
        return Record() if waiting_for_retry else Proceed()
    return Record()


def _without_checkpoints(task: Task, requests: Sequence[Request]) -> Move:
    """The next move for a thread without checkpoints. If the thread has asked something, it had checkpoints, so it is
    never started again from its inputs. If it failed before its first checkpoint, it waits for a person's retry."""
    if not requests and isinstance(task.state, Starting):
        return Start()
    return Record() if not requests and isinstance(task.state, Failed) else GiveUp()


def alive(request: Request, status: ThreadStatus) -> bool:
    """Whether the request's interrupt is still in the graph, either open or answered but not passed yet. Also true if
    nobody can tell because code is missing."""
    return (
        status.phase is Phase.LACKING or status.is_open(request.interrupt_id) or request.interrupt_id in status.answered
    )


def is_approved(request: Request) -> bool:
    """Whether people approved every item of the request."""
    decision = request.decision
    return isinstance(decision, Answered) and all(isinstance(verdict, Approve) for verdict in decision.verdicts)
