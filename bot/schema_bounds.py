"""Which JSON Schemas take a bounded time to check. They come from graphs and from programs, and whoever checks a value
against one holds up everybody else meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from pydantic_core import SchemaError, SchemaValidator, core_schema

JSON: TypeAlias = Any
_REPEATED_GROUP: Final = re.compile(r"\)[*+?{]")
_CHOICE: Final = re.compile(r"[*+{|]|(?<!\()\?")
"""What a search may try in several ways."""
_MAX_CHOICES: Final = 5
_MAX_SEARCHED_CHARACTERS: Final = 48
"""With so many choices, a search takes a few million steps at most."""

MAX_NODES: Final = 500
"""The lists and objects of a schema. Checking that a schema is one takes about a millisecond for each."""
MAX_VISITS: Final = 2_000
"""The lists and objects that a check reaches if it follows each reference as often as it is named."""
_UNBOUNDED: Final = ("$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "unevaluatedProperties")
"""Keywords by which a reference leads to a place that its text does not tell, or that search names for patterns in a
time that is not bounded."""


def is_bounded(schema: JSON) -> bool:
    """Whether the schema is small, and stays so if its references are followed. What refers to itself is counted
    once: a check goes round no more often than the value is deep."""
    for nodes, node in enumerate(_nodes(schema), 1):
        if nodes > MAX_NODES or (isinstance(node, dict) and any(key in node for key in _UNBOUNDED)):
            return False
    return _Visits(schema).of(schema, ()) <= MAX_VISITS


def is_linear(pattern: str) -> bool:
    """Whether a text can be searched for the pattern in a time that grows with its length alone."""
    return _linear(pattern) is not None


def pattern_that_looks_around(schema: JSON) -> str | None:
    """The first pattern in the schema that is not linear. None if all are."""
    for node in _nodes(schema):
        if isinstance(node, dict):
            named = node.get("patternProperties")
            patterns = [node.get("pattern"), *(named if isinstance(named, dict) else ())]
            found = next((each for each in patterns if isinstance(each, str) and not is_linear(each)), None)
            if found is not None:
                return found
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text. Raises re.error if it is none.

    A pattern that looks around is searched for in a short text, and if little in it can be read in several ways. Else
    the text is taken to match: whoever asked checks it again.
    """
    search = _linear(pattern)
    if search is not None:
        return search.isinstance_python(text)
    if len(text) > _MAX_SEARCHED_CHARACTERS or _REPEATED_GROUP.search(pattern):
        return True
    return len(_CHOICE.findall(pattern)) > _MAX_CHOICES or re.search(pattern, text) is not None


def pattern(_: Any, wanted: str, value: object, schema: object) -> Iterator[ValidationError]:  # noqa: ARG001
    """The keyword `pattern`, for jsonschema."""
    if isinstance(value, str) and not matches(wanted, value):
        yield ValidationError(f"{value!r} does not match {wanted!r}")


def pattern_properties(
    validator: Any,
    wanted: Mapping[str, Any],
    value: object,
    schema: object,  # noqa: ARG001
) -> Iterator[ValidationError]:
    """The keyword `patternProperties`, for jsonschema."""
    if not isinstance(value, dict):
        return
    for named, part in wanted.items():
        for name, each in value.items():
            if matches(named, name):
                yield from validator.descend(each, part, path=name, schema_path=named)


def additional_properties(
    validator: Any, wanted: Any, value: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """The keyword `additionalProperties`, for jsonschema."""
    named = schema.get("patternProperties") or {}
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if not any(matches(each, name) for each in named)}
    beside = {key: each for key, each in schema.items() if key != "patternProperties"}
    yield from Draft202012Validator.VALIDATORS["additionalProperties"](validator, wanted, value, beside)


def unique_items(_: Any, wanted: object, value: object, schema: object) -> Iterator[ValidationError]:  # noqa: ARG001
    """The keyword `uniqueItems`, for jsonschema, which compares each entry with each."""
    if wanted and isinstance(value, list) and len({_written(each) for each in value}) < len(value):
        yield ValidationError("It has the same entry twice")


def _written(value: object) -> str:
    """The value as text that is the same for equal values of JSON, in which 1 equals 1.0 and is not true."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: object) -> object:
    match value:
        case dict():
            return {name: _whole(each) for name, each in value.items()}
        case list():
            return [_whole(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


@lru_cache(maxsize=64)
def _linear(pattern: str) -> SchemaValidator | None:
    """The pattern for an engine that never goes back in a text. None if it needs one that does, as for `(?=...)`."""
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError:
        return None


def _nodes(part: JSON) -> Iterator[JSON]:
    left = [part]
    while left:
        each = left.pop()
        if isinstance(each, dict | list):
            yield each
            left += each.values() if isinstance(each, dict) else each


class _Visits:
    """How many lists and objects a check reaches, from each that is referred to."""

    def __init__(self, whole: JSON) -> None:
        self._whole = whole
        self._known: dict[str, int] = {}

    def of(self, part: JSON, within: tuple[str, ...]) -> int:
        visits = 0
        for node in _nodes(part):
            reference = node.get("$ref") if isinstance(node, dict) else None
            visits += 1 + (self._behind(reference, within) if isinstance(reference, str) else 0)
        return visits

    def _behind(self, reference: str, within: tuple[str, ...]) -> int:
        if reference in within or not reference.startswith("#"):
            return 0
        if reference not in self._known:
            self._known[reference] = self.of(self._at(reference), (*within, reference))
        return self._known[reference]

    def _at(self, reference: str) -> JSON:
        part = self._whole
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(part, dict):
                part = part.get(name)
            elif isinstance(part, list) and name.isdecimal() and int(name) < len(part):
                part = part[int(name)]
            else:
                return None
        return part
