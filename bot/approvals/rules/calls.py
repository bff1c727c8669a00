"""What a program may know of its request, and when it is told. Pure functions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from bot.approvals.model.caller import is_of_caller, request_id_of
from bot.approvals.model.decision import Answered, Cancelled, Expired, WindowClosed
from bot.approvals.model.ids import RequestId
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Task, TaskCancelled
from bot.approvals.model.trace import Trace
from bot.approvals.model.webhook import Webhook, WebhookId, WebhookKind
from bot.approvals.rules import windows


class CallStatus(StrEnum):
    """How a request stands for the program that made it."""

    PENDING = "pending"
    DECIDED = "decided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


_KINDS: Final = {
    CallStatus.DECIDED: WebhookKind.DECIDED,
    CallStatus.EXPIRED: WebhookKind.EXPIRED,
    CallStatus.CANCELLED: WebhookKind.CANCELLED,
    CallStatus.SUPERSEDED: WebhookKind.SUPERSEDED,
}


def is_handed_over(request: Request) -> bool:
    """Whether the program may know how the request was settled. Until then, people may take an answer back."""
    match request.state:
        case Pending():
            return False
        case Decided(attempts=attempts):
            return attempts > 0
        case Delivered() | Superseded():
            return True
        case state:
            assert_never(state)


def status_of(task: Task, request: Request | None) -> CallStatus:
    """How a request stands. It is None if it was not opened yet."""
    if request is None:
        if not task.finished:
            return CallStatus.PENDING
        return CallStatus.CANCELLED if isinstance(task.state, TaskCancelled) else CallStatus.SUPERSEDED
    if not is_handed_over(request):
        return CallStatus.PENDING
    if isinstance(request.state, Superseded):
        return CallStatus.SUPERSEDED
    match request.decision:
        case Expired():
            return CallStatus.EXPIRED
        case Cancelled():
            return CallStatus.CANCELLED
        case Answered() | WindowClosed() | None:
            return CallStatus.DECIDED
        case decision:
            assert_never(decision)


def webhook_of(task: Task, before: Request | None, after: Request, now: datetime) -> Webhook | None:
    """The webhook that goes with this change of a caller's request. None unless the change settles it for the caller,
    or if the caller does not want to be told."""
    if (before is not None and is_handed_over(before)) or not is_handed_over(after):
        return None
    status = status_of(task, after)
    undo = status is CallStatus.DECIDED and windows.wants_undo(after)
    kind = WebhookKind.UNDO_REQUESTED if undo else _KINDS[status]
    return _webhook(task, after.id, kind, now, after.trace)


def webhook_of_unasked(task: Task, now: datetime) -> Webhook | None:
    """The webhook for a caller's request that was never opened, and whose task has ended."""
    return _webhook(task, request_id_of(task.id), _KINDS[status_of(task, None)], now, task.trace)


def _webhook(
    task: Task, request_id: RequestId, kind: WebhookKind, now: datetime, trace: Trace | None
) -> Webhook | None:
    if task.caller is None or not task.caller.callback_url or not is_of_caller(task.id):
        return None
    return Webhook(
        id=WebhookId(request_id.replace("req_", "msg_", 1)),
        task_id=task.id,
        request_id=request_id,
        kind=kind,
        url=task.caller.callback_url,
        created_at=now,
        next_try=now,
        trace=trace,
    )
