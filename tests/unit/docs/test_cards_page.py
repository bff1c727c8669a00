"""The page of cards names buttons that exist, and every sign of a state."""

from __future__ import annotations

import re
from typing import Final

from bot.slack.cards import decision_words
from tests.unit.docs.pages import ROOT, rows, section

PAGE: Final = "docs/reference/card.md"
AS_PICTURE: Final = "\N{VARIATION SELECTOR-16}"
"""What follows a sign that is to be shown in colour."""
SIGNS: Final = (
    decision_words.WAITING,
    decision_words.APPROVED,
    decision_words.REJECTED,
    decision_words.EXPIRED,
    decision_words.STOPPED,
    decision_words.FAILED,
    decision_words.NOT_NEEDED,
    decision_words.DONE,
    decision_words.UNDONE,
)


def test_every_button_that_the_page_names_exists() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "bot" / "slack").rglob("*.py"))
    table = rows(section(PAGE, "## Buttons"))
    named = [name.rstrip(" …") for row in table for name in re.findall(r"\*([^*]+)\*", row[0])]

    assert [name for name in named if f'"{name}' not in source] == []
    assert len(named) > 12


def test_the_page_has_every_sign_of_a_state() -> None:
    listed = [row[0].strip(AS_PICTURE) for row in rows(section(PAGE, "## States"))]

    assert sorted(listed) == sorted(sign.strip(AS_PICTURE) for sign in SIGNS)
