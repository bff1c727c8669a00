"""What the verdicts are called on buttons: in our words, or in those that the graph has for them."""

from __future__ import annotations

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
}


LONGEST: Final = blocks.BUTTON_TEXT - 8
"""Characters of what a graph calls a verdict that fit a button; of a longer one its button shows only the beginning."""


def label(question: Question, verdict: Verdict) -> str:
    """The verdict in a word or two."""
    return text.label(question.labels.get(verdict, ""), LONGEST) or _WORDS[verdict]


def verdicts(request: Request, number: int) -> list[Verdict]:
    """What can be said of this item now. What may be edited may be approved as somebody has edited it."""
    item = request.question.items[number]
    edited = Verdict.EDIT in item.verdicts and item != request.proposed.items[number]
    taken = {*item.verdicts, Verdict.APPROVE} if edited else set(item.verdicts)
    return [verdict for verdict in _WORDS if verdict in taken]
