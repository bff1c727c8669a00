"""What the verdicts are called, on buttons and once they are given: in our words, or in the graph's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.request import Request
from bot.slack import blocks, text

_WORDS: Final[Mapping[Verdict, str]] = {
    Verdict.APPROVE: "Approve",
    Verdict.EDIT: "Edit",
    Verdict.REJECT: "Reject",
    Verdict.RESPOND: "Answer",
    Verdict.CHOOSE: "Choose",
    Verdict.UNDO: "Undo",
    Verdict.KEEP: "Keep",
}


_SETTLED: Final[Mapping[str, str]] = {
    "accept": "Accepted",
    "agree": "Agreed",
    "allow": "Allowed",
    "answer": "Answered",
    "approve": "Approved",
    "choose": "Answered",
    "confirm": "Confirmed",
    "decline": "Declined",
    "deny": "Denied",
    "dismiss": "Dismissed",
    "ignore": "Ignored",
    "refuse": "Refused",
    "reject": "Rejected",
    "reply": "Answered",
    "respond": "Answered",
}
"""What a verdict of that name is called once it is given. A word for the deed itself is not among them: what somebody
approved with *Send* is not sent yet, and a task can be cancelled or stopped as well."""


MAX_LABEL_CHARACTERS: Final = blocks.BUTTON_TEXT - 8
"""Of the graph's own word for a verdict, so that it fits a button. Of a longer word, the button shows the beginning."""


def label(question: Question, verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return capital(text.label(question.labels.get(verdict, ""), MAX_LABEL_CHARACTERS)) or _WORDS[verdict]


def capital(words: str) -> str:
    """A word of the graph as it stands on a button: `send` is "Send". One in which a capital could mean something
    stays as it is."""
    return f"{words[:1].upper()}{words[1:]}" if re.fullmatch(r"[a-z]{2,}(?: .*)?", words) else words


def settled(question: Question, verdict: Verdict) -> str:
    """The verdict once it is given: `Approved`, `Ignored`. Empty if the graph's own word for it is none that we
    know."""
    return _SETTLED.get(label(question, verdict).strip(" .!…").lower(), "")


def verdicts(request: Request, number: int) -> list[Verdict]:
    """The verdicts that this item takes now. An item that may be edited may also be approved as it was edited."""
    item = request.question.items[number]
    edited = Verdict.EDIT in item.verdicts and item != request.proposed.items[number]
    taken = {*item.verdicts, Verdict.APPROVE} if edited else set(item.verdicts)
    return [verdict for verdict in _WORDS if verdict in taken]
