"""Schemas that somebody else wrote hold nobody up: what would take too long is not checked, and the rest is checked."""

from __future__ import annotations

import pytest

from bot import schema_bounds
from bot.approvals.model.ids import JSON
from bot.engines import schemas
from bot.engines.questions import options

MANY: dict[str, JSON] = {"anyOf": [{} for _ in range(schema_bounds.MAX_NODES)]}
LEVELS = 24


def doubling(levels: int, place: str = "$defs") -> dict[str, JSON]:
    """A schema that is checked 2 ** levels times if its references are followed."""
    parts: dict[str, JSON] = {
        f"a{n}": {"allOf": [{"$ref": f"#/{place}/a{n + 1}"}, {"$ref": f"#/{place}/a{n + 1}"}]} for n in range(levels)
    }
    return {"$ref": f"#/{place}/a0", place: {**parts, f"a{levels}": {"type": "boolean"}}}


@pytest.mark.parametrize(
    "schema",
    [
        MANY,
        doubling(LEVELS),
        doubling(LEVELS, "properties"),
        {"$ref": "#x", "$defs": {"x": {"$anchor": "x"}}},
        {"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False},
    ],
)
def test_a_schema_that_takes_too_long_checks_nothing(schema: JSON) -> None:
    assert schemas.usable(schema) is None
    assert schemas.fits(schema, "whatever")


@pytest.mark.parametrize(
    "schema",
    [
        doubling(4),
        {"type": "object", "properties": {"part": {"$ref": "#"}, "first": {"$ref": "#/prefixItems/0/nowhere"}}},
        {"prefixItems": [{"type": "string"}], "items": {"$ref": "#/prefixItems/0"}},
        {"$ref": "https://example.com/schema"},
    ],
)
def test_a_schema_of_usual_size_may_refer_to_its_parts_and_to_itself(schema: JSON) -> None:
    assert schemas.usable(schema) == schema


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 60 + "!", False),
        ({"pattern": "^(a+)+$"}, "a" * 60, True),
        ({"pattern": "^(?=.*x)y"}, "yx", True),
        ({"pattern": "^(?=.*x)y"}, "y", False),
        ({"pattern": "^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,}$"}, "abcdefgh", False),
        ({"pattern": "^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,}$"}, "Abcdefg8", True),
        ({"pattern": "^(?=a)(a+)+$"}, "a" * 60 + "!", True),
        ({"pattern": "(?=a)" + "(?:a|a)" * 60 + "!"}, "a" * 60, True),
        ({"pattern": "^(?=.*x)y"}, "a" * 65, True),
        ({"pattern": "x"}, 5, True),
        ({"patternProperties": {"^(a+)+$": {"type": "null"}}}, {"a" * 60 + "!": 1, "aa": None}, True),
        ({"patternProperties": {"^(a+)+$": {"type": "null"}}}, {"aa": 1}, False),
        ({"patternProperties": {"x": False}}, ["x"], True),
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, {"aa": 1}, True),
        ({"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, {"a" * 60 + "!": 1}, False),
        ({"properties": {"b": {}}, "additionalProperties": {"type": "null"}}, {"b": 1, "c": None}, True),
        ({"uniqueItems": True}, [{"a": n} for n in range(20_000)], True),
        ({"uniqueItems": True}, [1, True, "1", [1]], True),
        ({"uniqueItems": True}, [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}], False),
        ({"uniqueItems": False}, [1, 1], True),
        ({"uniqueItems": True}, "aa", True),
    ],
)
def test_the_keywords_mean_what_they_always_meant(schema: JSON, value: JSON, fits: bool) -> None:
    assert schemas.fits(schema, value) is fits


def test_a_pattern_is_linear_unless_it_looks_around() -> None:
    assert schema_bounds.is_linear("^(a+)+$")
    assert not schema_bounds.is_linear("^(?=.*x)y")
    assert schema_bounds.pattern_that_looks_around({"items": [{"pattern": "a"}, {"pattern": "(?=x)"}]}) == "(?=x)"
    assert schema_bounds.pattern_that_looks_around({"patternProperties": {"a": {}, "(?!x)": {}}}) == "(?!x)"
    assert schema_bounds.pattern_that_looks_around({"properties": {"pattern": {"pattern": "a"}}}) is None


def test_many_labels_are_told_apart() -> None:
    assert options.labels(["a", "a", "a (2)", "b", "a"]) == ["a", "a (2)", "a (2) (2)", "b", "a (3)"]
    assert len(set(options.labels(["a"] * 20_000))) == 20_000
