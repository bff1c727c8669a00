"""The choices of a JSON Schema that lists its values: by `enum`, by `const`, or by alternatives of one value each (MCP
calls those with titles "titled enumerations").

What a choice is called is the title of its alternative, or stands in a list beside `enum` (`_NAMES`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from bot.approvals.model.ids import JSON

Schema: TypeAlias = Mapping[str, JSON]

_NAMES: Final = (
    "enumNames",
    "x-enumNames",
    "x-enum-titles",
    "enum_titles",
    "enumDescriptions",
    "x-enum-descriptions",
    "x-enumDescriptions",
    "x-enum-varnames",
)
"""The keys under which schemas name the values of their `enum`, in common use (MCP, react-jsonschema-form, NSwag,
OpenAPI generators, VS Code). The first that has a name for each value counts."""


def of(schema: Schema) -> Sequence[JSON]:
    """The values that a schema lists. Empty if it lists none."""
    if "const" in schema:
        return [schema["const"]]
    listed = schema.get("enum")
    return listed if isinstance(listed, list) else [each["const"] for each in _constants(schema)]


def labels(schema: Schema) -> list[str]:
    """What each value is called, followed by the value itself if two would read alike."""
    values = of(schema)
    words = [name or _word(value) for name, value in zip(_names(schema), values, strict=True)]
    alike = {word for word in words if words.count(word) > 1} if len(set(words)) < len(words) else set()
    return [_told_apart(word, value) if word in alike else word for word, value in zip(words, values, strict=True)]


def name_of(schema: Schema, value: JSON) -> str:
    """What the schema calls this value. Empty if it does not list it, or has no name for it."""
    number = position(of(schema), value)
    return "" if number is None else _names(schema)[number]


def position(values: Sequence[JSON], value: JSON) -> int | None:
    """The position of the value, compared to the letter: true is not 1. None if it is not there."""
    word = json.dumps(value, sort_keys=True)
    return next((n for n, each in enumerate(values) if json.dumps(each, sort_keys=True) == word), None)


def _names(schema: Schema) -> list[str]:
    """The schema's own name for each of its values, empty for a value without a name."""
    values = of(schema)
    if "const" in schema:
        title = schema.get("title")
        return [title.strip() if isinstance(title, str) else ""]
    if "enum" in schema:
        options = schema.get("options")
        places = [schema, options if isinstance(options, dict) else {}]
        found = (_listed(place.get(key), values) for key in _NAMES for place in places)
        return next(filter(None, found), [""] * len(values))
    titles = [each.get("title") for each in _constants(schema)]
    return [title.strip() if isinstance(title, str) else "" for title in titles]


def _listed(names: JSON, values: Sequence[JSON]) -> list[str]:
    """A name for each value, from a list in their order or an object by value. Empty if it does not name them all."""
    if isinstance(names, dict):
        names = [names.get(_word(value)) for value in values]
    whole = isinstance(names, list) and len(names) == len(values)
    named = (
        [each.strip() for each in names if isinstance(each, str) and each.strip()] if isinstance(names, list) else []
    )
    return named if whole and len(named) == len(values) else []


def _constants(schema: Schema) -> list[Mapping[str, JSON]]:
    """The alternatives, if each of them is one value. Otherwise empty."""
    for key in ("oneOf", "anyOf"):
        listed = schema.get(key)
        if isinstance(listed, list) and listed:
            constants = [each for each in listed if isinstance(each, dict) and "const" in each]
            return list(constants) if len(constants) == len(listed) else []
    return []


def _word(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _told_apart(word: str, value: JSON) -> str:
    exact = json.dumps(value, ensure_ascii=False)
    return exact if word == _word(value) else f"{word} ({exact})"
