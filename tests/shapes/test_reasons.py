"""What a modal says about who reads a rejection's reason is what the shape's answer holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.approvals.model.decision import Answered, Approve, Reject
from bot.approvals.model.ids import JSON, Person, TeamId, UserId
from bot.approvals.model.question import Question, Verdict
from bot.engines import questions
from bot.engines.questions import breakpoint, conventions
from bot.slack import reasons

WHY = "zebra crossing"
BOB = Person(team_id=TeamId("T0"), user_id=UserId("U0BOB"))
CALL: dict[str, JSON] = {"name": "pay", "args": {"sum": 1}}
ASKED: dict[str, tuple[JSON, JSON]] = {
    "tool calls": (
        {
            "action_requests": [CALL, CALL],
            "review_configs": [{"action_name": "pay", "allowed_decisions": ["approve", "reject"]}],
        },
        None,
    ),
    "one tool call": ({"type": "tool_approval", "tool_call_id": "c1", **CALL}, None),
    "agent inbox": (
        {
            "action_request": {"action": "pay", "args": {}},
            "config": {"allow_accept": True, "allow_ignore": True},
            "description": "",
        },
        None,
    ),
    "elicitation": (
        {
            "type": "mcp_elicitation",
            "tool_name": "crm",
            "requests": [{"key": "a", "message": "Go?", "mode": "url", "url": "https://a.example"}],
        },
        None,
    ),
    "a boolean": ({"question": "Go?"}, {"type": "boolean"}),
    "quality check": ({"type": "quality_check", "samples": [1]}, None),
    "tool arguments": ({"action": "send", "to": "a", "message": "Send it?"}, None),
    "a bare text": ("Go?", None),
    **{
        f"a proposal, answered with {convention}": ({"question": "Go?", "details": {}, "answer": convention}, None)
        for convention in conventions.CONVENTIONS
        if Verdict.REJECT in conventions.verdicts(convention)
    },
    "a quality check, answered with an object": (
        {"type": "quality_check", "samples": [1], "answer": "object"},
        None,
    ),
    "anything, answered with an object": ({"a": 1, "answer": "object"}, None),
}


def told(question: Question, verdict: Approve | Reject) -> bool:
    verdicts = tuple(verdict for _ in question.items)
    decision = Answered(verdicts=verdicts, voters=(BOB,), edited=False, at=datetime(2026, 3, 4, tzinfo=UTC))
    return WHY in json.dumps(questions.answer(question, question, decision))


@pytest.mark.parametrize("name", ASKED)
def test_the_agent_is_told_a_reason_exactly_if_the_modal_says_so(name: str) -> None:
    question = questions.read(*ASKED[name])

    assert Verdict.REJECT in question.items[0].verdicts
    assert reasons.reaches_agent(question, Verdict.REJECT) is told(question, Reject(reason=WHY))
    if Verdict.APPROVE in question.items[0].verdicts:
        assert reasons.reaches_agent(question, Verdict.APPROVE) is told(question, Approve(reason=WHY))


def test_every_shape_that_can_be_rejected_is_tried_here() -> None:
    tried = {questions.read(*asked).shape for asked in ASKED.values()}
    unrejectable = {"response_schema", "clarification", "options", "editable", "undo_window"}

    assert {shape.NAME for shape in questions.SHAPES} - unrejectable - {breakpoint.NAME} <= tried
    assert {breakpoint.NAME} == reasons.UNCERTAIN
