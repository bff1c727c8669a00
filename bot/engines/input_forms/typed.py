"""A word that a person typed -> a value of an input's type, and what is said of a word that is none."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
from collections.abc import Callable, Mapping
from typing import Final, cast

import jsonschema

from bot.approvals.model.agent import allowed, as_typed
from bot.approvals.model.ids import JSON
from bot.engines import schema_words

_MAX_GIVEN_CHARACTERS: Final = 40
"""Of what a person typed, if it is named in a sentence."""


def value_of(word: str, schema: Mapping[str, JSON]) -> JSON:
    """What a person typed, as a value of the first of the schema's types that takes it. Raises ValueError, which says
    what was expected."""
    listed = {as_typed(value): value for value in allowed(schema)}
    if word in listed:
        return listed[word]
    match _alternatives(schema):
        case [{"type": "null"}, *others] | [*others, {"type": "null"}] if others:
            return value_of(word, {"anyOf": others})
        case [dict(only)]:
            return value_of(word, only)
        case [dict(first), *others] if others:
            with contextlib.suppress(ValueError):
                return value_of(word, first)
            return value_of(word, {"anyOf": others})
    match type_of(schema):
        case "string":
            return word
        case "integer":
            return _number(word, _integer, schema)
        case "number":
            return _number(word, _finite, schema)
        case "boolean":
            if word.lower() in ("true", "yes", "on", "1"):
                return True
            if word.lower() in ("false", "no", "off", "0"):
                return False
            raise ValueError(_refused(word, "has to be yes or no"))
        case "":
            return loose(word)
        case kind:
            try:
                return cast("JSON", json.loads(word, parse_float=_finite, parse_constant=_finite))
            except (ValueError, RecursionError):
                raise ValueError(_refused(word, schema_words.kind_in_json(schema, kind))) from None


def type_of(schema: Mapping[str, JSON]) -> str:
    """The first JSON type that is not null. Empty if the schema names none."""
    options = _alternatives(schema)
    if options:
        kinds = [type_of(option) for option in options if isinstance(option, dict)]
        return next((kind for kind in kinds if kind != "null"), "")
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return next((str(each) for each in kind if each != "null"), "")
    return str(kind)


def _alternatives(schema: Mapping[str, JSON]) -> list[JSON]:
    """The schemas of which a value fits one. Those that it must all fit count as one."""
    parts = schema.get("allOf")
    if isinstance(parts, list) and "type" not in schema:
        return [{name: value for part in parts if isinstance(part, dict) for name, value in part.items()}]
    options = schema.get("anyOf") or schema.get("oneOf")
    return options if isinstance(options, list) else []


def _number(word: str, number: Callable[[str], JSON], schema: Mapping[str, JSON]) -> JSON:
    try:
        return number(word)
    except ValueError:
        raise ValueError(_refused(word, schema_words.of_kind(schema, type_of(schema)))) from None


def _integer(word: str) -> int:
    """An integer that LangGraph can save. A longer one would make the run fail."""
    value = int(word)
    if not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _finite(word: str) -> float:
    """A number that JSON has, so neither NaN nor an infinity."""
    value = float(word)
    if not math.isfinite(value):
        raise ValueError
    return value


def loose(word: str) -> JSON:
    """The value of a word without a type: a list or an object if it is written as one, otherwise a text."""
    if word[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            return cast("JSON", json.loads(word, parse_float=_finite, parse_constant=_finite))
    return word


def pair(name: str, word: str) -> str:
    """The word behind its name, in quotes if it would otherwise be read as several."""
    if any(sign.isspace() for sign in name):
        return _in_quotes(f"{name}={word}")
    if not word or not any(sign.isspace() or sign in "\"'" for sign in word):
        return f"{name}={word}"
    return f"{name}={_in_quotes(word)}"


def _in_quotes(word: str) -> str:
    return f'"{word}"' if '"' not in word else shlex.quote(word)


def mismatch(error: jsonschema.ValidationError) -> str:
    """What an input cannot be, if that is short, and what it has to be."""
    path = [f"entry {part + 1}" if isinstance(part, int) else part for part in list(error.absolute_path)[1:]]
    where = f"is not right at {'.'.join(path)}: it " if path else ""
    wanted = schema_words.wanted(error)
    if where or not isinstance(error.instance, str | int | float):
        return f"{where}{wanted}"
    return _refused(error.instance if isinstance(error.instance, str) else json.dumps(error.instance), wanted)


def _refused(word: str, wanted: str) -> str:
    shown = word if len(word) <= _MAX_GIVEN_CHARACTERS else f"{word[:_MAX_GIVEN_CHARACTERS]}…"
    return f"cannot be `{' '.join(shown.split())}`: it {wanted}"
