"""A value that fits a schema, for an example that people can send as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import jsonschema

from bot.approvals.model.ids import JSON
from bot.engines import patterns, schemas

_FORMATS: Final[dict[str, JSON]] = {
    "date": "2030-01-31",
    "date-time": "2030-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "somebody@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_MAX_LEVELS: Final = 5


def sample(schema: Mapping[str, JSON]) -> JSON:
    """A value that fits, as far as the schema shows: an example or the default, if there is one."""
    return _sample(schemas.inlined(schema), 0)


def _sample(schema: Mapping[str, JSON], depth: int) -> JSON:
    for key in ("examples", "enum"):
        if isinstance(listed := schema.get(key), list) and listed:
            return listed[0]
    for key in ("const", "default"):
        if schema.get(key) is not None:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        options = [each for each in _list(schema.get(key)) if isinstance(each, dict) and each.get("type") != "null"]
        if options and depth < _MAX_LEVELS:
            return _sample(options[0], depth + 1)
    kind = schema.get("type")
    kind = next((each for each in kind if each != "null"), "") if isinstance(kind, list) else kind
    match kind:
        case "string":
            return _text(schema)
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case "array":
            item = schema.get("items")
            fewest = schema.get("minItems", 1)
            one = _sample(item, depth + 1) if isinstance(item, dict) and depth < _MAX_LEVELS else "value"
            return [one] * (fewest if isinstance(fewest, int) else 1)
        case "object":
            return _object(schema, depth)
        case _:
            return "VALUE"


def _object(schema: Mapping[str, JSON], depth: int) -> JSON:
    properties = cast("dict[str, Any]", schema.get("properties") or {})
    if not properties:
        return {"key": "value"} if schema.get("additionalProperties", True) is True else {}
    needed = cast("list[str]", schema.get("required") or [])
    return {name: _sample(properties.get(name) or {}, depth + 1) for name in needed} if depth < _MAX_LEVELS else {}


def _text(schema: Mapping[str, JSON]) -> JSON:
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and (made := patterns.example(pattern)) is not None:
        return made
    known = _FORMATS.get(str(schema.get("format", "")), "STRING")
    fewest, most = schema.get("minLength"), schema.get("maxLength")
    text = str(known)
    if isinstance(fewest, int) and len(text) < fewest:
        text += "X" * (fewest - len(text))
    return text[:most] if isinstance(most, int) else text


def _number(schema: Mapping[str, JSON]) -> JSON:
    """The first number that fits, out of some plain numbers and those near its limits."""
    limits = [schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")]
    beside = [limit + step for limit in limits if isinstance(limit, int | float) for step in (0, 1, -1)]
    checks = jsonschema.Draft202012Validator(cast("dict[str, Any]", schema))
    return next((each for each in (1, *beside) if checks.is_valid(each)), 1)


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
