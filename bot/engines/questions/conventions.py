"""How a graph wants to hear yes and no. Plain dictionaries carry no schema, so a convention says it.

A question may name its own convention (its key `answer`), or the graph's entry in `policies.yaml` names one for all of
its questions. If neither does, the answer is true or false, and a question of no known shape also takes words. Code
that only tests its answer must never take a rejection for a yes, as it would with `"reject"` or `{"approved": false}`.

If nobody answers, the graph gets what it gets for a rejection. If the convention has no word for no, the task stops.
"""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import Any, Final

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    Expired,
    Reject,
    Respond,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import IN_JSON, IN_TEXT, Verdict

BOOLEAN: Final = "boolean"
"""true, false"""
OBJECT: Final = "object"
"""{"approved": bool, "feedback": str}"""
APPROVE_REJECT: Final = "approve/reject"
"""the word approve or the word reject"""
APPROVED_REJECTED: Final = "approved/rejected"
"""the word approved or the word rejected"""
TEXT: Final = IN_TEXT
"""no yes or no at all: whatever a person writes"""
VALUE: Final = IN_JSON
"""what a person writes, as JSON if it is JSON, else as text"""

CONVENTIONS: Final = (BOOLEAN, OBJECT, APPROVE_REJECT, APPROVED_REJECTED, TEXT, VALUE)

UNDECLARED: Final = "undeclared"
"""Nobody has said how this graph wants its answer: true, false, or the text that a person writes. Of questions alone;
a setting cannot name it."""
UNREJECTABLE: Final = "unrejectable"
"""A bare question as the previous version of the bot asked it: it takes words alone. Of stored questions alone."""

_WORDS = re.compile(r"(?P<yes>[^\s/]{1,40})/(?P<no>[^\s/]{1,40})")
"""Any two words, the one for yes first."""
_MAX_INTEGER: Final = 2**63 - 1
"""The largest integer that every checkpoint can hold."""


def named(value: JSON) -> str:
    """The convention that a question names. Empty if it names no known one."""
    return value if isinstance(value, str) and value in CONVENTIONS else ""


def chosen(value: JSON, graphs: str) -> str:
    """The convention for a value: its own, or else its graph's. Empty if neither has one."""
    own = named(value.get("answer")) if isinstance(value, dict) else ""
    return own or graphs


def is_known(convention: str) -> bool:
    """Whether a setting may name this convention: one of `CONVENTIONS`, or two different words such as `yes/no`.

    `true/false` is not allowed: these would be two texts, and code that tests the text "false" takes it for true.
    """
    words = _WORDS.fullmatch(convention)
    if convention in CONVENTIONS or words is None:
        return convention in CONVENTIONS
    yes, no = _folded(words["yes"]), _folded(words["no"])
    return yes != no and {yes, no} != {"true", "false"}


def verdicts(convention: str) -> tuple[Verdict, ...]:
    """The verdicts for a question with this convention."""
    if convention in (TEXT, VALUE, UNREJECTABLE):
        return (Verdict.RESPOND,)
    if convention == UNDECLARED:
        return (Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND)
    return (Verdict.APPROVE, Verdict.REJECT)


def answer(convention: str, decision: Decision) -> JSON:
    """Yes or no in the convention's words, or what a person wrote. Raises InvalidAnswer for any other decision, and if
    nobody answered and the convention has no word for no."""
    match decision:
        case Cancelled() | WindowClosed():
            raise InvalidAnswer("A cancelled request is not delivered to its graph.")
        case Answered(verdicts=(Respond(value=str(written)),)) if Verdict.RESPOND in verdicts(convention):
            return _written(convention, written)
        case Answered(verdicts=(Approve(),)) if Verdict.APPROVE in verdicts(convention):
            return _said(convention, approved=True)
        case Answered(verdicts=(Reject(reason=reason),)) if Verdict.REJECT in verdicts(convention):
            return _said(convention, approved=False, why=reason)
        case Expired() if Verdict.REJECT in verdicts(convention):
            return _said(convention, approved=False, why=silence(decision))
        case Expired():
            raise unsaid()
        case Answered():
            offered = ", ".join(verdicts(convention))
            raise InvalidAnswer(f"Answer this question with one of these: {offered}.")


def silence(decision: Expired) -> str:
    """The reason of the rejection that a graph gets if nobody answered. Code that tests a text takes it for true, so it
    only ever stands in the place of a rejection's reason."""
    return f"Rejected: nobody answered by {decision.at:%Y-%m-%d %H:%M} UTC."


def unsaid() -> InvalidAnswer:
    """The error for a question that nobody answered and that has no word for no."""
    return InvalidAnswer("Nobody answered, and this question has no answer that says no.")


# --- Within -------------------------------------------------------------------------------------


def _said(convention: str, *, approved: bool, why: str = "") -> JSON:
    if convention == OBJECT:
        return {"approved": approved, "feedback": why}
    words = _WORDS.fullmatch(convention)
    if words is not None:
        return words["yes"] if approved else words["no"]
    return approved


def _written(convention: str, words: str) -> JSON:
    if not words.strip():
        raise InvalidAnswer("This is empty. Write an answer.")
    return _parsed(words) if convention == VALUE else words


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


# --- JSON, to the letter ------------------------------------------------------------------------


def _parsed(words: str) -> JSON:
    """The JSON value of the words if JSON can keep it exactly. Otherwise the words themselves."""
    try:
        value: JSON = json.loads(
            words,
            object_pairs_hook=_object,
            parse_float=_float,
            parse_int=_integer,
            parse_constant=_refuse,
        )
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return words
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) < len(pairs):
        raise ValueError("a key stands twice, so one of its values would be lost")
    return whole


def _float(digits: str) -> float:
    number = float(digits)
    if not Decimal(digits).is_finite() or Decimal(repr(number)) != Decimal(digits):
        raise ValueError("a number that would be rounded")
    return number


def _integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > _MAX_INTEGER or digits == "-0":
        raise ValueError("a number that would be changed")
    return number


def _refuse(name: str) -> JSON:
    raise ValueError(f"{name} is not JSON")
