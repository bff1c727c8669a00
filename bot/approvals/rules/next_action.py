"""What records and checkpoint together call for next, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.decision import Answered, Approve, Cancelled
from bot.approvals.model.request import Decided, Request
from bot.approvals.model.task import Failed, Part, Running, Starting, Task


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
class AskInstead:
    """Put this to people again, as the agent asks something else by now than what was decided."""

    request: Request
    asked: Asked


@dataclass(frozen=True, slots=True)
class Record:
    """Nothing is left to run: open, renew and supersede requests, and say how the task stands."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The checkpoints of this thread are gone."""


Move: TypeAlias = Start | Resume | Proceed | AskInstead | Record | GiveUp


def next_move(task: Task, requests: Sequence[Request], status: ThreadStatus, now: datetime) -> Move:
    """What records and checkpoint together call for."""
    if status.phase is Phase.LOST:
        return _without_checkpoints(task, requests)
    if status.phase is Phase.LACKING:
        return Record()
    for request in requests:
        if not isinstance(request.state, Decided) or isinstance(request.state.decision, Cancelled):
            continue
        if status.stands not in (None, request.interrupt_id):
            continue  # a run would pass the stop, which comes first
        is_due = request.state.next_try is not None and request.state.next_try <= now
        is_back = request.gone is not None and request.gone.part in (Part.STEP, Part.GRAPH)
        if not is_due and not is_back:
            continue
        if (asked := status.asked_at(request.interrupt_id)) is not None:
            if not request.is_asked_by(asked.question, asked.fingerprint):
                return AskInstead(request, asked)
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
    """A thread that has asked something had checkpoints, and is never begun again from its inputs. One that
    failed before its first checkpoint waits for a person's retry."""
    if not requests and isinstance(task.state, Starting):
        return Start()
    return Record() if not requests and isinstance(task.state, Failed) else GiveUp()


def alive(request: Request, status: ThreadStatus) -> bool:
    """Whether the request's interrupt still stands in the graph, open or with its answer not got past; or may, as code
    is missing that would tell."""
    return (
        status.phase is Phase.LACKING or status.is_open(request.interrupt_id) or request.interrupt_id in status.answered
    )


def is_approved(request: Request) -> bool:
    """Whether people approved all of it."""
    decision = request.decision
    return isinstance(decision, Answered) and all(isinstance(verdict, Approve) for verdict in decision.verdicts)
