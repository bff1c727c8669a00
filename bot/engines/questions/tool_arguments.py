"""A tool that interrupts with its own arguments: `{"action": "send_email", "to": ..., "message": "Send it?"}`.

The answer is `{"action": "approve", **overrides}`, with the arguments that were changed, or `{"action": "reject"}`.
If the question or its graph's entry names a convention, that applies instead (see `question_details`).
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    Expired,
    Reject,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict
from bot.engines import schemas
from bot.engines.questions import conventions, plain

NAME = "tool_arguments"

_OTHERS: Final = ("question", "details", "plan", "options", "choices")
"""A value with any of these keys has another shape."""


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """One action with its arguments."""
    if not isinstance(value, dict) or conventions.chosen(value, answer) or any(key in value for key in _OTHERS):
        return None
    action, message = plain.text_of(value.get("action")), plain.text_of(value.get("message"))
    arguments = {key: each for key, each in value.items() if key not in ("action", "message")}
    others = {key: each for key, each in arguments.items() if key != plain.SUMMARY}
    if summary := plain.summary_of(arguments.get(plain.SUMMARY), others):
        arguments = others
    if not action.strip() or not message.strip():
        return None
    verdicts = (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT) if arguments else (Verdict.APPROVE, Verdict.REJECT)
    return Question(
        shape=NAME,
        title=message,
        items=(Item(name=action, arguments=arguments, verdicts=verdicts),),
        risk=plain.risk_of(value),
        summary=summary,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The approval with the changed arguments, or the rejection."""
    match decision:
        case Answered(verdicts=(Approve(),)):
            item, before = question.items[0], proposed.items[0].arguments
            schemas.check(item.schema, dict(item.arguments))
            return {"action": "approve", **plain.changed(item.arguments, before)}
        case Answered(verdicts=(Reject(),)) | Expired():
            return {"action": "reject"}
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with an approval or a rejection.")
