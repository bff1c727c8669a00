"""Which field asks for a value: chosen by its JSON Schema, or without a schema by the type of its present value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from bot.approvals.model.ids import JSON
from bot.slack import display, text
from bot.slack.forms import elements, fields, option_lists
from bot.slack.forms.fields import Field, Kind

Schema: TypeAlias = Mapping[str, JSON]
Path: TypeAlias = tuple[str, ...]

MAX_LINE_CHARACTERS: Final = 150
"""A text that may be longer gets a field of several lines."""

_LONG_FORMATS: Final = frozenset({"textarea", "multiline", "long-text", "markdown"})
_LONG_NAMES: Final = frozenset(
    {"body", "comment", "comments", "content", "description", "draft", "feedback", "instructions", "message", "notes"}
)
_ANNOTATIONS: Final = ("title", "description", "default", "examples")


def of_schema(
    block_id: str,
    path: Path,
    schema: Schema,
    *,
    required: bool,
    hint: str = "",
    initial: JSON = None,
    label: str = "",
    whole: bool = False,
) -> Field:
    """The field that asks for a value of this JSON Schema. With `whole`, an object is asked for as JSON."""
    plain, nullable = without_null(schema)
    kind = _kind(path[-1] if path else "", plain)
    if whole and plain.get("type") == "object":
        kind = Kind.JSON
    start = plain.get("default") if initial is None else initial
    if start is None and required and "const" in plain:
        start = plain["const"]
    named = label or titled(path[-1] if path else "", plain)
    field = Field(
        block_id=block_id,
        path=path,
        kind=kind,
        schema=plain,
        label=named or "Answer",
        initial=start,
        holds=start is not None,
    )
    described = hint or text_of(plain.get("description"))
    if field.holds and not fields.can_hold(field):
        other = replace(field, kind=_wider(kind))
        held = type(start) is not bool and fields.can_hold(other)
        field = other if held else replace(field, initial=None, holds=False)
    return replace(
        field,
        empty=_empty(field, required=required, nullable=nullable),
        hint=" ".join(part for part in (described, _how(field, plain)) if part),
    )


def of_value(block_id: str, path: Path, value: JSON, schema: Schema | None = None) -> Field | None:
    """The field that changes a value, chosen by its schema or else its type. Returns None if Slack could not show the
    value and give the same back."""
    plain, nullable = without_null(schema or {})
    name = path[-1] if path else ""
    wanted = _kind(name, plain) if plain else Kind.JSON
    if value is None and wanted is not Kind.JSON:
        return of_schema(block_id, path, {**plain, "default": None}, required=False, label=name)
    kinds = [wanted] if wanted not in (Kind.JSON, Kind.LINE, Kind.LONG) else []
    made = [
        Field(block_id=block_id, path=path, kind=kind, schema=plain if kind in kinds else {}, initial=value, holds=True)
        for kind in (*kinds, *_kinds_of(name, value), Kind.JSON)
    ]
    field = next((each for each in made if fields.can_hold(each)), None)
    if field is None:
        return None
    shown = fields.words_of(field)
    unseen = text.unseen(shown)
    hints = [text_of(plain.get("description")), _how(field, {})]
    hints += [f"Contains invisible characters: {text.listed(unseen, 5)}"] if unseen else []
    empty: tuple[JSON, ...] | None = None
    if field.kind in (Kind.LINE, Kind.LONG):
        empty = ("",)
    elif field.kind in (Kind.LINES, Kind.SEVERAL):
        empty = ([],)
    elif nullable and field.kind is not Kind.JSON:
        empty = (None,)
    return replace(field, empty=empty, label=name, hint=". ".join(hint.rstrip(".") for hint in hints if hint))


def without_null(schema: Schema) -> tuple[Schema, bool]:
    """The schema of X for one of `X | None`, and whether None was allowed. Leaving the field empty then means None."""
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list):
            real = [option for option in options if isinstance(option, dict) and option.get("type") != "null"]
            if len(real) == 1:
                beside = {name: value for name, value in schema.items() if name != key}
                return {**real[0], **beside}, len(options) > 1
    kinds = schema.get("type")
    if isinstance(kinds, list):
        named = [kind for kind in kinds if kind != "null"]
        if len(named) == 1:
            return {**schema, "type": named[0]}, len(kinds) > 1
    return schema, False


def text_of(value: JSON) -> str:
    """The value if it is a text, else an empty text."""
    return value if isinstance(value, str) else ""


# --- How it is asked for ------------------------------------------------------------------------


def _kind(name: str, schema: Schema) -> Kind:
    listed = option_lists.of(schema)
    if listed and len(listed) <= elements.MAX_OPTIONS:
        return Kind.ENUM
    match schema.get("type"):
        case "integer":
            return Kind.INTEGER
        case "number":
            return Kind.NUMBER
        case "boolean":
            return Kind.BOOLEAN
        case "string":
            return _words_kind(name, schema)
        case "array":
            return _list_kind(schema)
        case _:
            return Kind.JSON


def _words_kind(name: str, schema: Schema) -> Kind:
    match schema.get("format"):
        case "date":
            return Kind.DATE
        case "date-time":
            return Kind.MOMENT
        case str() as known if known in _LONG_FORMATS:
            return Kind.LONG
    longest = schema.get("maxLength")
    if isinstance(longest, int):
        return Kind.LONG if longest > MAX_LINE_CHARACTERS else Kind.LINE
    return Kind.LONG if name.lower() in _LONG_NAMES else Kind.LINE


def _list_kind(schema: Schema) -> Kind:
    items = schema.get("items")
    if not isinstance(items, dict) or "prefixItems" in schema:
        return Kind.JSON
    listed = option_lists.of(items)
    if listed:
        return Kind.SEVERAL if len(listed) <= elements.MAX_OPTIONS else Kind.JSON
    return Kind.LINES if items.get("type") == "string" else Kind.JSON


def _kinds_of(name: str, value: JSON) -> list[Kind]:
    """The kinds of field that suit a value without a schema, best first."""
    match value:
        case bool():
            return [Kind.BOOLEAN]
        case int():
            return [Kind.INTEGER]
        case float():
            return [Kind.NUMBER]
        case str():
            long = len(value) > MAX_LINE_CHARACTERS or "\n" in value or name.lower() in _LONG_NAMES
            return [Kind.LONG] if long else [Kind.LINE, Kind.LONG]
        case [str(), *_]:
            return [Kind.LINES]
        case _:
            return []


def _wider(kind: Kind) -> Kind:
    """The kind for a default that does not fit its own kind. If it does not fit that either, it is not filled in."""
    match kind:
        case Kind.LINE | Kind.DATE | Kind.MOMENT:
            return Kind.LONG
        case Kind.LINES | Kind.SEVERAL:
            return Kind.JSON
        case _:
            return kind


def _empty(field: Field, *, required: bool, nullable: bool) -> tuple[JSON, ...] | None:
    if nullable and (required or field.holds):
        return (None,)
    if field.kind in (Kind.LINES, Kind.SEVERAL) and (field.initial or (required and not field.schema.get("minItems"))):
        return ([],)
    return None if required else ()


def _how(field: Field, schema: Schema) -> str:
    """A hint that says how to fill the field in."""
    match field.kind:
        case Kind.LINES:
            return "One per line."
        case Kind.MOMENT:
            return "In your time zone."
        case Kind.JSON if not schema:
            return "JSON."
        case Kind.JSON:
            rules = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
            return f"JSON that fits this schema: {json.dumps(rules, ensure_ascii=False)}" if rules else "JSON."
        case _:
            return ""


def label_of(name: str) -> str:
    """The name of a property in words."""
    return display.label(name)


def titled(name: str, schema: Schema, own: Mapping[str, str] | None = None) -> str:
    """What people call an argument: the label that the graph's owner chose, the schema's title, or its name in words.
    A title that is the name again, as Pydantic makes them, is no title."""
    title = " ".join(text_of(schema.get("title")).split())
    if (own and name in own) or not title or title.casefold() == display.label(name).casefold():
        return display.label(name, own)
    return title
