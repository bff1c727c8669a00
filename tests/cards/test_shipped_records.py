"""The records that `check --slack` draws are what the graphs ask today."""

from __future__ import annotations

import pytest

from bot.cli.standard_cards import standard as shipped
from tools.cards.standard import standard

pytestmark = pytest.mark.heavy


def test_the_standard_cards_that_ship_are_those_that_their_graphs_ask() -> None:
    """If this fails, `python -m tools.cards.standard` writes them anew."""
    assert shipped.standard() == standard()
