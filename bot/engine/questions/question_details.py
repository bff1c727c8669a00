"""`{"question": str, "details": ..., "risk_level": ...}`: something is about to be done, yes or no.

Optional beside them: `reason` (why it is asked), `action` (its name on the card), and `answer`, the convention in
which the graph wants to be answered (see `conventions`). Any other key is shown as a detail.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.approvals.model import JSON, Decision, Item, Question, Risk, Verdict
from bot.engine.questions import conventions

NAME = "question_details"

_NAMED = ("question", "details", "risk_level", "reason", "action", "answer")


def read(value: JSON) -> Question | None:
    """A question to be approved or rejected, where the value has this shape."""
    if not isinstance(value, dict) or not isinstance(value.get("question"), str):
        return None
    if not ("details" in value or "risk_level" in value):
        return None
    details = value.get("details")
    arguments: dict[str, JSON] = dict(details) if isinstance(details, dict) else {}
    for key, extra in value.items():
        if _is_extra(key, extra):
            arguments[_free(key, arguments)] = extra
    return Question(
        shape=NAME,
        title=str(value["question"]),
        text=_text(value.get("reason")),
        items=(
            Item(
                name=_text(value.get("action")),
                arguments=arguments,
                verdicts=(Verdict.APPROVE, Verdict.REJECT),
            ),
        ),
        risk=_risk(value.get("risk_level")),
        convention=conventions.named(value.get("answer")),
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """Yes or no, in the question's convention."""
    return conventions.answer(question.convention, decision)


def _is_extra(key: str, value: JSON) -> bool:
    """Whether it has no place of its own on the card, and is shown among the details."""
    match key:
        case "details":
            return value is not None and not isinstance(value, dict)
        case "reason" | "action":
            return value is not None and not isinstance(value, str)
        case _:
            return key not in _NAMED


def _free(key: str, arguments: Mapping[str, JSON]) -> str:
    """The key, or one like it where the details have theirs: neither hides the other."""
    while key in arguments:
        key += "'"
    return key


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _risk(value: JSON) -> Risk | None:
    """The risk, where the graph names one that is known; anything else counts as high, never as none."""
    if value is None:
        return None
    try:
        return Risk(str(value).strip().lower())
    except ValueError:
        return Risk.HIGH
