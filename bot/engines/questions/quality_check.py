"""`{"type": "quality_check", "samples": [...]}`: do these samples look right?

The answer is yes or no, in the question's convention or its graph's. A complaint is a no.
"""

from __future__ import annotations

from bot.approvals.model.decision import Decision
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question
from bot.engines.questions import conventions, plain

NAME = "quality_check"

TITLE = "Do these samples look right?"
"""What any question of this shape asks."""


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """The samples, to approve or reject."""
    if not isinstance(value, dict) or value.get("type") != "quality_check" or "samples" not in value:
        return None
    asking = plain.taken_apart(value, named=("type", "samples"), shown=("samples",))
    convention = conventions.chosen(value, answer) or conventions.BOOLEAN
    arguments = {"samples": value["samples"], **asking.arguments}
    return Question(
        shape=NAME,
        title=asking.title or TITLE,
        text=asking.text,
        items=(Item(name="", arguments=arguments, verdicts=conventions.verdicts(convention)),),
        risk=asking.risk,
        summary=asking.summary,
        convention=convention,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """Yes or no, in the question's convention."""
    return conventions.answer(question.convention, decision)
