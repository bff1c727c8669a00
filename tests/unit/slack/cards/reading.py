"""A card as a person reads it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from bot.slack.cards.render import Card
from tests.unit.slack import limits
from tests.unit.slack.test_text import HOSTILE

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | HOSTILE,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(HOSTILE, inner, max_size=6),
    max_leaves=20,
)
"""Any JSON, with texts that try to do harm."""


def labels(card: Card) -> list[str]:
    return [each["text"]["text"] for each in limits.buttons(card.blocks)]


def seen(card: Card) -> str:
    """All words of a card, as one text."""
    return "\n".join(words for kind in ("plain_text", "mrkdwn", "text") for words in limits.texts(card.blocks, kind))
