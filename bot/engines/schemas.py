"""The JSON Schemas of interrupts: makes them self-contained for a form, and checks answers against them.

They come from graphs, and from servers that graphs talk to. So no reference out of a schema is followed. A schema that
cannot be used checks nothing, as in LangGraph itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

import referencing
from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import SchemaError, ValidationError
from referencing.exceptions import Unresolvable

from bot import schema_bounds
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.engines import schema_words

Schema: TypeAlias = Mapping[str, JSON]

MAX_PARTS: Final = 2_000
"""Of a schema whose references were replaced. Beyond this, the remaining references stay."""

_ANNOTATIONS: Final = ("title", "description", "default", "examples")
_OPEN: Final = frozenset({"$ref", "allOf", "anyOf", "const", "enum", "if", "oneOf", "patternProperties"})
"""With these keywords, an object without `properties` may still require some."""
_UNUSABLE: Final = (Unresolvable, re.error, RecursionError, ArithmeticError)
"""What a schema may raise when a value is checked, even though it looked valid."""


def _is_integer(_checker: object, value: object) -> bool:
    """An integer as JSON Schema defines it, except numbers such as 9.3e18, which Python's types take for no integer."""
    if isinstance(value, float):
        return value.is_integer() and abs(value) < 2**53
    return isinstance(value, int) and not isinstance(value, bool)


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "additionalProperties": schema_bounds.additional_properties,
        "pattern": schema_bounds.pattern,
        "patternProperties": schema_bounds.pattern_properties,
        "uniqueItems": schema_bounds.unique_items,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)


def usable(schema: JSON) -> Schema | None:
    """The schema, or None if no value can be checked against it, or not in a bounded time."""
    if not isinstance(schema, dict) or not schema_bounds.is_bounded(schema):
        return None
    return schema if _is_schema(json.dumps(schema)) else None


@lru_cache(maxsize=64)
def _is_schema(text: str) -> bool:
    """Whether this JSON is a schema. Each time that a question is read or answered, it is asked again."""
    try:
        Draft202012Validator.check_schema(json.loads(text))
    except (SchemaError, *_UNUSABLE):
        return False
    return True


def inlined(schema: Schema) -> dict[str, JSON]:
    """The schema with its references replaced by its own definitions, so that each part can be read alone.

    A schema that refers to itself, or that would grow too large, keeps the remaining references and its definitions.
    """
    definitions = {
        f"#/{place}/{name}": definition
        for place in ("$defs", "definitions")
        for name, definition in _mapping(schema.get(place)).items()
    }
    own = {key: part for key, part in schema.items() if key not in ("$defs", "definitions")}
    result = _mapping(_Inlining(definitions=definitions).of(own, ()))
    if _refers(result):
        result |= {place: schema[place] for place in ("$defs", "definitions") if place in schema}
    return result


def check(schema: JSON, value: JSON) -> None:
    """Raises InvalidAnswer, with the name of the field, if the value does not fit."""
    error = next(iter(problems(schema, value)), None)
    if error is not None:
        field, sentence = _said(error)
        raise InvalidAnswer(sentence, field)


def fits(schema: JSON, value: JSON) -> bool:
    return not problems(schema, value)


def problems(schema: JSON, value: JSON) -> list[ValidationError]:
    """Everything that is wrong with the value, in the order of its fields. Empty if the schema cannot be used."""
    known = usable(schema)
    if known is None:
        return []
    validator = _Validator(cast("dict[str, Any]", known), registry=referencing.Registry(), format_checker=FORMATS)
    try:
        return sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
    except _UNUSABLE:
        return []


def kind(schema: Schema) -> str:
    """The one JSON type that the schema takes, apart from null. Empty if it names several or none."""
    kinds = {name for name in _kinds(schema) if name != "null"}
    return kinds.pop() if len(kinds) == 1 else ""


def is_empty(schema: Schema) -> bool:
    """Whether it describes an object without properties, so that there is nothing to fill in."""
    return schema.get("type", "object") == "object" and schema.get("properties", {}) == {} and not _wants_more(schema)


def _wants_more(schema: Schema) -> bool:
    return (
        bool(_OPEN & set(schema))
        or schema.get("additionalProperties", False) is not False
        or schema.get("required", []) != []
    )


def nullable(schema: Schema) -> bool:
    """Whether the schema itself names null as a value."""
    return "null" in _kinds(schema) or None in _list(schema.get("enum"))


def _kinds(schema: Schema) -> Iterator[str]:
    named = schema.get("type")
    if isinstance(named, str):
        yield named
    if isinstance(named, list):
        yield from (str(each) for each in named)
    for each in _list(schema.get("anyOf")) + _list(schema.get("oneOf")):
        if isinstance(each, dict):
            yield from _kinds(each)


# --- References ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Inlining:
    """Replaces the references of one schema. `room` is the number of parts that it may still grow by."""

    definitions: Mapping[str, JSON]
    room: int = MAX_PARTS

    def of(self, part: JSON, within: tuple[str, ...]) -> JSON:
        """The part without references. `within` are the references that it was reached through."""
        self.room -= 1
        if isinstance(part, list):
            return [self.of(each, within) for each in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str) and reference in self.definitions:
            if reference in within or self.room <= 0:
                return part
            beside = {key: each for key, each in part.items() if key != "$ref"}
            return self.of({**_mapping(self.definitions[reference]), **beside}, (*within, reference))
        only = part.get("allOf")
        if isinstance(only, list) and len(only) == 1 and set(part) <= {"allOf", *_ANNOTATIONS}:
            beside = {key: each for key, each in part.items() if key != "allOf"}
            return self.of({**_mapping(only[0]), **beside}, within)
        return {key: self.of(each, within) for key, each in part.items()}


def _refers(part: JSON) -> bool:
    match part:
        case dict():
            return "$ref" in part or any(_refers(each) for each in part.values())
        case list():
            return any(_refers(each) for each in part)
        case _:
            return False


def _mapping(value: JSON) -> dict[str, JSON]:
    return value if isinstance(value, dict) else {}


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


# --- What is wrong, in words --------------------------------------------------------------------


def _said(error: ValidationError) -> tuple[str, str]:
    """The name of the field, and a sentence about it."""
    path = [f"entry {part + 1}" if isinstance(part, int) else part for part in error.absolute_path]
    sentence = f"This {schema_words.wanted(error)}"
    if error.validator == "required" and (missing := schema_words.missing(error)):
        path, sentence = [*path, missing], "This is missing"
    where = f"{'.'.join(path[1:])}: " if len(path) > 1 else ""
    return (path[0] if path else ""), f"{where}{_shortened(sentence)}."


def _shortened(message: str, longest: int = 260) -> str:
    return message if len(message) <= longest else f"{message[:longest]}..."


# --- Formats ------------------------------------------------------------------------------------

FORMATS: Final = FormatChecker(formats=["date", "email", "ipv4", "ipv6", "regex", "uuid"])
"""As strict as the strictest reader, so that no graph refuses a value for its format that passes here."""


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    """RFC 3339: a date, a time and the zone (jsonschema itself checks it only with another package)."""
    if not isinstance(value, str):
        return True
    whole = re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d", value)
    return whole is not None and datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or (":" in value and time.fromisoformat(value) is not None)
