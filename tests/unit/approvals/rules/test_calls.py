"""What a program may know of its request, and the one moment at which it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.caller import Caller, request_id_of, task_id_of, task_of_request
from bot.approvals.model.decision import Cancelled, Decision, Expired, Keep, Undo, WindowClosed
from bot.approvals.model.ids import Program, RequestId, TaskId
from bot.approvals.model.request import Decided, Delivered, Pending, Request, RequestState, Superseded
from bot.approvals.model.task import Ended, Failed, Failure, Task, TaskCancelled, TaskState
from bot.approvals.model.webhook import WebhookKind
from bot.approvals.rules.calls import CallStatus, is_handed_over, status_of, webhook_of, webhook_of_unasked
from tests.support.builders import NOON, a_request, a_task, an_answer

CALLER = Caller(source="shop", token="shop", key="1", body="0", callback_url="https://shop.example.com/told")
TASK = a_task(task_id_of("0" * 20), caller=CALLER)
PENDING = Pending(due_at=None)
SHOP = Program(name="shop")
CANCELLED, EXPIRED = Cancelled(by=SHOP, at=NOON), Expired(at=NOON)

UNDONE, KEPT = an_answer(verdicts=(Undo(),)), an_answer(verdicts=(Keep(),))
CLOSED = WindowClosed(at=NOON)


def in_state(state: RequestState) -> Request:
    return replace(a_request(task=TASK, state=state), id=request_id_of(TASK.id))


def decided(attempts: int, decision: Decision | None = None) -> Decided:
    return Decided(decision=decision or an_answer(), next_try=NOON, attempts=attempts)


def delivered(decision: Decision | None = None) -> Delivered:
    return Delivered(decision=decision or an_answer(), at=NOON)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (PENDING, CallStatus.PENDING),
        (decided(0), CallStatus.PENDING),
        (decided(0, CANCELLED), CallStatus.PENDING),
        (decided(1), CallStatus.DECIDED),
        (decided(1, EXPIRED), CallStatus.EXPIRED),
        (delivered(), CallStatus.DECIDED),
        (delivered(EXPIRED), CallStatus.EXPIRED),
        *((delivered(each), CallStatus.DECIDED) for each in (UNDONE, KEPT, CLOSED)),
        (delivered(CANCELLED), CallStatus.CANCELLED),
        (Superseded(at=NOON), CallStatus.SUPERSEDED),
        (Superseded(at=NOON, decision=an_answer(), stopped=True), CallStatus.SUPERSEDED),
    ],
)
def test_a_decision_shows_once_nobody_can_take_it_back(state: RequestState, status: CallStatus) -> None:
    request = in_state(state)

    assert status_of(TASK, request) is status
    assert is_handed_over(request) is (status is not CallStatus.PENDING)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (TASK.state, CallStatus.PENDING),
        (Failed(failure=Failure(error_id="e", summary="", at=NOON), retryable=True), CallStatus.PENDING),
        (TaskCancelled(by=SHOP, at=NOON), CallStatus.CANCELLED),
        (Ended(outcome="", at=NOON), CallStatus.SUPERSEDED),
    ],
)
def test_a_request_that_was_never_opened_stands_as_its_task_does(state: TaskState, status: CallStatus) -> None:
    assert status_of(replace(TASK, state=state), None) is status


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (PENDING, decided(0), None),
        (decided(0), decided(1), WebhookKind.DECIDED),
        (decided(0, UNDONE), decided(1, UNDONE), WebhookKind.UNDO_REQUESTED),
        (PENDING, decided(0, UNDONE), None),
        (decided(1, UNDONE), delivered(UNDONE), None),
        (decided(0, KEPT), decided(1, KEPT), WebhookKind.DECIDED),
        (decided(0, CLOSED), decided(1, CLOSED), WebhookKind.DECIDED),
        (decided(0, UNDONE), Superseded(at=NOON, decision=UNDONE), WebhookKind.SUPERSEDED),
        (decided(0, EXPIRED), decided(1, EXPIRED), WebhookKind.EXPIRED),
        (decided(0, CANCELLED), delivered(CANCELLED), WebhookKind.CANCELLED),
        (PENDING, Superseded(at=NOON), WebhookKind.SUPERSEDED),
        (decided(1), delivered(), None),
        (decided(1), decided(2), None),
        (delivered(), Superseded(at=NOON), None),
        (None, decided(0), None),
        (None, decided(1), WebhookKind.DECIDED),
    ],
)
def test_a_program_is_told_once(before: RequestState | None, after: RequestState, kind: WebhookKind | None) -> None:
    webhook = webhook_of(TASK, in_state(before) if before else None, in_state(after), NOON)

    assert (webhook.kind if webhook else None) is kind


@pytest.mark.parametrize(
    "task",
    [
        replace(TASK, caller=None),
        replace(TASK, caller=replace(CALLER, callback_url="")),
        replace(TASK, id=TaskId("agents")),
    ],
    ids=["of a person", "without an address", "of an agent"],
)
def test_who_did_not_ask_to_be_told_is_not_told(task: Task) -> None:
    assert webhook_of(task, None, in_state(delivered()), NOON) is None
    assert webhook_of_unasked(replace(task, state=TaskCancelled(by=SHOP, at=NOON)), NOON) is None


def test_the_id_of_a_request_is_known_before_it_is_opened() -> None:
    cancelled = replace(TASK, state=TaskCancelled(by=SHOP, at=NOON))

    unasked, asked = webhook_of_unasked(cancelled, NOON), webhook_of(TASK, None, in_state(delivered(CANCELLED)), NOON)

    assert unasked == asked
    assert unasked is not None
    assert task_of_request(unasked.request_id) == TASK.id
    assert task_of_request(RequestId("0123")) is None
