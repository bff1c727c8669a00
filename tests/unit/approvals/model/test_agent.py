"""Inputs of a graph: the values that one takes, and which one a plain sentence fills."""

from __future__ import annotations

import pytest

from bot.approvals.model.agent import Graph, Input, allowed
from bot.approvals.model.ids import JSON


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"enum": ["low", "high", None]}, ("low", "high")),
        ({"const": 7}, (7,)),
        ({"const": None}, ()),
        ({"oneOf": [{"const": "s", "title": "Small"}, {"const": "l"}]}, ("s", "l")),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, ("a", "b")),
        ({"anyOf": [{"enum": ["a"]}, {"type": "integer"}]}, ()),
        ({"anyOf": [{"enum": ["a"]}, True]}, ()),
        ({"anyOf": "nonsense"}, ()),
        ({"type": "string"}, ()),
    ],
)
def test_a_schema_lists_its_values_or_does_not(schema: dict[str, JSON], values: tuple[JSON, ...]) -> None:
    assert allowed(schema) == values


def test_choices_are_what_people_type() -> None:
    given = Input(name="x", schema={"enum": ["low", 1, True, "ü"]}, required=True)

    assert given.choices == ("low", "1", "true", "ü")


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
