"""How callers' questions are read: an action with its arguments, and whatever an agent may ask."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Decision, Expired, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question, Verdict, with_arguments
from bot.approvals.model.task import Task
from bot.engines.caller.engine import CallerEngine
from tests.support.builders import NOON, a_task

ENGINE = CallerEngine()
REFUND: JSON = {"action": "Refund", "arguments": {"order": "o-1", "amount": 40}, "description": "It came late."}
SILENCE = Expired(at=NOON)


def a_call(question: JSON, schema: JSON = None) -> Task:
    return a_task("caller-1", inputs={"question": question} | ({"response_schema": schema} if schema else {}))


def asked(question: JSON, schema: JSON = None) -> Question:
    return ENGINE.asked(a_call(question, schema)).question


def answer(question: Question, decision: Decision | ItemVerdict, proposed: Question | None = None) -> JSON:
    if not isinstance(decision, Answered | Expired):
        decision = Answered(verdicts=(decision,), voters=(), edited=False, at=NOON)  # type: ignore[arg-type]
    return ENGINE.answer(question, proposed or question, decision)


def test_an_action_is_shown_with_its_arguments() -> None:
    question = asked(REFUND)

    (item,) = question.items
    assert (item.name, dict(item.arguments)) == ("Refund", {"order": "o-1", "amount": 40})
    assert item.verdicts == (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT)
    assert (question.text, question.payload) == ("It came late.", REFUND)


def test_an_action_without_arguments_has_nothing_to_edit() -> None:
    assert asked({"action": "Deploy", "arguments": {}}).items[0].verdicts == (Verdict.APPROVE, Verdict.REJECT)


def test_an_action_is_answered_by_one_decision() -> None:
    question = asked(REFUND)
    edited = with_arguments(question, 0, {"order": "o-1", "amount": 20})

    assert answer(question, Approve()) == {"type": "approve"}
    assert answer(question, Reject(reason="too late")) == {"type": "reject", "message": "too late"}
    assert answer(edited, Approve(), question) == {
        "type": "edit",
        "edited_action": {"name": "Refund", "args": {"order": "o-1", "amount": 20}},
    }
    assert isinstance(silence := answer(question, SILENCE), dict)
    assert silence["type"] == "reject"


@pytest.mark.parametrize(
    "value",
    [
        "Proceed?",
        {"action": "Refund"},
        {"action": "", "arguments": {}},
        {"action": 1, "arguments": {}},
        {"action": "Refund", "arguments": [1]},
        {"action": "Refund", "arguments": {}, "message": "Send it?"},
    ],
)
def test_anything_else_is_read_as_agents_ask_it(value: JSON) -> None:
    assert asked(value).shape != asked(REFUND).shape


def test_a_schema_of_the_answer_counts_for_more_than_the_action() -> None:
    question = asked(REFUND, {"type": "integer"})

    assert question.form == {"type": "integer"}
    assert answer(question, Respond(value=3)) == 3


def test_a_question_is_the_same_whenever_it_is_read() -> None:
    """Also hours later, if its text holds a time of the clock."""
    call = a_call(f"Deploy at {(NOON + timedelta(minutes=1)):%H:%M}?")

    one, other = ENGINE.asked(call), ENGINE.asked(call)

    assert one == other
    assert one.fingerprint is not None
    assert one.fingerprint.at == call.created_at


def test_silence_has_no_value_where_nothing_says_it() -> None:
    """A number was asked for: none of them means that nobody answered."""
    assert answer(asked("How much?", {"type": "integer"}), SILENCE) is None


def test_an_answer_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidAnswer):
        answer(asked("How much?", {"type": "integer"}), Respond(value="much"))
