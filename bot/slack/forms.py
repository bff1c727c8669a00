"""JSON Schemas and JSON values as fields of a modal, and back.

A field knows how it is asked for, what it holds at first, and how to read what came back. What a person left as it
was comes back as the very value that it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Final, TypeAlias, assert_never

from bot.approvals.model import JSON
from bot.slack import blocks, text
from bot.slack.blocks import Block, Element

State: TypeAlias = Mapping[str, Any]
"""A submission's `view["state"]`."""

VALUE: Final = "value"
"""The action_id of every field's element: its block_id says which field it is."""
MOST_FIELDS: Final = 30
"""In one modal."""
_LONG: Final = 150
_SAFE: Final = 2**53
_LONG_FORMATS: Final = frozenset({"textarea", "multiline", "long-text", "markdown"})


class Kind(Enum):
    """How a value is asked for."""

    LINE = auto()
    LONG = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    ENUM = auto()
    DATE = auto()
    JSON = auto()


class Wrong(Exception):
    """What was typed is not a value of the field; `str()` may be shown beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value in a form. `initial` is shown, and returned untouched where nobody touched it."""

    block_id: str
    name: str
    kind: Kind
    schema: Mapping[str, JSON]
    required: bool = True
    label: str = ""
    hint: str = ""
    initial: JSON = None
    keeps_empty: bool = False
    """Whether text that was emptied is empty text, rather than nothing."""


def of_schema(
    block_id: str, name: str, schema: Mapping[str, JSON], *, required: bool, hint: str = "", initial: JSON = None
) -> Field:
    """The field that asks for a value of this JSON Schema."""
    plain = _without_null(schema)
    described = hint or str(plain.get("description") or "")
    start = plain.get("default") if initial is None else initial
    kind = _kind(plain)
    return Field(
        block_id=block_id,
        name=name,
        kind=kind,
        schema=plain,
        required=required,
        label=_label(name),
        hint=described or ("JSON" if kind is Kind.JSON else ""),
        initial=start,
    )


def of_value(block_id: str, name: str, value: JSON) -> Field | None:
    """The field that changes a value of this type; None where Slack could not take it and give it back whole."""
    match value:
        case bool():
            kind = Kind.BOOLEAN
        case int() if abs(value) <= _SAFE:
            kind = Kind.INTEGER
        case float() if math.isfinite(value) and abs(value) <= _SAFE and not (0 < abs(value) < 1e-4):
            kind = Kind.NUMBER
        case str():
            kind = Kind.LONG if len(value) > _LONG or "\n" in value else Kind.LINE
        case _:
            kind = Kind.JSON
    words = kind in (Kind.LINE, Kind.LONG)
    field = Field(
        block_id=block_id,
        name=name,
        kind=kind,
        schema={},
        required=not words,
        label=name,
        initial=value,
        keeps_empty=words,
    )
    shown = _shown(field)
    if len(shown) > blocks.INPUT_TEXT or any("\ud800" <= character <= "\udfff" for character in shown):
        return None
    unseen = text.unseen(shown)
    hints = ["JSON"] if kind is Kind.JSON else []
    hints += [f"Holds characters that cannot be seen: {text.listed(unseen, 5)}"] if unseen else []
    return replace(field, hint=". ".join(hints))


def block(field: Field, *, typed: str | None = None) -> Block:
    """The input block; `typed` is what a person has written before."""
    made: Block = {
        "type": "input",
        "block_id": field.block_id,
        "label": blocks.plain(field.label or field.name, 150),
        "element": _element(field, _shown(field) if typed is None else typed),
        "optional": not field.required,
    }
    if field.hint:
        made["hint"] = blocks.plain(field.hint, 300)
    return made


def read(field: Field, state: State) -> tuple[JSON, ...]:
    """The field's value out of a submission, none where it was left empty; `Wrong` where it is no such value."""
    words = typed(field, state)
    if words is not None:
        return (_value(field, words),)
    if field.required:
        raise Wrong("Please fill this in.")
    return ("",) if field.keeps_empty else ()


def _value(field: Field, words: str) -> JSON:
    if field.initial is not None and _unbroken(words) == _unbroken(_shown(field)):
        return field.initial
    match field.kind:
        case Kind.LINE | Kind.LONG | Kind.DATE:
            return words
        case Kind.INTEGER | Kind.NUMBER:
            return _number(field.kind, words)
        case Kind.BOOLEAN:
            return words == "true"
        case Kind.ENUM:
            return next((value for value in _enum(field.schema) if _word(value) == words), words)
        case Kind.JSON:
            return _parsed(words)
        case _ as never:
            assert_never(never)


def typed(field: Field, state: State) -> str | None:
    """What stands in the field, as words; None where it was left empty."""
    held = state.get("values", {}).get(field.block_id, {}).get(VALUE, {})
    if field.kind in (Kind.BOOLEAN, Kind.ENUM):
        option = held.get("selected_option")
        if option is None:
            return None
        value = str(option["value"])
        if field.kind is Kind.BOOLEAN:
            return value
        choices = _enum(field.schema)
        return _word(choices[int(value)]) if value.isdecimal() and int(value) < len(choices) else None
    words = held.get("selected_date") if field.kind is Kind.DATE else held.get("value")
    return None if words is None or words == "" else str(words)


