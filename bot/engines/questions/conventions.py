"""How a graph wants to hear yes and no. Plain dictionaries carry no schema, so the word for it is a convention.

A question may name its own (its key `answer`), or the graph's entry in `policies.yaml` names one for all of them. If
neither does, the answer is true or false, and a question of no known shape also takes words: code that only tests its
answer must never take a rejection for a yes, as it would with `"reject"` or `{"approved": false}`.

Silence gives what a rejection gives. A convention without a word for no has nothing to say then, and the task stops.
"""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import Any, Final

from bot.approvals.model.decision import Answered, Approve, Cancelled, Decision, Expired, Reject, Respond
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
_LARGEST: Final = 2**63 - 1
"""The integer that every checkpoint can hold."""


def named(value: JSON) -> str:
    """The convention that a question names; empty if it names none that is known."""
    return value if isinstance(value, str) and value in CONVENTIONS else ""


def chosen(value: JSON, graphs: str) -> str:
    """The convention for a value: its own, else its graph's; empty if neither says one."""
    own = named(value.get("answer")) if isinstance(value, dict) else ""
    return own or graphs


def is_known(convention: str) -> bool:
    """Whether a setting may name it: one of `CONVENTIONS`, or two different words such as `yes/no`.

    true/false is none: it would be two texts, and the text "false" counts as true in code that tests it.
    """
    words = _WORDS.fullmatch(convention)
    if convention in CONVENTIONS or words is None:
        return convention in CONVENTIONS
    yes, no = _folded(words["yes"]), _folded(words["no"])
    return yes != no and {yes, no} != {"true", "false"}


def verdicts(convention: str) -> tuple[Verdict, ...]:
    """What can be said of a question that is answered in this convention."""
    if convention in (TEXT, VALUE, UNREJECTABLE):
        return (Verdict.RESPOND,)
    if convention == UNDECLARED:
        return (Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND)
    return (Verdict.APPROVE, Verdict.REJECT)


def answer(convention: str, decision: Decision) -> JSON:
    """Yes or no in the convention's words, or what a person wrote; `InvalidAnswer` for a decision that is neither, and
    for silence if the convention has no word for no."""
    match decision:
        case Cancelled():
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
            raise InvalidAnswer(f"This question takes one of these answers: {offered}.")


def silence(decision: Expired) -> str:
    """The reason of the rejection that a graph is given if nobody answered. It is a text, and so true to code that
    tests it: it stands only where a rejection's reason stands."""
    return f"Rejected: nobody answered by {decision.at:%Y-%m-%d %H:%M} UTC."


def unsaid() -> InvalidAnswer:
    """Why nothing can be delivered if nobody answered a question that has no word for no."""
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
    """The value, if the words are JSON that is kept to the letter; else the words themselves."""
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
    if abs(number) > _LARGEST or digits == "-0":
        raise ValueError("a number that would be changed")
    return number


def _refuse(name: str) -> JSON:
    raise ValueError(f"{name} is not JSON")
