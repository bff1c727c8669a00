"""How a graph wants to hear yes and no. Plain dictionaries carry no schema, so the word for it is a convention.

A question may name its own (its key `answer`), else the graph's entry in `policies.yaml` says it for all of them. The
default is true and false: a graph that only tests its answer's truth must never take a rejection for a yes, as it would
with `"reject"` or `{"approved": false}`.
"""

from __future__ import annotations

import re

from bot.approvals.decision import Answered, Approve, Cancelled, Decision, Expired, Reject, Respond
from bot.approvals.errors import InvalidAnswer
from bot.approvals.ids import JSON
from bot.approvals.question import Verdict

BOOLEAN = "boolean"
"""true, false"""
OBJECT = "object"
"""{"approved": bool, "feedback": str}"""
APPROVE_REJECT = "approve/reject"
"""the word approve or the word reject"""
APPROVED_REJECTED = "approved/rejected"
"""the word approved or the word rejected"""
TEXT = "text"
"""no yes or no at all: whatever a person writes"""

CONVENTIONS = (BOOLEAN, OBJECT, APPROVE_REJECT, APPROVED_REJECTED, TEXT)

_WORDS = re.compile(r"(?P<yes>[^\s/]{1,40})/(?P<no>[^\s/]{1,40})")
"""Any two words, the one for yes first."""


def named(value: JSON) -> str:
    """The convention that a question names; empty where it names none that is known."""
    return value if isinstance(value, str) and value in CONVENTIONS else ""


def chosen(value: JSON, graphs: str) -> str:
    """The convention for a value: its own, else its graph's; empty where neither says one."""
    own = named(value.get("answer")) if isinstance(value, dict) else ""
    return own or graphs


def is_known(convention: str) -> bool:
    """Whether a setting may name it: one of `CONVENTIONS`, or two different words such as `yes/no`."""
    words = _WORDS.fullmatch(convention)
    return convention in CONVENTIONS or (words is not None and words["yes"].lower() != words["no"].lower())


def verdicts(convention: str) -> tuple[Verdict, ...]:
    """What can be said of a question that is answered in this convention."""
    return (Verdict.RESPOND,) if convention == TEXT else (Verdict.APPROVE, Verdict.REJECT)


def answer(convention: str, decision: Decision) -> JSON:
    """Yes or no in the convention's words, or the text; `InvalidAnswer` for a decision that is neither."""
    if convention == TEXT:
        return text(decision)
    approved, feedback = _said(decision)
    if convention == OBJECT:
        return {"approved": approved, "feedback": feedback}
    words = _WORDS.fullmatch(convention)
    if words is not None:
        return words["yes"] if approved else words["no"]
    return approved


def text(decision: Decision) -> str:
    """What a person wrote; where nobody did, a sentence that says so."""
    match decision:
        case Answered(verdicts=(Respond(value=str(value)),)):
            return value
        case Expired():
            return silence(decision)
        case Answered():
            raise InvalidAnswer("This question is answered with a text.")
        case Cancelled():
            raise InvalidAnswer("A cancelled request is not delivered to its graph.")


def silence(decision: Expired) -> str:
    """What a graph is told when nobody answered."""
    return f"Rejected: nobody answered by {decision.at:%Y-%m-%d %H:%M} UTC."


def _said(decision: Decision) -> tuple[bool, str]:
    match decision:
        case Expired():
            return False, silence(decision)
        case Cancelled():
            raise InvalidAnswer("A cancelled request is not delivered to its graph.")
        case Answered(verdicts=(Approve(),)):
            return True, ""
        case Answered(verdicts=(Reject(reason=reason),)):
            return False, reason
        case Answered():
            raise InvalidAnswer("This question is answered with one yes or one no.")
