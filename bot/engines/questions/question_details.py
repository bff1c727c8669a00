"""`{"question": str, "details": ..., "plan": ..., "action": ..., "risk_level": ...}`: something is about to be done.

`reason` (why it is asked) and `answer` (the convention, see `conventions`) are optional. Any other key is shown as a
detail. Any other dictionary is read in the same way if it, or its graph's entry, names a convention of yes and no.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.decision import Decision
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, titled
from bot.engines.questions import conventions, plain

NAME = "question_details"

_PROPOSING: Final = ("details", "plan", "action", "risk_level")
"""Keys that describe a proposal. A question about a proposal takes a yes or a no."""


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """A question to approve or reject, if the value has this shape."""
    if not isinstance(value, dict):
        return None
    convention = conventions.chosen(value, answer)
    if not convention and not any(key in value for key in _PROPOSING):
        return None
    action = plain.text_of(value.get("action"))
    asking = plain.taken_apart(value, named=("action",) if action else ())
    convention = convention or conventions.BOOLEAN
    item = Item(name=action, arguments=asking.arguments, verdicts=conventions.verdicts(convention))
    return Question(
        shape=NAME,
        title=asking.title or titled(item),
        text=asking.text,
        items=(item,),
        risk=asking.risk,
        summary=asking.summary,
        convention=convention,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """Yes or no, in the question's convention."""
    return conventions.answer(question.convention, decision)
