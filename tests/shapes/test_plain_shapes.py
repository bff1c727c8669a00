"""Every plain shape in the wild, through a real graph: what is offered, and the exact value that the graph is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.approvals.decision import Approve, Choose, ItemVerdict, Reject, Respond
from bot.approvals.errors import InvalidAnswer, VerdictNotOffered
from bot.approvals.ids import JSON
from bot.approvals.policy import GraphTerms
from bot.approvals.question import Risk, Verdict
from tests.shapes.stage import a_stage, asks

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
APPROVE, REJECT = Approve(), Reject(reason="too late")


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
        pytest.param("Go on?", "approve/reject", REJECT, "reject", id="a bare string, as the graph's entry says"),
        pytest.param(42, "", Respond(value="why?"), "why?", id="a number"),
        pytest.param(None, "", Respond(value="yes"), "yes", id="nothing"),
        pytest.param(["a", {"b": 1}], "", Respond(value="both"), "both", id="a list"),
        pytest.param({"a": {"b": [1]}}, "", Respond(value="ok"), "ok", id="any other dictionary"),
        pytest.param({"a": 1}, "yes/no", APPROVE, "yes", id="any other dictionary, as the graph's entry says"),
    ],
)  # fmt: skip
async def test_the_graph_is_told_what_its_shape_wants(
    tmp_path: Path, value: Any, answer: str, verdict: ItemVerdict, told: JSON
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard), terms=GraphTerms(answer=answer)) as stage:
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
        pytest.param(OPTIONS, "", "cancel", id="options with one that says no"),
        pytest.param({"question": "Which?", "options": ["eu", "us"]}, "", SILENCE, id="options without one"),
        pytest.param(CHECK, "", False, id="samples"),
        pytest.param(VAGUE, "", {"Which bucket?": SILENCE, "age": SILENCE}, id="clarification"),
        pytest.param("What?", "", SILENCE, id="a bare string"),
        pytest.param({"a": 1}, "", SILENCE, id="any other dictionary"),
    ],
)
async def test_silence_is_told_and_never_as_a_consent(tmp_path: Path, value: Any, answer: str, told: JSON) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard), terms=GraphTerms(answer=answer)) as stage:
        request = await stage.question(await stage.started())

        await stage.expire()

        assert heard == [told]
        assert await stage.is_delivered(request)


async def test_a_text_that_nobody_looked_at_is_not_handed_back_and_its_task_ends(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(TEXT, told=heard)) as stage:
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
    ("value", "verdict"), [(OPTIONS, APPROVE), (OPTIONS, Choose(choice="mars")), (DETAILS, Respond(value="maybe"))]
)
async def test_what_is_not_offered_is_not_taken(tmp_path: Path, value: Any, verdict: ItemVerdict) -> None:
    async with a_stage(tmp_path, asks(value)) as stage:
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
