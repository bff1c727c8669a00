"""How a task stands, for operators: whether it goes on by itself. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Ended, Failed, Failure, Gone, Running, Starting, Task, TaskCancelled, Waiting


class Stands(StrEnum):
    """How a task stands, in one word."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """People are asked."""
    DELIVERING = "delivering"
    """People have decided, and the agent is about to be told."""
    RETRYING = "retrying"
    """An error stopped it, and it is tried again by itself."""
    STUCK = "stuck"
    """It goes on only if a person does something: it failed for good, or the code that it waits at is missing."""
    LOST = "lost"
    """An error ended it, and nobody can have it go on."""
    ENDED = "ended"
    STOPPED = "stopped"
    """It ended before its agent reached its own end."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    stands: Stands
    failure: Failure | None = None
    """The last error. None if there was none, or if the task went on after it."""
    next_try: datetime | None = None
    """When a decision is delivered, or tried again. None if none is on its way."""
    gone: Gone | None = None
    """The part of the agent's code that is missing. None if nothing is known to be missing."""

    @property
    def needs_person(self) -> bool:
        """Whether nothing more comes of it unless a person does something."""
        return self.stands in (Stands.STUCK, Stands.LOST)


def standing(task: Task, requests: Sequence[Request]) -> Standing:
    """How the task stands. `requests` are all that it has, or at least those that are not settled."""
    match task.state:
        case Ended(stopped=stopped):
            return Standing(stands=Stands.STOPPED if stopped else Stands.ENDED)
        case TaskCancelled():
            return Standing(stands=Stands.CANCELLED)
        case Failed(failure=failure, retryable=False):
            return Standing(stands=Stands.LOST, failure=failure, gone=failure.gone)
        case Failed(failure=failure):
            return _open(requests, failure, Stands.STUCK)
        case Starting():
            return _open(requests, None, Stands.STARTING)
        case Running():
            return _open(requests, None, Stands.RUNNING)
        case Waiting():
            asks = any(isinstance(request.state, Pending) for request in requests)
            return _open(requests, None, Stands.WAITING if asks else Stands.DELIVERING)
        case state:
            assert_never(state)


def is_given_up(request: Request) -> bool:
    """Whether people have decided and only a person's retry has the agent told."""
    return isinstance(request.state, Decided) and request.state.next_try is None


def _open(requests: Sequence[Request], failure: Failure | None, stands: Stands) -> Standing:
    """How a task stands that has not ended: as `stands` says, unless its requests say more."""
    open_ones = [each for each in requests if isinstance(each.state, Pending | Decided)]
    decided = [each.state for each in open_ones if isinstance(each.state, Decided)]
    failures = [each.failure for each in decided if each.failure is not None]
    failure = failure or max(failures, key=lambda each: each.at, default=None)
    tries = [each.next_try for each in decided if each.next_try is not None]
    gone = next((each.gone for each in open_ones if each.gone is not None), failure.gone if failure else None)
    if stands not in (Stands.STARTING, Stands.RUNNING):
        if gone is not None or any(map(is_given_up, open_ones)):
            stands = Stands.STUCK
        elif tries and failure is not None:
            stands = Stands.RETRYING
    return Standing(stands=stands, failure=failure, next_try=min(tries, default=None), gone=gone)
