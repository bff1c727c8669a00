"""A choice that does not name the value that the agent gets says it on the card."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Item, Option, Verdict
from bot.approvals.ports.slack import View
from bot.slack.cards import render
from tests.unit.slack import samples
from tests.unit.slack.cards.reading import seen


@pytest.mark.parametrize(
    ("label", "value", "said"),
    [
        ("No, keep everything", "delete_all", True),
        ("Blue", 1, True),
        ("Both", ["one", "two"], True),
        ("Undo", "do", True),
        ("Yes", "yes", False),
        ("Move in one night", "move", False),
        ("Delete all files", "delete_all", False),
        ("Yes", True, False),
    ],
)
def test_a_choice_says_what_the_agent_gets_unless_its_words_do(label: str, value: JSON, said: bool) -> None:
    option = Option(label=label, value=value, description="")
    item = Item(name="", arguments={}, verdicts=(Verdict.CHOOSE,))
    asked = replace(
        samples.question(item),
        choices=(label, "Stop"),
        options=(option, Option(label="Stop", value="stop", description="")),
    )

    card = render.draw(
        View(message=samples.message(MessageKind.CARD), task=samples.task(), request=samples.request(asked))
    )

    assert ("the agent gets" in seen(card)) is said
