"""Graphs as people start them: which input a plain sentence fills."""

from __future__ import annotations

import pytest

from bot.approvals.model.agent import Graph, Input

TEXT, NUMBER = {"type": "string"}, {"type": "number"}


@pytest.mark.parametrize(
    ("inputs", "spoken"),
    [
        ({}, ""),
        ({"topic": TEXT}, "topic"),
        ({"amount": NUMBER}, ""),
        ({"topic": TEXT, "amount": NUMBER}, ""),
        ({"topic": TEXT, "tone": TEXT}, ""),
        ({"messages": TEXT, "tone": TEXT}, "messages"),
    ],
)
def test_a_sentence_fills_the_conversation_or_the_only_text(inputs: dict[str, dict[str, str]], spoken: str) -> None:
    wanted = tuple(Input(name=name, schema=schema, required=True) for name, schema in inputs.items())
    optional = Input(name="note", schema=TEXT, required=False)

    assert Graph(name="graph", description="", inputs=(*wanted, optional)).spoken == spoken
