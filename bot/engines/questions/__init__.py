"""Interrupts -> questions, and decisions -> the values that resume. One module per shape, both directions.

The order of `SHAPES` is the order in which a value is tried: the more particular shape first, the one that takes
anything last.

LangChain and deepagents: `tool_calls` (all of a turn), `tool_approval` (one call), `tool_arguments`. Other standards:
`agent_inbox`, `elicitation` (MCP), `response_schema`. Dictionaries of tutorials: `clarification`, `quality_check`,
`options`, `editable`, `question_details`, with `plain` for what they have in common and `conventions` for how they
hear yes and no. The rest: `breakpoint` and `text`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.approvals.model.decision import Decision
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question
from bot.engines import schemas
from bot.engines.questions import (
    agent_inbox,
    breakpoint,
    clarification,
    editable,
    elicitation,
    options,
    quality_check,
    question_details,
    response_schema,
    text,
    tool_approval,
    tool_arguments,
    tool_calls,
)


class Shape(Protocol):
    """One shape of interrupt. A module is one."""

    NAME: str
    """Stored with the question, so that the same module makes its answer."""

    def read(self, value: JSON, schema: JSON, answer: str) -> Question | None:
        """The question, or None where the value is not of this shape. Never raises on JSON.

        `schema` is the interrupt's `response_schema`, if it has one; `answer` the convention that its graph's entry
        names, empty where it names none.
        """
        ...

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """The value that resumes; `InvalidAnswer` where the graph would refuse it, and where nobody answered and
        the shape has no value that says so."""
        ...


SHAPES: Sequence[Shape] = (
    tool_calls,
    tool_approval,
    agent_inbox,
    elicitation,
    response_schema,
    clarification,
    quality_check,
    options,
    editable,
    tool_arguments,
    question_details,
    text,
    breakpoint,
)


def read(value: JSON, schema: JSON = None, answer: str = "") -> Question:
    """The question that an interrupt's value asks, of a graph that wants plain questions answered so."""
    for shape in SHAPES:
        question = shape.read(value, schema, answer)
        if question is not None:
            return question
    raise AssertionError("one shape takes anything")


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The value that resumes the graph; `InvalidAnswer` where the graph would refuse it."""
    for shape in SHAPES:
        if question.shape == shape.NAME:
            return shape.answer(question, proposed, decision)
    raise InvalidAnswer(f"Nothing here knows how to answer a question of the shape {question.shape!r}")


def check_edit(question: Question, index: int) -> None:
    """Return if an item's arguments, as somebody has just edited them, fit what the graph said of them; else
    `InvalidAnswer`, with the argument that does not."""
    schemas.check(question.items[index].schema, dict(question.items[index].arguments))
