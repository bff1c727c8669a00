"""Interrupts -> questions, and decisions -> the values that resume. One module per shape, both directions.

The order of `SHAPES` is the order in which a value is tried: the more particular shape first, the one that takes
anything last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.approvals.errors import InvalidAnswer
from bot.approvals.model import JSON, Decision, Question
from bot.engine.questions import question_details, text


class Shape(Protocol):
    """One shape of interrupt. A module is one."""

    NAME: str
    """Stored with the question, so that the same module makes its answer."""

    def read(self, value: JSON) -> Question | None:
        """The question, or None where the value is not of this shape. Never raises on a JSON value."""
        ...

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """The value that resumes; `InvalidAnswer` where the graph would refuse it."""
        ...


SHAPES: Sequence[Shape] = (question_details, text)


def read(value: JSON) -> Question:
    """The question that an interrupt's value asks."""
    for shape in SHAPES:
        question = shape.read(value)
        if question is not None:
            return question
    raise AssertionError("the last shape takes anything")


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The value that resumes the graph; `InvalidAnswer` where the graph would refuse it."""
    for shape in SHAPES:
        if question.shape == shape.NAME:
            return shape.answer(question, proposed, decision)
    raise InvalidAnswer(f"Nothing here knows how to answer a question of the shape {question.shape!r}")
