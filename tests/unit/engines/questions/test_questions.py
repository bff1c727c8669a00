"""Plain dictionaries and bare values as questions, and what their graphs are told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model.decision import Approve, Cancelled, Decision, Expired, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question, Risk, Verdict
from bot.engines import questions
from bot.engines.questions import conventions, question_details, text
from tests.support.builders import NOON, a_person, an_answer
from tests.support.examples import examples

EXPIRED = Expired(at=datetime(2030, 1, 2, 3, 4, tzinfo=UTC))
SILENCE = "Rejected: nobody answered by 2030-01-02 03:04 UTC."
CANCELLED = Cancelled(by=a_person(), at=NOON)


def said(*verdicts: ItemVerdict) -> Decision:
    return an_answer(verdicts=verdicts)


def told(value: JSON, decision: Decision) -> JSON:
    """What the graph that interrupted with this value is resumed with."""
    question = questions.read(value)
    return questions.answer(question, question, decision)


# --- {"question", "details"} --------------------------------------------------------------------------


def test_a_question_with_details_is_approved_or_rejected() -> None:
    question = questions.read(
        {
            "question": "Delete 3 files?",
            "details": {"path": "logs", "files": ["a", "b"]},
            "risk_level": "high",
            "reason": "They are old",
            "action": "delete_files",
        }
    )

    (item,) = question.items
    assert (question.shape, question.title, question.text) == ("question_details", "Delete 3 files?", "They are old")
    assert (question.risk, question.convention) == (Risk.HIGH, "boolean")
    assert (item.name, item.arguments) == ("delete_files", {"path": "logs", "files": ["a", "b"]})
    assert item.verdicts == (Verdict.APPROVE, Verdict.REJECT)


@pytest.mark.parametrize(
    ("value", "arguments"),
    [
        ({"question": "Go?", "details": "as it is"}, {"details": "as it is"}),
        ({"question": "Go?", "details": [1, 2]}, {"details": [1, 2]}),
        ({"question": "Go?", "details": None}, {}),
        ({"question": "Go?", "details": {"a": 1}, "b": 2}, {"a": 1, "b": 2}),
        ({"question": "Go?", "details": {"a": 1}, "a": 2}, {"a": 1, "a'": 2}),
        ({"question": "Go?", "details": {"a": 1, "a'": 2}, "a": 3}, {"a": 1, "a'": 2, "a''": 3}),
        ({"question": "Go?", "details": {}, "reason": {"why": 1}}, {"reason": {"why": 1}}),
        ({"question": "Go?", "details": {}, "action": ["x"]}, {"action": ["x"]}),
    ],
)
def test_whatever_stands_beside_the_question_is_shown_and_nothing_hides_anything(
    value: JSON, arguments: dict[str, JSON]
) -> None:
    assert questions.read(value).items[0].arguments == arguments


@pytest.mark.parametrize(
    ("named", "risk"),
    [
        ("low", Risk.LOW),
        (" Critical ", Risk.CRITICAL),
        ("catastrophic", Risk.HIGH),
        (7, Risk.HIGH),
        ({"level": "low"}, Risk.HIGH),
        ("", Risk.HIGH),
        (None, None),
    ],
)
def test_a_risk_that_is_unknown_counts_as_high_and_never_as_none(named: JSON, risk: Risk | None) -> None:
    assert questions.read({"question": "Go?", "risk_level": named}).risk is risk


@pytest.mark.parametrize("value", [{"question": 7}, {"details": 1}, ["question", "details"], "question", None, 3, True])
def test_what_has_not_this_shape_still_becomes_a_question(value: JSON) -> None:
    question = questions.read(value)

    assert question.payload == value
    assert question.title == (value if isinstance(value, str) else "")
    assert question.items


# --- Conventions --------------------------------------------------------------------------------------

YES: dict[str, JSON] = {
    "boolean": True,
    "object": {"approved": True, "feedback": ""},
    "approve/reject": "approve",
    "approved/rejected": "approved",
}


def consents(convention: str, value: JSON) -> bool:
    """Whether a graph of that convention would take this for a yes."""
    if convention == "object":
        assert isinstance(value, dict)
        return bool(value["approved"])
    return value == YES[convention] if isinstance(YES[convention], str) else bool(value)


@pytest.mark.parametrize("convention", YES)
def test_an_approval_is_said_in_the_convention_that_the_question_names(convention: str) -> None:
    assert told({"question": "Go?", "details": {}, "answer": convention}, said(Approve())) == YES[convention]


@pytest.mark.parametrize("convention", YES)
@pytest.mark.parametrize("decision", [said(Reject()), said(Reject(reason="approve")), EXPIRED])
def test_neither_a_rejection_nor_an_expiry_is_a_yes_in_any_convention(convention: str, decision: Decision) -> None:
    value = told({"question": "Go?", "details": {}, "answer": convention}, decision)

    assert not consents(convention, value)


@pytest.mark.parametrize("named", ["APPROVE", "", None, 7, {"a": 1}, "yes"])
def test_a_convention_that_is_unknown_is_true_and_false(named: JSON) -> None:
    value: JSON = {"question": "Go?", "details": {}, "answer": named}

    assert told(value, said(Approve())) is True
    assert told(value, said(Reject(reason="no"))) is False
    assert told(value, EXPIRED) is False


def test_the_object_says_why() -> None:
    value: JSON = {"question": "Go?", "details": {}, "answer": "object"}

    assert told(value, said(Reject(reason="too many"))) == {"approved": False, "feedback": "too many"}
    assert told(value, EXPIRED) == {"approved": False, "feedback": SILENCE}


def test_the_conventions_of_this_test_are_all_that_say_yes_or_no() -> None:
    assert set(YES) == {name for name in conventions.CONVENTIONS if Verdict.APPROVE in conventions.verdicts(name)}


@pytest.mark.parametrize("convention", YES)
@pytest.mark.parametrize(
    "decision", [CANCELLED, said(Approve(), Approve()), said(Approve(), Reject()), said(), said(Respond(value=3))]
)
def test_what_is_neither_yes_nor_no_is_no_answer(convention: str, decision: Decision) -> None:
    with pytest.raises(InvalidAnswer):
        told({"question": "Go?", "details": {}, "answer": convention}, decision)


# --- Anything else ------------------------------------------------------------------------------------


def test_a_bare_text_is_asked_as_it_is_and_takes_yes_no_or_words() -> None:
    question = questions.read("Which folder?")

    assert (question.shape, question.title) == ("text", "Which folder?")
    assert question.items[0].verdicts == (Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND)
    assert told("Which folder?", said(Approve())) is True
    assert told("Which folder?", said(Reject(reason="approve"))) is False
    assert told("Which folder?", said(Respond(value="logs"))) == "logs"
    assert told("Which folder?", EXPIRED) is False


def test_a_value_that_is_no_text_is_shown() -> None:
    assert questions.read(42).items[0].arguments == {"value": 42}
    assert questions.read([1, 2]).items[0].arguments == {"value": [1, 2]}


@pytest.mark.parametrize("convention", ["text", "json"])
@pytest.mark.parametrize("decision", [CANCELLED, EXPIRED, said(Approve()), said(Reject()), said(Respond(value=7))])
def test_where_words_are_wanted_nothing_else_is_an_answer(decision: Decision, convention: str) -> None:
    with pytest.raises(InvalidAnswer):
        told({"question": "Which folder?", "answer": convention}, decision)


@pytest.mark.parametrize("words", ["", " ", "\n\t ", "\u3000"])
@pytest.mark.parametrize("convention", ["text", "json", ""])
def test_nothing_is_no_answer_in_words(words: str, convention: str) -> None:
    question = questions.read("Which folder?", None, convention)

    with pytest.raises(InvalidAnswer):
        questions.answer(question, question, said(Respond(value=words)))


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("34", 34),
        (" 34\n", 34),
        ("-1.5", -1.5),
        ("0.1", 0.1),
        ("1e2", 100.0),
        ("true", True),
        ("null", None),
        ('"quoted"', "quoted"),
        ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
        ("9007199254740993", 9007199254740993),
        ("yes", "yes"),
        ("True", "True"),
        ("34 years", "34 years"),
        ("NaN", "NaN"),
        ("[Infinity]", "[Infinity]"),
        ("-Infinity", "-Infinity"),
        ("1e400", "1e400"),
        ("9007199254740993.0", "9007199254740993.0"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("-0", "-0"),
        ("123456789012345678901", "123456789012345678901"),
        ("1" * 5000, "1" * 5000),
        ('{"k": 1, "k": 2}', '{"k": 1, "k": 2}'),
        ('[{"k": {"a": 1, "a": 1}}]', '[{"k": {"a": 1, "a": 1}}]'),
        ('"\\ud800"', '"\\ud800"'),
        ("[" * 100_000, "[" * 100_000),
        ("[1,]", "[1,]"),
        ("'a'", "'a'"),
        ("01", "01"),
    ],
)
def test_what_is_json_is_json_to_the_letter_and_all_else_is_text(words: str, value: JSON) -> None:
    heard = told({"question": "How old?", "answer": "json"}, said(Respond(value=words)))

    assert heard == value
    assert type(heard) is type(value)


@pytest.mark.parametrize(
    "setting", ["undeclared", "unrejectable", "true/false", "False/True", "yes/YES", "\uff4e\uff4f/no", ""]
)
def test_a_setting_cannot_name_what_is_no_convention(setting: str) -> None:
    assert not conventions.is_known(setting)


# --- As the previous version stored it ----------------------------------------------------------------


def as_before(payload: JSON) -> Question:
    """A bare question as the previous version asked it, which took words alone."""
    question = questions.read(payload)
    (item,) = question.items
    return replace(question, convention="unrejectable", items=(replace(item, verdicts=(Verdict.RESPOND,)),))


def test_words_that_answered_an_earlier_versions_question_are_delivered_and_its_silence_is_not() -> None:
    question = as_before("Which folder?")

    assert questions.answer(question, question, said(Respond(value="logs"))) == "logs"
    for decision in (EXPIRED, said(Approve()), said(Reject())):
        with pytest.raises(InvalidAnswer):
            questions.answer(question, question, decision)


# --- Whatever a graph sends ---------------------------------------------------------------------------

NAMED = [
    "question",
    "details",
    "risk_level",
    "reason",
    "action",
    "answer",
    "options",
    "choices",
    "instruction",
    "content",
    "type",
    "message",
    "args",
    "name",
    "action_requests",
    "review_configs",
    "action_request",
    "config",
    "requested_schema",
    "tool_call_id",
    "allowed_decisions",
]

anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMED) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=25,
)


@examples(60)
@given(anything, anything)
def test_any_json_is_a_question_that_keeps_all_of_it(value: JSON, schema: JSON) -> None:
    question = questions.read(value, schema)

    assert question.payload == value
    assert question.items
    assert all(item.verdicts for item in question.items)
    json.dumps([dict(item.arguments) for item in question.items], allow_nan=False)
    assert question.digest == questions.read(value, schema).digest


@examples(40)
@given(anything)
def test_a_plain_dictionary_hides_none_of_its_values(value: JSON) -> None:
    for shape in (question_details, text):
        question = shape.read(value, None, "")
        if question is None or not isinstance(value, dict):
            continue
        places = [question.title, question.text, question.items[0].name, *question.items[0].arguments.values()]
        for key, entry in value.items():
            if key not in ("details", "risk_level", "risk", "answer") and entry not in ("", None):
                assert entry in places or (isinstance(entry, str) and (not entry.strip() or entry in question.text))


@pytest.mark.parametrize(
    ("said", "risk"),
    [
        ({"risk_level": "low", "risk": "critical"}, "critical"),
        ({"risk": "low", "risk_level": "critical"}, "critical"),
        ({"risk_level": "low", "risk": "grave"}, "high"),
        ({"risk_level": "critical", "risk": "grave"}, "critical"),
        ({"risk_level": "low", "risk": None}, "low"),
        ({"risk_level": "low", "risk": ["critical"]}, "high"),
        ({"risk_level": "", "risk": "low"}, "high"),
        ({"risk": "l\u043ew"}, "high"),  # what only looks like low is not known
        ({"risk": " CRITICAL\u200b "}, "critical"),
        ({"risk": "\uff4cow"}, "low"),
    ],
)
def test_the_highest_risk_that_is_said_counts_and_one_that_is_unknown_is_high(said: dict[str, Any], risk: str) -> None:
    asked = questions.read({"question": "Pay?", "details": {"amount": 1}, **said})

    assert asked.risk == risk
