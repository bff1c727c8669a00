"""A bare string, and anything that no other shape knows: shown as it is, answered with free text.

Where the graph's entry names a convention of yes and no, a bare value is approved or rejected instead.
"""

from __future__ import annotations

from bot.approvals.decision import Decision
from bot.approvals.ids import JSON
from bot.approvals.question import Item, Question
from bot.engine.questions import conventions, plain

NAME = "text"


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """A question to be answered in words; takes any value."""
    convention = conventions.chosen(value, answer) or conventions.TEXT
    asking = plain.taken_apart(value if isinstance(value, dict) else {})
    arguments = asking.arguments if isinstance(value, str | dict) else {"value": value}
    return Question(
        shape=NAME,
        title=value if isinstance(value, str) and value.strip() else asking.title,
        text=asking.text,
        items=(Item(name="", arguments=arguments, verdicts=conventions.verdicts(convention)),),
        risk=asking.risk,
        convention=convention,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The text; where nobody answered, a sentence that says so."""
    return conventions.answer(question.convention or conventions.TEXT, decision)
