"""How a graph wants to hear yes and no. Plain dictionaries carry no schema, so the word for it is a convention.

The default is true and false: a graph that only tests its answer's truth must never take a rejection for a yes,
as it would with `"reject"` or `{"approved": false}`.
"""

from __future__ import annotations

from bot.approvals.errors import InvalidAnswer
from bot.approvals.model import JSON, Answered, Approve, Cancelled, Decision, Expired, Reject, Respond

BOOLEAN = "boolean"
"""true, false"""
OBJECT = "object"
"""{"approved": bool, "feedback": str}"""
APPROVE_REJECT = "approve/reject"
"""the word approve or the word reject"""
APPROVED_REJECTED = "approved/rejected"
"""the word approved or the word rejected"""

CONVENTIONS = (BOOLEAN, OBJECT, APPROVE_REJECT, APPROVED_REJECTED)


def named(value: JSON) -> str:
    """The convention that a question names; the default for none and for an unknown one."""
    return value if isinstance(value, str) and value in CONVENTIONS else BOOLEAN


def answer(convention: str, decision: Decision) -> JSON:
    """Yes or no in the convention's words; `InvalidAnswer` for a decision that is neither."""
    approved, feedback = _said(decision)
    match convention:
        case "object":
            return {"approved": approved, "feedback": feedback}
        case "approve/reject":
            return "approve" if approved else "reject"
        case "approved/rejected":
            return "approved" if approved else "rejected"
        case _:
            return approved


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
        case Answered(verdicts=(Respond(value=str(value)),)):
            return False, value
        case Answered():
            raise InvalidAnswer("This question is answered with one yes or one no.")
