"""Which records need a person to go on. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Escalate
from bot.approvals.model.request import Decided, Pending, Request, Then, Unreached
from bot.approvals.model.task import Failed, Running, Starting, Task
from bot.approvals.rules.reach import missed_in_stage, nobody_was_reached


def failed_at(task: Task) -> datetime | None:
    """When the task failed, if it can be retried. None if it has not failed, or if a retry makes no sense."""
    match task.state:
        case Failed(failure=failure, retryable=True):
            return failure.at
        case _:
            return None


def is_stuck(task: Task, requests: Sequence[Request]) -> bool:
    """Whether only a person's retry takes the task on."""
    return failed_at(task) is not None and not _is_retried(requests)


def is_on_its_way(task: Task, requests: Sequence[Request]) -> bool:
    """Whether the task is being driven, or will be by itself. Nobody knows yet how that ends."""
    return isinstance(task.state, Starting | Running) or (failed_at(task) is not None and _is_retried(requests))


def undelivered(requests: Sequence[Request]) -> Request | None:
    """The first request whose decision has not reached its agent. None if all have."""
    return next((request for request in requests if isinstance(request.state, Decided)), None)


def is_doubtful(request: Request) -> bool:
    """Whether somebody could not be asked, or too few people may answer. Storage keeps an index of these requests.
    Nobody is needed for an undo window: if nobody answers, the result stays."""
    return (
        isinstance(request.state, Pending)
        and not request.is_window
        and bool(request.unreached or request.open.short or request.open.untold)
    )


def is_unanswerable(request: Request) -> bool:
    """Whether too few people may answer, and no later step of the policy adds any."""
    if not is_doubtful(request):
        return False
    nobody = bool(request.open.untold) and not request.open.asked
    return (bool(request.open.short) or nobody) and not request.open.escalated_to and not _is_joined_later(request)


def nobody_reached(request: Request) -> tuple[Unreached, ...]:
    """Those who could not be asked, if nobody is left: all who may answer, or everybody whom the last step asked. Empty
    otherwise, also if nobody knows who may answer."""
    if not is_doubtful(request) or not nobody_was_reached(request):
        return ()
    missed = missed_in_stage(request)
    last = tuple(each for each in missed if each.then is Then.END)
    return last or (missed if request.open.asked else ())


def is_unseen(request: Request, messages: Sequence[Message]) -> bool:
    """Whether nobody can see the request: its card cannot be posted, and no copy of it stands anywhere."""
    mine = [each for each in messages if each.request_id == request.id]
    cards = [each for each in mine if each.kind is MessageKind.CARD]
    is_gone = bool(cards) and all(each.abandoned for each in cards)
    stands = any(each.kind is MessageKind.COPY and each.ref is not None and not each.abandoned for each in mine)
    return is_doubtful(request) and is_gone and not stands


# --- Within -------------------------------------------------------------------------------------


def _is_retried(requests: Sequence[Request]) -> bool:
    """Whether a decision is tried again by itself."""
    return any(isinstance(each.state, Decided) and each.state.next_try is not None for each in requests)


def _is_joined_later(request: Request) -> bool:
    """Whether a step that is still to come adds approvers."""
    state = request.state
    taken = state.taken if isinstance(state, Pending) else ()
    steps = (step.action for number, step in enumerate(request.stage.steps) if number not in taken)
    return any(isinstance(action, Escalate) and action.adds for action in steps)
