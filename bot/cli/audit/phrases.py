"""Phrases that sentences about audit events have in common: who did it, what they answered, and how it ended."""

from __future__ import annotations

from itertools import zip_longest
from typing import Final

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import JSON
from bot.cli.audit.values import Data, one_line, person, quoted
from bot.printable import printable


def who(event: AuditEvent, data: Data) -> str:
    """Who did it: a person, an operator, or a program by its token."""
    if event.person is not None:
        through = f", on a page with the token {printable(event.through)}," if event.through else ""
        return f"{person(event.person)}{through}"
    if by := data.text("by"):
        return f"An operator ({by})"
    return f"The program with the token {printable(event.through)}" if event.through else "Somebody"


OUTCOMES: Final = {
    "approve": "approved",
    "edit": "approved with changes",
    "reject": "rejected",
    "respond": "answered",
    "choose": "answered with a choice",
    "mixed": "answered one by one",
    "undo": "to be undone",
    "keep": "to be kept",
    "closed": "it stays, because the time to undo it was over",
    "expired": "expired, because nobody answered in time",
    "cancelled": "cancelled",
}
_VERDICTS: Final = {
    "approve": "approved",
    "reject": "rejected",
    "respond": "answered",
    "choose": "chose",
    "undo": "chose to undo it",
    "keep": "chose to keep it",
}


def outcome(data: Data, words: str = "That settled it") -> str:
    settled = data.take("outcome")
    return "" if settled is None else f" {words}: {OUTCOMES.get(str(settled), one_line(settled))}."


def verdicts(value: JSON, said: JSON) -> list[str]:
    """A phrase for each item's verdict, with what was said."""
    given = value if isinstance(value, list) else [] if value is None else [value]
    words = said if isinstance(said, list) else [] if said is None else [said]
    both = zip_longest(given, words)
    return [" ".join([_VERDICTS.get(str(verdict), one_line(verdict)), *_said(of)]) for verdict, of in both]


def _said(words: JSON) -> list[str]:
    """What somebody said with a verdict, if anything."""
    values = list(words.values()) if isinstance(words, dict) else [words]
    return [quoted(each) for each in values if each not in ("", None)]
