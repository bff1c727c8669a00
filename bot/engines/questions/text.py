"""A bare string, and anything that no other shape knows.

Nobody can tell whether such a question wants a yes, a no or words. So it takes all three: true, false, or the text
that a person writes. If the question or its graph's entry names a convention, that applies instead.
"""

from __future__ import annotations

from bot.approvals.model.decision import Decision
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question
from bot.engines.questions import conventions, plain

NAME = "text"


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """A question, whatever the value is."""
    convention = conventions.chosen(value, answer) or conventions.UNDECLARED
    asking = plain.taken_apart(value if isinstance(value, dict) else {})
    arguments = asking.arguments if isinstance(value, str | dict) else {"value": value}
    return Question(
        shape=NAME,
        title=value if isinstance(value, str) and value.strip() else asking.title,
        text=asking.text,
        items=(Item(name="", arguments=arguments, verdicts=conventions.verdicts(convention)),),
        risk=asking.risk,
        summary=asking.summary,
        convention=convention,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """Yes, no or the text, in the question's convention."""
    return conventions.answer(question.convention or conventions.UNREJECTABLE, decision)
