"""`{"instruction": ..., "content": "..."}`: a text to approve or to edit. The text is the answer."""

from __future__ import annotations

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    Expired,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict
from bot.engines.questions import conventions, plain

NAME = "editable"

_CONTENT = "content"


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """The text as the one argument, which can be edited."""
    if not isinstance(value, dict) or not isinstance(value.get(_CONTENT), str):
        return None
    if not plain.text_of(value.get("instruction")).strip():
        return None
    asking = plain.taken_apart(value, named=(_CONTENT,))
    return Question(
        shape=NAME,
        title=asking.title,
        text=asking.text,
        items=(
            Item(
                name="",
                arguments={_CONTENT: value[_CONTENT]},
                verdicts=(Verdict.APPROVE, Verdict.EDIT),
                schema={"type": "object", "properties": {_CONTENT: {"type": "string"}}, "required": [_CONTENT]},
            ),
        ),
        risk=asking.risk,
        summary=asking.summary,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The text as it is now. If nobody answered, there is no value for that: to return the text would be consent."""
    match decision:
        case Answered(verdicts=(Approve(),)):
            content = question.items[0].arguments.get(_CONTENT)
            if isinstance(content, str):
                return content
            raise InvalidAnswer("This has to be a text.", _CONTENT)
        case Expired():
            raise conventions.unsaid()
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with its text, as it is or edited.")
