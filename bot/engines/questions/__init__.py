"""Interrupts -> questions, and decisions -> the values that resume. One module per shape, in both directions, which is
why this folder has so many.

`SHAPES` has the order in which shapes are tried: particular ones first, and last the one that takes any value.

LangChain and deepagents: `tool_calls` (all of a turn), `tool_approval` (one call), `tool_arguments`. Other standards:
`agent_inbox`, `elicitation` (MCP), `response_schema`. Our own: `undo_window`. Dictionaries of tutorials:
`clarification`, `quality_check`, `options`, `editable`, `question_details`, with `plain` for what they have in common
and `conventions` for how they hear yes and no. The rest: `breakpoint` and `text`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

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
    undo_window,
)

LOOK_AGAIN: Final = "look_again"
"""The key of a question that takes the place of one that was approved (`graphs/effects.py`)."""
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Shape(Protocol):
    """One shape of interrupt, implemented by a module."""

    NAME: str
    """Stored with the question, so that the same module makes the answer."""

    def read(self, value: JSON, schema: JSON, answer: str) -> Question | None:
        """The question. Returns None if the value does not have this shape. Never raises on JSON.

        `schema` is the interrupt's `response_schema`, if it has one. `answer` is the convention in the graph's entry in
        policies.yaml, or empty.
        """
        ...

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """The value that resumes the graph. Raises InvalidAnswer if the graph would refuse it, or if nobody answered
        and the shape has no value for that."""
        ...


SHAPES: Sequence[Shape] = (
    undo_window,
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
    """The question that an interrupt's value asks. `answer` is the convention in the graph's entry, or empty."""
    if (approved := _looked_at_again(value)) is not None and isinstance(value, dict):
        asked = _read({key: each for key, each in value.items() if key != LOOK_AGAIN}, schema, answer)
        if asked.window is None:  # an offer to undo takes the place of no approval
            return replace(asked, payload=value, look_again=approved)
    return _read(value, schema, answer)


def _read(value: JSON, schema: JSON, answer: str) -> Question:
    for shape in SHAPES:
        question = shape.read(value, schema, answer)
        if question is not None:
            return question
    raise AssertionError("one shape takes anything")


def _looked_at_again(value: JSON) -> str | None:
    """The digest of what had been approved, if an agent looked again and asks what it found changed."""
    digest = value.get(LOOK_AGAIN) if isinstance(value, dict) else None
    return digest if isinstance(digest, str) and _DIGEST.fullmatch(digest) else None


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The value that resumes the graph. Raises InvalidAnswer if the graph would refuse it."""
    for shape in SHAPES:
        if question.shape == shape.NAME:
            return shape.answer(question, proposed, decision)
    raise InvalidAnswer(f"Nothing here knows how to answer a question of the shape {question.shape!r}")


def check_edit(question: Question, index: int) -> None:
    """Raises InvalidAnswer, with the name of the argument, if an item's edited arguments do not fit the graph's
    schema."""
    schemas.check(question.items[index].schema, dict(question.items[index].arguments))
