"""The choices of a JSON Schema that lists its values: by `enum`, by `const`, or by alternatives of one value each (MCP
calls those with titles "titled enumerations")."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from bot.approvals.model.ids import JSON

Schema: TypeAlias = Mapping[str, JSON]


def of(schema: Schema) -> Sequence[JSON]:
    """The values that a schema lists. Empty if it lists none."""
    if "const" in schema:
        return [schema["const"]]
    listed = schema.get("enum")
    return listed if isinstance(listed, list) else [each["const"] for each in _constants(schema)]


def labels(schema: Schema) -> list[str]:
    """What each value is called, followed by the value itself if two would read alike."""
    values = of(schema)
    words = [_word(value) for value in values]
    for number, each in enumerate(_constants(schema) if "const" not in schema and "enum" not in schema else []):
        title = each.get("title")
        words[number] = title if isinstance(title, str) and title.strip() else words[number]
    alike = {word for word in words if words.count(word) > 1} if len(set(words)) < len(words) else set()
    return [_told_apart(word, value) if word in alike else word for word, value in zip(words, values, strict=True)]


def position(values: Sequence[JSON], value: JSON) -> int | None:
    """The position of the value, compared to the letter: true is not 1. None if it is not there."""
    word = json.dumps(value, sort_keys=True)
    return next((n for n, each in enumerate(values) if json.dumps(each, sort_keys=True) == word), None)


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
