"""What a vote is bound to, and what records say of themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Outcome,
    Reject,
    Respond,
    outcome_of,
)
from bot.approvals.model.ids import MessageId, TaskId, ThreadId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Expire, Step
from bot.approvals.model.question import Question, Risk, Verdict, with_arguments
from bot.approvals.model.request import Decided, Delivered, Superseded
from bot.approvals.model.task import Ended, Failed, Failure, Task, TaskCancelled, TaskState, Waiting
from bot.approvals.model.webhook import host_of
from tests.support.builders import staged
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, CHANNEL, RITA, a_request, item, policy, question

ASKED = question(item(arguments={"path": "/old"}), item(name="mail"), choices=("a",), risk=Risk.LOW)
FAILURE = Failure(error_id="e1", summary="ValueError", at=MORNING)


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, shape="plain"),
        replace(ASKED, title="Delete!"),
        replace(ASKED, text="because"),
        replace(ASKED, choices=("b",)),
        replace(ASKED, form={"type": "string"}),
        replace(ASKED, risk=Risk.HIGH),
        replace(ASKED, convention="bool"),
        replace(ASKED, payload={"secret": 1}),
        replace(ASKED, items=ASKED.items[::-1]),
        replace(ASKED, items=(item(Verdict.APPROVE), ASKED.items[1])),
        with_arguments(ASKED, 0, {"path": "/new"}),
    ],
)
def test_whatever_changes_in_a_question_changes_its_digest(other: Question) -> None:
    assert other.digest != ASKED.digest


def test_the_order_of_an_items_arguments_does_not_change_the_digest() -> None:
    one = question(item(arguments={"a": "1", "b": "2"}))
    other = question(item(arguments={"b": "2", "a": "1"}))

    assert one.digest == other.digest


def test_an_edit_changes_the_arguments_and_never_the_action() -> None:
    edited = with_arguments(ASKED, 1, {"to": "me"})

    assert edited.items[1] == replace(ASKED.items[1], arguments={"to": "me"})
    assert edited.items[0] == ASKED.items[0]


def answered(*verdicts: ItemVerdict, edited: bool = False) -> Decision:
    return Answered(verdicts=verdicts, voters=(ALICE,), edited=edited, at=MORNING)


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (answered(Approve()), Outcome.APPROVE),
        (answered(Approve(), Approve()), Outcome.APPROVE),
        (answered(Approve(), edited=True), Outcome.EDIT),
        (answered(Reject(reason="no"), edited=True), Outcome.REJECT),
        (answered(Respond(value=1)), Outcome.RESPOND),
        (answered(Choose(choice="a")), Outcome.CHOOSE),
        (answered(Approve(), Reject()), Outcome.MIXED),
        (Expired(at=MORNING), Outcome.EXPIRED),
        (Cancelled(by=RITA, at=MORNING), Outcome.CANCELLED),
    ],
)
def test_a_decision_is_one_word(decision: Decision, outcome: Outcome) -> None:
    assert outcome_of(decision) is outcome


def test_an_open_or_superseded_request_has_no_decision() -> None:
    decision = answered(Approve())

    assert a_request().decision is None
    assert a_request(state=Superseded(at=MORNING)).decision is None
    assert a_request(state=Decided(decision=decision)).decision == decision
    assert a_request(state=Delivered(decision=decision, at=MORNING)).decision == decision


def test_whom_steps_have_added_may_answer_beside_the_policys_own_and_nobody_is_named_twice() -> None:
    request = staged(a_request(of=policy(approvers=("U1", "U2"))), escalated_to=("U2", "@leads"))

    assert request.approvers == ("U1", "U2", "@leads")


def test_a_deadline_is_counted_from_the_opening() -> None:
    expiring = policy(steps=(Step(after=timedelta(hours=1), action=Expire()),))

    assert a_request(of=expiring).deadline == MORNING + timedelta(hours=1)
    assert a_request(of=policy()).deadline is None


@pytest.mark.parametrize(
    ("state", "finished"),
    [
        (Waiting(), False),
        (Failed(failure=FAILURE, retryable=True), False),
        (Failed(failure=FAILURE, retryable=False), True),
        (Ended(outcome="done", at=MORNING), True),
        (TaskCancelled(by=RITA, at=MORNING), True),
    ],
)
def test_a_task_is_finished_when_nobody_can_bring_it_on(state: TaskState, finished: bool) -> None:
    task = Task(
        id=TaskId("t1"),
        thread_id=ThreadId("thread-1"),
        graph="cleanup",
        inputs={},
        requester=RITA,
        channel=CHANNEL,
        created_at=MORNING,
        state=state,
    )

    assert task.finished is finished


@pytest.mark.parametrize("kind", list(MessageKind))
def test_a_surface_of_no_request_is_one_of_its_task(kind: MessageKind) -> None:
    message = Message(id=MessageId("s1"), kind=kind, task_id=TaskId("t1"), created_at=MORNING)

    if kind in {MessageKind.OPENING, MessageKind.OUTCOME, MessageKind.UNTOLD}:
        assert message.shows is None
    else:
        with pytest.raises(ValueError, match="of no request"):
            _ = message.shows


def test_a_question_without_items_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        Question(shape="text", title="?", items=())


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://u:p@Hooks.Example.com:8443/secret?k=v", "hooks.example.com"), ("mailto:x", ""), ("http://[::1/", "")],
)
def test_of_an_address_people_see_the_host_alone(url: str, host: str) -> None:
    assert host_of(url) == host
