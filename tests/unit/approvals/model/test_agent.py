"""The only values that an input takes, if its schema lists them."""

from __future__ import annotations

import pytest

from bot.approvals.model.agent import Input, allowed
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
