"""Every plain shape in the wild, through a real graph: what is offered, and the exact value that the graph is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.approvals.model.decision import Answered, Approve, Choose, ItemVerdict, Keep, Reject, Respond, Undo
from bot.approvals.model.errors import InvalidAnswer, VerdictNotOffered
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import GraphTerms, UndoTerms
from bot.approvals.model.question import Risk, Verdict, with_arguments
from bot.engines import questions
from tests.support.agent_stage import a_stage, asks
from tests.support.builders import NOON
from tests.support.fakes.world import ALICE

SILENCE = "Rejected: nobody answered by 2026-03-02 11:00 UTC."

DETAILS = {"question": "Deploy?", "details": {"version": "1.2"}, "risk_level": "high", "reason": "It is Friday."}
PLAN = {"question": "Go on with this plan?", "plan": ["read", "write"]}
TOOL = {"action": "send_email", "to": "ann@example.com", "count": 2, "message": "Send it?"}
OPTIONS = {"question": "Which region?", "options": ["eu", "us", "cancel"]}
LABELLED = {"question": "Which?", "choices": [{"label": "Blue", "value": 1}, {"label": "Red", "value": {"r": 2}}]}
TEXT = {"instruction": "Mend the draft", "content": "Helo"}
CHECK = {"type": "quality_check", "samples": [{"row": 1}], "message": "Rows 1 to 10"}
VAGUE = {
    "type": "clarification_needed",
    "questions": ["Which bucket?", {"id": "age", "question": "How old?", "options": ["7d", "30d"], "required": False}],
}
DONE = {"type": "undo_window", "action": "Moved 3 files", "undo": {"how": "Moves them back", "trash": "t-1"}}
APPROVE, REJECT = Approve(), Reject(reason="too late")
BY_ALICE = UndoTerms(approvers=(ALICE.user_id,))


@pytest.mark.parametrize(
    ("value", "answer", "verdict", "told"),
    [
        pytest.param(DETAILS, "", APPROVE, True, id="question and details, approved"),
        pytest.param(DETAILS, "", REJECT, False, id="question and details, rejected"),
        pytest.param(DETAILS, "approve/reject", APPROVE, "approve", id="words, approved"),
        pytest.param(DETAILS, "approve/reject", REJECT, "reject", id="words, rejected"),
        pytest.param(DETAILS, "approved/rejected", REJECT, "rejected", id="other words, rejected"),
        pytest.param(DETAILS, "go/stop", APPROVE, "go", id="own words, approved"),
        pytest.param(DETAILS, "object", APPROVE, {"approved": True, "feedback": ""}, id="object, approved"),
        pytest.param(DETAILS, "object", REJECT, {"approved": False, "feedback": "too late"}, id="object, rejected"),
        pytest.param({**DETAILS, "answer": "object"}, "go/stop", REJECT, {"approved": False, "feedback": "too late"},
                     id="the question's own convention comes before its graph's"),
        pytest.param({**DETAILS, "answer": "text"}, "", Respond(value="at noon"), "at noon", id="details, in words"),
        pytest.param(PLAN, "", APPROVE, True, id="plan, approved"),
        pytest.param({"action": "delete", "path": "/x"}, "", REJECT, False, id="action alone, rejected"),
        pytest.param(TOOL, "", APPROVE, {"action": "approve"}, id="tool's arguments, approved"),
        pytest.param(TOOL, "", REJECT, {"action": "reject"}, id="tool's arguments, rejected"),
        pytest.param(TOOL, "boolean", APPROVE, True, id="tool's arguments, as the graph's entry says"),
        pytest.param(OPTIONS, "", Choose(choice="us"), "us", id="options, chosen"),
        pytest.param(LABELLED, "", Choose(choice="Blue"), 1, id="labelled options, by their value"),
        pytest.param(LABELLED, "", Choose(choice="Red"), {"r": 2}, id="labelled options, a value of any kind"),
        pytest.param(TEXT, "", APPROVE, "Helo", id="text, as it is"),
        pytest.param(CHECK, "", APPROVE, True, id="samples, approved"),
        pytest.param({**CHECK, "answer": "object"}, "", REJECT, {"approved": False, "feedback": "too late"},
                     id="samples, a complaint"),
        pytest.param(VAGUE, "", Respond(value={"Which bucket?": "logs", "age": "7d"}),
                     {"Which bucket?": "logs", "age": "7d"}, id="clarification"),
        pytest.param({"message": "Review this", "instructions": "Write a line"}, "", Respond(value="fine"), "fine",
                     id="message and instructions"),
        pytest.param("What is your name?", "", Respond(value="Ann"), "Ann", id="a bare string"),
        pytest.param("Do you approve this action?", "", APPROVE, True, id="a bare string, approved"),
        pytest.param("Do you approve this action?", "", REJECT, False, id="a bare string, rejected"),
        pytest.param({"question": "Delete it?"}, "", REJECT, False, id="a question alone, rejected"),
        pytest.param({"message": "Approve the transfer?", "amount": 9000}, "", REJECT, False, id="message, rejected"),
        pytest.param({"frage": "Löschen?"}, "", REJECT, False, id="unusual keys, rejected"),
        pytest.param("How old?", "text", Respond(value="34"), "34", id="a bare string, as text"),
        pytest.param("How old?", "json", Respond(value="34"), 34, id="a bare string, as JSON"),
        pytest.param("Go on?", "approve/reject", REJECT, "reject", id="a bare string, as the graph's entry says"),
        pytest.param(42, "", Respond(value="why?"), "why?", id="a number"),
        pytest.param(None, "", Respond(value="yes"), "yes", id="nothing"),
        pytest.param(["a", {"b": 1}], "", Respond(value="both"), "both", id="a list"),
        pytest.param({"a": {"b": [1]}}, "", Respond(value="ok"), "ok", id="any other dictionary"),
        pytest.param({"a": 1}, "yes/no", APPROVE, "yes", id="any other dictionary, as the graph's entry says"),
        pytest.param(DONE, "", Keep(), {"type": "keep"}, id="what was done, kept"),
        pytest.param({**DONE, "undo": None}, "", Keep(), {"type": "keep"}, id="what cannot be undone, kept"),
        pytest.param(DONE, "yes/no", Keep(), {"type": "keep"}, id="what was done, whatever the graph's entry says"),
    ],
)  # fmt: skip
async def test_the_graph_is_told_what_its_shape_wants(
    tmp_path: Path, value: Any, answer: str, verdict: ItemVerdict, told: JSON
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard), terms=GraphTerms(answer=answer), undo=BY_ALICE) as stage:
        task = await stage.started()
        request = await stage.question(task)

        await stage.vote(request, verdict)

        assert heard == [told]
        assert type(heard[0]) is type(told)
        assert await stage.is_delivered(request)
        assert await stage.outcome(task) == "it went on"


@pytest.mark.parametrize(
    ("value", "answer", "told"),
    [
        pytest.param(DETAILS, "", False, id="question and details"),
        pytest.param(DETAILS, "object", {"approved": False, "feedback": SILENCE}, id="object"),
        pytest.param(DETAILS, "go/stop", "stop", id="words"),
        pytest.param(TOOL, "", {"action": "reject"}, id="tool's arguments"),
        pytest.param({"question": "Go?", "options": ["go", "No."]}, "", "No.", id="options with one that says no"),
        pytest.param(CHECK, "", False, id="samples"),
        pytest.param("What?", "", False, id="a bare string"),
        pytest.param({"question": "Delete it?"}, "", False, id="a question alone"),
        pytest.param({"message": "Approve the transfer?", "amount": 9000}, "", False, id="a message"),
        pytest.param({"a": 1}, "", False, id="any other dictionary"),
        pytest.param(DONE, "", {"type": "keep"}, id="what was done"),
        pytest.param({**DONE, "undo": None}, "", {"type": "keep"}, id="what cannot be undone"),
    ],
)
async def test_silence_is_told_and_never_as_a_consent(tmp_path: Path, value: Any, answer: str, told: JSON) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard), terms=GraphTerms(answer=answer), undo=BY_ALICE) as stage:
        request = await stage.question(await stage.started())

        await stage.expire()

        assert heard == [told]
        assert await stage.is_delivered(request)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        pytest.param(TEXT, "", id="a text to be edited"),
        pytest.param(VAGUE, "", id="clarification"),
        pytest.param("What?", "text", id="text"),
        pytest.param("What?", "json", id="JSON"),
        pytest.param({**DETAILS, "answer": "text"}, "", id="details, in words"),
        pytest.param({**CHECK, "answer": "json"}, "", id="samples, as JSON"),
        pytest.param({"question": "Which?", "options": ["eu", "us"]}, "", id="options without one that says no"),
        pytest.param(OPTIONS, "", id="cancel may be the very thing that is asked about"),
        pytest.param({"question": "Cancel the order?", "options": ["cancel", "keep"]}, "", id="cancel"),
        pytest.param({"question": "The pump?", "options": ["stop", "go"]}, "", id="stop"),
        pytest.param({"question": "Tests?", "options": ["run", "skip"]}, "", id="skip"),
        pytest.param({"question": "Which?", "options": [{"label": "No", "value": "delete_all"}]}, "",
                     id="a label that says no to a value that does not"),
        pytest.param({"question": "Which?", "options": [{"label": "Wipe", "value": "no"}]}, "",
                     id="a value that says no under a label that does not"),
    ],
)  # fmt: skip
async def test_where_nothing_says_no_silence_ends_the_task_and_tells_nothing(
    tmp_path: Path, value: Any, answer: str
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard), terms=GraphTerms(answer=answer), undo=BY_ALICE) as stage:
        task = await stage.started()

        await stage.expire()

        assert heard == []
        assert (await stage.outcome(task)).startswith("Stopped: Nobody answered")


async def test_an_edited_text_is_told_as_it_was_edited(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(TEXT, told=heard)) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(InvalidAnswer) as refused:
            await stage.edit(request, content=7)
        await stage.edit(request, content="Hello")
        await stage.approve(request)

        assert refused.value.field == "content"
        assert heard == ["Hello"]


async def test_a_tool_hears_only_of_the_arguments_that_were_changed(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(TOOL, told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.edit(request, count=True)
        await stage.approve(request)

        assert heard == [{"action": "approve", "count": True}]


async def test_a_clarification_with_a_missing_answer_is_refused_at_its_field(tmp_path: Path) -> None:
    async with a_stage(tmp_path, asks(VAGUE)) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(InvalidAnswer) as missing:
            await stage.respond(request, {"age": "7d"})
        with pytest.raises(InvalidAnswer) as unknown:
            await stage.respond(request, {"Which bucket?": "logs", "age": "9d"})

        assert (missing.value.field, unknown.value.field) == ("Which bucket?", "age")


async def test_a_question_says_its_risk_and_why_and_hides_no_key(tmp_path: Path) -> None:
    value = {**DETAILS, "version": "2", "error": "the last answer was no number", "context": "night"}
    async with a_stage(tmp_path, asks(value)) as stage:
        asked = (await stage.question(await stage.started())).question

        assert (asked.title, asked.risk) == ("Deploy?", Risk.HIGH)
        assert asked.text == "the last answer was no number\n\nIt is Friday."
        assert asked.items[0].arguments == {"version": "1.2", "version'": "2", "context": "night"}
        assert asked.payload == value


async def test_a_risk_that_is_not_known_counts_as_high_and_is_shown(tmp_path: Path) -> None:
    async with a_stage(tmp_path, asks({"question": "Deploy?", "risk_level": "spicy"})) as stage:
        asked = (await stage.question(await stage.started())).question

        assert asked.risk is Risk.HIGH
        assert asked.items[0].arguments == {"risk_level": "spicy"}


@pytest.mark.parametrize(
    ("option", "value", "description"),
    [
        ({"label": "No, keep all", "value": "delete_all"}, "delete_all", ""),
        ({"label": "A", "value": 1, "description": "The cheap one"}, 1, "The cheap one"),
        ({"label": "A", "value": 1, "warning": "No way back", "cost": 9}, 1, "warning: No way back\ncost: 9"),
        ({"label": "A", "more": {"b": 1}}, {"label": "A", "more": {"b": 1}}, ""),
        ({"id": "x", "title": "A", "text": "B"}, "x", "text: B"),
    ],
)
async def test_a_choice_carries_its_value_and_all_else_that_the_graph_says_of_it(
    tmp_path: Path, option: Any, value: JSON, description: str
) -> None:
    async with a_stage(tmp_path, asks({"question": "Which?", "options": ["plain", option]})) as stage:
        asked = (await stage.question(await stage.started())).question

        plain, other = asked.options
        assert (plain.label, plain.value, plain.description) == ("plain", "plain", "")
        assert (other.value, other.description) == (value, description)
        assert tuple(each.label for each in asked.options) == asked.choices
        assert asked.digest != replace(asked, options=()).digest


@pytest.mark.parametrize("listed", [["eu", "us"], [1, 2.5, None, True], [{"a": 1}, "b"], [["x"]]])
async def test_choices_that_are_their_own_values_need_no_more(tmp_path: Path, listed: list[Any]) -> None:
    async with a_stage(tmp_path, asks({"question": "Which?", "options": listed})) as stage:
        assert (await stage.question(await stage.started())).question.options == ()


@pytest.mark.parametrize("listed", [["A", "A"], ["1", 1], [{"value": "a"}], [{"label": "a", "value": "a", "b": 1}]])
async def test_choices_that_are_called_otherwise_say_their_values(tmp_path: Path, listed: list[Any]) -> None:
    async with a_stage(tmp_path, asks({"question": "Which?", "options": listed})) as stage:
        assert len((await stage.question(await stage.started())).question.options) == len(listed)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (OPTIONS, APPROVE),
        (OPTIONS, Choose(choice="mars")),
        (DETAILS, Respond(value="maybe")),
        (DONE, APPROVE),
        (DONE, REJECT),
        ({**DONE, "undo": False}, Undo()),
        (DETAILS, Keep()),
    ],
)
async def test_what_is_not_offered_is_not_taken(tmp_path: Path, value: Any, verdict: ItemVerdict) -> None:
    async with a_stage(tmp_path, asks(value), undo=BY_ALICE) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(VerdictNotOffered):
            await stage.vote(request, verdict)


async def test_options_of_one_name_can_be_told_apart(tmp_path: Path) -> None:
    heard: list[Any] = []
    value = {"question": "Which?", "options": [{"label": "A", "value": 1}, {"label": "A", "value": 2}]}
    async with a_stage(tmp_path, asks(value, told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.choose(request, "A (2)")

        assert request.question.choices == ("A", "A (2)")
        assert request.question.items[0].verdicts == (Verdict.CHOOSE,)
        assert heard == [2]


async def test_the_graph_gets_its_way_back_and_a_key_if_what_it_did_is_to_be_undone(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(DONE, told=heard), undo=BY_ALICE) as stage:
        request = await stage.question(await stage.started())

        await stage.vote(request, Undo())

        (told,) = heard
        assert (told["type"], told["undo"], len(told["key"])) == ("undo", DONE["undo"], 64)
        assert await stage.is_delivered(request)


# --- What is shown first ------------------------------------------------------------------------------

FIRST: dict[str, Any] = {"payee": "Foss", "amount": "9000.00", "note": "Q4"}


@pytest.mark.parametrize(
    "value",
    [
        {"question": "Pay?", "details": FIRST},
        {"question": "Pay?", "details": {"payee": "Foss"}, "amount": "9000.00", "note": "Q4"},
        {"message": "Pay?", **FIRST},
        {"action": "pay", "message": "Pay?", **FIRST},
        {"question": "How?", "options": ["card", "cash"], **FIRST},
        {"type": "quality_check", "samples": [1], "details": FIRST},
        {"type": "clarification_needed", "questions": ["Which?"], "details": FIRST},
        {"type": "undo_window", "action": "Paid", "details": FIRST},
        {"type": "undo_window", "action": {"name": "pay", "arguments": FIRST}},
    ],
)
def test_a_payload_names_what_people_see_first(value: dict[str, Any]) -> None:
    plain = questions.read(value)

    named = questions.read({**value, "summary": ["amount", "payee", "amount", "iban"]})

    assert named.summary == ("amount", "payee")
    assert (plain.summary, plain.shape) == ((), named.shape)
    assert [item.arguments for item in named.items] == [item.arguments for item in plain.items]


@pytest.mark.parametrize("summary", ["amount", "It was paid twice.", ["It was paid twice."], [], {"amount": 1}, [1], 7])
def test_a_summary_that_names_no_argument_is_an_argument_itself(summary: Any) -> None:
    question = questions.read({"question": "Pay?", "details": FIRST, "summary": summary})

    assert question.summary == ()
    assert question.items[0].arguments["summary"] == summary


def test_a_detail_that_is_called_summary_stays_one() -> None:
    question = questions.read({"question": "Pay?", "details": {"summary": ["a"], "a": 1}, "summary": ["a", "summary"]})

    assert question.summary == ("a", "summary")
    assert question.items[0].arguments == {"summary": ["a"], "a": 1}


def test_the_samples_of_a_check_can_be_named() -> None:
    question = questions.read({"type": "quality_check", "samples": [1], "file": "a.csv", "summary": ["samples"]})

    assert question.summary == ("samples",)


def test_the_answer_to_a_tool_that_names_a_summary_holds_only_what_was_changed() -> None:
    question = questions.read({"action": "pay", "message": "Pay?", **FIRST, "summary": ["amount"]})
    edited = with_arguments(question, 0, {**FIRST, "amount": "1"})

    answer = questions.answer(edited, question, Answered(verdicts=(Approve(),), voters=(), edited=True, at=NOON))

    assert answer == {"action": "approve", "amount": "1"}


def test_a_summary_cannot_hide_itself() -> None:
    question = questions.read({"question": "Pay?", "details": {"a": 1}, "summary": ["summary"]})

    assert question.items[0].arguments == {"a": 1, "summary": ["summary"]}


# --- Titles -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ({"details": {"a": 1}}, ""),
        ({"options": ["a", "b"]}, ""),
        ({"amount": 1}, ""),
        ({"action": "delete_file", "details": {"path": "/x"}}, "Delete file /x?"),
        ({"action": "deploy", "question": "Go?"}, "Go?"),
        ({"type": "quality_check", "samples": [1]}, "Do these samples look right?"),
        ({"type": "clarification_needed", "questions": ["Which host?"]}, "Which host?"),
        ({"type": "clarification_needed", "questions": ["Which host?", "When?"]}, "2 questions first"),
        ({"type": "clarification_needed", "questions": ["Which host?"], "question": "Before I go"}, "Before I go"),
    ],
)
def test_without_a_question_the_title_says_what_is_known_or_nothing(value: dict[str, Any], title: str) -> None:
    assert questions.read(value).title == title
