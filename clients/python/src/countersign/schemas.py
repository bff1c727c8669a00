"""A JSON Schema of a function's arguments, from its annotations, so that an edit cannot give them another type."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Union

_SIMPLE: Mapping[object, Mapping[str, object]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
}


def schema_of(function: Callable[..., Any], signature: inspect.Signature, hidden: Collection[str]) -> dict[str, object]:
    """The schema. A parameter with an annotation that has no simple schema takes any value."""
    try:
        hints = typing.get_type_hints(function)
    except Exception:  # an annotation may name what is imported for type checkers only
        hints = {}
    shown = {name: each for name, each in signature.parameters.items() if name not in hidden}
    named = [name for name, each in shown.items() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    return {
        "type": "object",
        "properties": {name: _of(hints.get(name)) for name in named},
        "required": named,
        "additionalProperties": len(named) < len(shown),
    }


def _of(hint: object) -> dict[str, object]:
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal and all(isinstance(each, (str, int, bool)) for each in arguments):
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        each_of = [_of(each) for each in arguments]
        return {"anyOf": each_of} if all(each_of) else {}
    if hint is list or origin is list:
        return {"type": "array", "items": _of(arguments[0])} if arguments else {"type": "array"}
    if hint is dict or origin is dict:
        return {"type": "object"}
    return {}
