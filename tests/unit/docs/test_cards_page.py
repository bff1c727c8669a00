"""The page of cards names buttons that exist, and every sign of a state."""

from __future__ import annotations

import re
from typing import Final

from bot.slack.cards import outcome_blocks
from tests.unit.docs.pages import ROOT, rows, section

PAGE: Final = "docs/reference/card.md"
AS_PICTURE: Final = "\N{VARIATION SELECTOR-16}"
"""What follows a sign that is to be shown in colour."""
SIGNS: Final = (
    outcome_blocks.PENDING,
    outcome_blocks.APPROVED,
    outcome_blocks.REJECTED,
    outcome_blocks.EXPIRED,
    outcome_blocks.STOPPED,
    outcome_blocks.FAILED,
    outcome_blocks.NOT_NEEDED,
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
