"""Values that fit a schema, for an example that people can send as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, cast

import jsonschema

from bot.approvals.model.agent import allowed
from bot.approvals.model.ids import JSON
from bot.engines import patterns, schemas

_FORMATS: Final[dict[str, JSON]] = {
    "date": "2030-01-31",
    "date-time": "2030-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_MAX_LEVELS: Final = 5
_MAX_CANDIDATES: Final = 20
_MAX_CHARACTERS: Final = 200
_MAX_ENTRIES: Final = 20


def sample(schema: Mapping[str, JSON]) -> JSON:
    """A value that fits, as far as the schema shows: an example or the default, if there is one."""
    return next(samples(schema))


def samples(schema: Mapping[str, JSON]) -> Iterator[JSON]:
    """Values to choose from, at least one: those that fit, or if none was found, the one that comes nearest."""
    return _fitting(schemas.inlined(schema), 0)


def _fitting(schema: Mapping[str, JSON], depth: int) -> Iterator[JSON]:
    checks = jsonschema.Draft202012Validator(cast("dict[str, Any]", schema))
    found = list(islice(_candidates(schema, depth), _MAX_CANDIDATES)) or ["VALUE"]
    fit = [each for each in found if _fits(checks, each)]
    yield from fit or found[:1]


def _fits(checks: jsonschema.Draft202012Validator, value: JSON) -> bool:
    try:
        return bool(checks.is_valid(value))
    except Exception:
        return False


def _candidates(schema: Mapping[str, JSON], depth: int) -> Iterator[JSON]:
    """Examples, the default, what the schema lists, then what its type makes likely."""
    yield from _list(schema.get("examples"))
    if schema.get("default") is not None:
        yield schema["default"]
    yield from allowed(schema)
    for key in ("anyOf", "oneOf", "allOf"):
        options = [each for each in _list(schema.get(key)) if isinstance(each, dict) and each.get("type") != "null"]
        rest = {name: value for name, value in schema.items() if name not in (key, "examples", "default")}
        if key == "allOf" and options:
            options = [{name: value for option in options for name, value in option.items()}]
        for option in options if depth < _MAX_LEVELS else []:
            yield from _fitting({**rest, **option}, depth + 1)
    kinds = schema.get("type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        yield from _of_type(kind, schema, depth)


def _of_type(kind: JSON, schema: Mapping[str, JSON], depth: int) -> Iterator[JSON]:
    match kind:
        case "string":
            yield from _texts(schema)
        case "integer" | "number":
            yield from _numbers(schema)
        case "boolean":
            yield False
            yield True
        case "array":
            yield from _arrays(schema, depth)
        case "object":
            yield from _objects(schema, depth)
        case _:
            return


def _arrays(schema: Mapping[str, JSON], depth: int) -> Iterator[JSON]:
    fewest, item = schema.get("minItems", 1), schema.get("items")
    number = min(max(fewest, 1), _MAX_ENTRIES) if isinstance(fewest, int) else 1
    first = [
        next(_fitting(each, depth + 1)) if isinstance(each, dict) and depth < _MAX_LEVELS else "value"
        for each in _list(schema.get("prefixItems"))
    ]
    each = list(_fitting(item, depth + 1)) if isinstance(item, dict) and depth < _MAX_LEVELS else ["value"]
    yield [*first, *each[:1] * max(number - len(first), 0)]
    yield [*first, *each[: max(number - len(first), 0)]]  # all different
    if not first and fewest in (0, 1):
        yield []


def _objects(schema: Mapping[str, JSON], depth: int) -> Iterator[JSON]:
    properties = cast("dict[str, Any]", schema.get("properties") or {})
    if not properties:
        yield {"key": "value"} if schema.get("additionalProperties", True) is True else {}
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict) and depth < _MAX_LEVELS:
            yield {"key": next(_fitting(additional, depth + 1))}
        return
    if depth >= _MAX_LEVELS:
        yield {}
        return
    for names in (cast("list[str]", schema.get("required") or []), list(properties)):
        yield {name: next(_fitting(properties.get(name) or {}, depth + 1)) for name in names}


def _texts(schema: Mapping[str, JSON]) -> Iterator[JSON]:
    fewest, most, pattern = schema.get("minLength"), schema.get("maxLength"), schema.get("pattern")
    if isinstance(pattern, str) and (made := patterns.example(pattern)) is not None:
        yield made
        if isinstance(fewest, int) and 0 < len(made) < fewest <= _MAX_CHARACTERS:
            yield made + made[-1] * (fewest - len(made))
    text = str(_FORMATS.get(str(schema.get("format", "")), "STRING"))
    if isinstance(fewest, int) and len(text) < fewest:
        text += "X" * (fewest - len(text))
    yield text[:most] if isinstance(most, int) else text


def _numbers(schema: Mapping[str, JSON]) -> Iterator[JSON]:
    """Plain numbers and those near the limits."""
    limits = [schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf")]
    yield 1
    numbers = [limit for limit in limits if isinstance(limit, int | float) and not isinstance(limit, bool)]
    step, low = schema.get("multipleOf"), next(iter(numbers), 1)
    if isinstance(step, int | float) and step > 0:
        yield (low // step + 1) * step
    for limit in numbers:
        yield from (limit, limit + 1, limit - 1)
    if len(numbers) > 1:
        yield (numbers[0] + numbers[1]) / 2


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
