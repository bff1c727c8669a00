"""What is wrong with a value: what is wanted, with an example, and no regular expression if more is known."""

from __future__ import annotations

import re

import pytest

from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.engines import patterns, schemas

AGE: dict[str, JSON] = {"type": "string", "pattern": "^[0-9]{1,5}[hdw]$"}
SECRETIVE = "^(?=.*x)y"
"""A pattern of which no example can be made."""


def problem(schema: JSON, value: JSON) -> str:
    """The sentence beside the field."""
    with pytest.raises(InvalidAnswer) as refused:
        schemas.check({"type": "object", "properties": {"it": schema}}, {"it": value})
    return refused.value.problem


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        (AGE, "soon", "This has to look like 12d."),
        ({**AGE, "examples": ["30d"]}, "soon", "This has to look like 30d."),
        ({**AGE, "default": "4w"}, "soon", "This has to look like 4w."),
        ({**AGE, "examples": ["no"], "description": "As hours."}, "x", "This has to look like 12d. As hours."),
        ({"pattern": SECRETIVE, "description": "An x"}, "a", "This is not written as it has to be. An x."),
        ({"pattern": SECRETIVE}, "a", f"This has to match the pattern {SECRETIVE}."),
        ({"anyOf": [AGE, {"type": "null"}]}, "soon", "This has to look like 12d."),
        ({"type": "integer"}, "x", "This has to be a whole number, such as 12."),
        ({"type": "integer", "minimum": 100}, "x", "This has to be a whole number, such as 100."),
        ({"type": ["integer", "string"]}, [], "This has to be a whole number or a text, such as 12."),
        ({"type": "boolean"}, "x", "This has to be true or false."),
        ({"minimum": 1}, 0, "This has to be 1 or more, such as 1."),
        ({"minimum": 1, "maximum": 10}, 11, "This has to be between 1 and 10, such as 1."),
        ({"exclusiveMinimum": 0, "maximum": 1}, 0, "This has to be more than 0 and 1 or less, such as 1."),
        ({"multipleOf": 0.01}, 1.234, "This can have at most 2 digits after the point, such as 1.23."),
        ({"multipleOf": 1e-308}, 1e308, "This can have at most 308 digits after the point."),
        ({"multipleOf": 10**399}, 5, f"{f'This has to be a multiple of {10**399}'[:260]}...."),
        ({"multipleOf": 3}, 10**399, "This has to be a multiple of 3."),
        ({"multipleOf": 5, "minimum": 7}, 8, "This has to be a multiple of 5, such as 10."),
        ({"minLength": 3, "maxLength": 5}, "x", "This has to have 3 to 5 characters; it has 1."),
        ({"maxLength": 1}, "xx", "This has to have at most 1 character; it has 2."),
        ({"minItems": 2}, [1], "This has to have at least 2 entries; it has 1."),
        ({"uniqueItems": True}, [1, 1], "This has the same entry twice."),
        ({"enum": ["a", 1, None]}, "c", "This has to be one of these: a, 1, null."),
        ({"oneOf": [{"const": "a"}, {"const": "b"}]}, "c", "This has to be one of these: a, b."),
        ({"const": "a"}, "c", "This has to be a."),
        ({"format": "date"}, "x", "This has to be a date, such as 2030-01-31."),
        ({"format": "email"}, "x", "This has to be an e-mail address, such as somebody@example.com."),
        ({"items": {"type": "integer"}}, ["x"], "entry 1: This has to be a whole number, such as 12."),
        ({"required": ["street"]}, {}, "street: This is missing."),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, "This takes no b; it takes a."),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, 'This also needs "b".'),
        ({"not": {"const": 1}}, 1, "This is not one of the values that are taken here."),
    ],
)  # fmt: skip
def test_a_sentence_says_what_is_wanted(schema: JSON, value: JSON, sentence: str) -> None:
    assert problem(schema, value) == sentence


def test_a_very_long_list_of_values_is_counted() -> None:
    assert problem({"enum": [f"v{n}" for n in range(20)]}, "x").endswith("v7 and 12 more.")


@pytest.mark.parametrize(
    ("pattern", "made"),
    [
        (r"^\d{4}-\d{2}$", "1234-12"),
        (r"^[A-Z]{2}\d{2}[A-Z0-9]{4,30}$", "AB121234"),
        (r"^(low|high)$", "low"),
        (r"^https?://\S+", "https://ab"),
        (r"^#[0-9a-fA-F]{6}$", "#123456"),
        (r"^[a-z]+(?:-[a-z]+)*$", "ab-ab"),
        (r"^v\d+\.\d+\.\d+$", "v12.12.12"),
        (SECRETIVE, None),
        ("^$", None),
        ("(", None),
        ("[", None),
        ("a{2", None),
        ("x" * 400, None),
        (r"^\d{5000}$", None),
    ],
)
def test_a_simple_pattern_has_an_example_that_matches_it(pattern: str, made: str | None) -> None:
    assert patterns.example(pattern) == made
    assert made is None or re.search(pattern, made)