# --- How it is asked for ------------------------------------------------------------------------


def _kind(schema: Mapping[str, JSON]) -> Kind:
    choices = _enum(schema)
    if choices and len(choices) <= blocks.OPTIONS:
        return Kind.ENUM
    match schema.get("type"):
        case "integer":
            return Kind.INTEGER
        case "number":
            return Kind.NUMBER
        case "boolean":
            return Kind.BOOLEAN
        case "string":
            return _words_kind(schema)
        case _:
            return Kind.JSON


def _words_kind(schema: Mapping[str, JSON]) -> Kind:
    if schema.get("format") == "date":
        return Kind.DATE
    longest = schema.get("maxLength")
    long = schema.get("format") in _LONG_FORMATS or (isinstance(longest, int) and longest > _LONG)
    return Kind.LONG if long else Kind.LINE


def _without_null(schema: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """`X | None` as X: leaving the field empty says None."""
    options = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(options, list):
        real = [option for option in options if isinstance(option, dict) and option.get("type") != "null"]
        if len(real) == 1:
            return {**{name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}, **real[0]}
    kinds = schema.get("type")
    if isinstance(kinds, list):
        named = [kind for kind in kinds if kind != "null"]
        return {**schema, "type": named[0]} if len(named) == 1 else schema
    return schema


def _element(field: Field, shown: str) -> Element:
    match field.kind:
        case Kind.LINE | Kind.LONG | Kind.JSON:
            return _words_element(field, shown)
        case Kind.INTEGER | Kind.NUMBER:
            return _number_element(field, shown)
        case Kind.BOOLEAN:
            options = [blocks.option("Yes", "true"), blocks.option("No", "false")]
            return _chosen("radio_buttons", options, {"true": 0, "false": 1}.get(shown))
        case Kind.ENUM:
            words = [_word(value) for value in _enum(field.schema)]
            options = [blocks.option(word, str(number)) for number, word in enumerate(words)]
            return _chosen("static_select", options, words.index(shown) if shown in words else None)
        case Kind.DATE:
            element: Element = {"type": "datepicker", "action_id": VALUE}
            return {**element, "initial_date": shown} if _is_date(shown) else element
        case _ as never:
            assert_never(never)


def _words_element(field: Field, shown: str) -> Element:
    element: Element = {"type": "plain_text_input", "action_id": VALUE, "multiline": field.kind is not Kind.LINE}
    longest, shortest = field.schema.get("maxLength"), field.schema.get("minLength")
    if isinstance(longest, int) and 0 < longest < blocks.INPUT_TEXT:
        element["max_length"] = longest
    if isinstance(shortest, int) and field.required and 0 < shortest <= blocks.INPUT_TEXT:
        element["min_length"] = shortest
    if shown:
        element["initial_value"] = shown[: blocks.INPUT_TEXT]
    return element


def _number_element(field: Field, shown: str) -> Element:
    element: Element = {
        "type": "number_input",
        "action_id": VALUE,
        "is_decimal_allowed": field.kind is Kind.NUMBER,
    }
    for ours, slacks in (("minimum", "min_value"), ("maximum", "max_value")):
        bound = field.schema.get(ours)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            element[slacks] = _word(bound)
    if _is_number(shown):
        element["initial_value"] = shown
    return element


def _chosen(kind: str, options: list[dict[str, Any]], initial: int | None) -> Element:
    element: Element = {"type": kind, "action_id": VALUE, "options": options}
    return element if initial is None else {**element, "initial_option": options[initial]}


def _label(name: str) -> str:
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


# --- Values as words ----------------------------------------------------------------------------


def _shown(field: Field) -> str:
    """What the field holds before anybody touches it."""
    if field.initial is None:
        return "null" if field.kind is Kind.JSON and not field.schema else ""
    if field.kind is Kind.JSON:
        try:
            return json.dumps(field.initial, indent=2, ensure_ascii=False)
        except RecursionError:
            return json.dumps(field.initial, ensure_ascii=False)
    return _word(field.initial)


def _unbroken(words: str) -> str:
    """With one kind of line end: Slack does not promise to keep them apart."""
    return words.replace("\r\n", "\n")


def _word(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _enum(schema: Mapping[str, JSON]) -> list[JSON]:
    if "const" in schema:
        return [schema["const"]]
    listed = schema.get("enum")
    return listed if isinstance(listed, list) else []


def _number(kind: Kind, words: str) -> JSON:
    try:
        if kind is Kind.INTEGER:
            return int(words)
        number = float(words)
    except ValueError:
        raise Wrong("This has to be a whole number." if kind is Kind.INTEGER else "This has to be a number.") from None
    if not math.isfinite(number):
        raise Wrong("This has to be a number.")
    return number


def _parsed(words: str) -> JSON:
    try:
        value: JSON = json.loads(words)
    except (ValueError, RecursionError) as error:
        where = f": line {error.lineno}, {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        raise Wrong(f"This is not JSON{where}.") from None
    return value


def _is_number(words: str) -> bool:
    try:
        return math.isfinite(float(words))
    except ValueError:
        return False


def _is_date(words: str) -> bool:
    return len(words) == 10 and words[4] == words[7] == "-" and words.replace("-", "").isdecimal()
