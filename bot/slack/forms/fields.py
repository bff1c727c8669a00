"""One value of a form as an input of a modal, and the words that came back in it (`field_values` reads those).

A field knows how it is asked for and what it holds at first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, TypeAlias, assert_never

from bot.approvals.model.ids import JSON
from bot.slack import blocks, text
from bot.slack.blocks import Block, Element
from bot.slack.forms import elements, option_lists
from bot.slack.forms.notation import Wrong as Wrong

State: TypeAlias = Mapping[str, Any]
"""A submission's `view["state"]`."""

VALUE: Final = "value"
"""The action_id of every field's element. The block_id says which field it is."""
MAX_LABEL_CHARACTERS: Final = 300
MAX_HINT_CHARACTERS: Final = 600
MAX_PARTS: Final = 8
"""Of inputs over which one long text is spread, because Slack takes 3,000 characters in each."""
_MAX_PART_CHARACTERS: Final = 2800
"""Of the text in one part, so that there is room to add some."""


class Kind(Enum):
    """How a value is asked for."""

    LINE = auto()
    LONG = auto()
    LINES = auto()
    """A list of texts, one per line."""
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    ENUM = auto()
    SEVERAL = auto()
    """Any number of an enumeration's values."""
    DATE = auto()
    MOMENT = auto()
    JSON = auto()


SPREAD: Final = frozenset({Kind.LONG, Kind.LINES, Kind.JSON})
"""Kinds whose text may be spread over several inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value in a form. `initial` is shown, and comes back unchanged if nobody touched it."""

    block_id: str
    path: tuple[str, ...]
    """The keys that lead to its place in the form's value. Empty if it is the whole value."""
    kind: Kind
    schema: Mapping[str, JSON] = field(default_factory=dict)
    empty: tuple[JSON, ...] | None = None
    """Its value if it is left empty, or `()` if it then has none. None if it must not be left empty."""
    label: str = ""
    hint: str = ""
    initial: JSON = None
    holds: bool = False
    """Whether `initial` is a value (which may be null), rather than nothing."""
    masked: bool = False
    """Whether the field shows `shown` in place of `initial`, because that contains a secret."""
    shown: JSON = None

    @property
    def required(self) -> bool:
        return self.empty is None

    @property
    def name(self) -> str:
        """The name of the argument or property that it belongs to."""
        return self.path[0] if self.path else ""

    @property
    def choices(self) -> Sequence[JSON]:
        """The values to choose from, for `ENUM` and `SEVERAL`."""
        return option_lists.of(self.listing)

    @property
    def listing(self) -> Mapping[str, JSON]:
        """The schema that lists the choices."""
        items = self.schema.get("items")
        return items if self.kind is Kind.SEVERAL and isinstance(items, dict) else self.schema


def blocks_of(field: Field, *, typed: str | None = None) -> list[Block]:
    """The field's input blocks, several if a long text is spread. `typed` is what a person has already written."""
    shown = shown_words(field) if typed is None else typed
    parts = _spread(field, shown)
    label = text.label(field.label or field.name, MAX_LABEL_CHARACTERS) or "Value"
    made: list[Block] = []
    for number, part in enumerate(parts):
        words = label if len(parts) == 1 else f"{label} ({number + 1} of {len(parts)})"
        block: Block = {
            "type": "input",
            "block_id": _part_id(field, number),
            "label": blocks.plain(words, MAX_LABEL_CHARACTERS + 20),
            "element": _element(field, part, bounded=len(parts) == 1),
            "optional": not field.required or number > 0,
        }
        made.append(block)
    if field.hint:
        made[-1]["hint"] = blocks.plain(field.hint, MAX_HINT_CHARACTERS)
    return made


def typed(field: Field, state: State) -> str | None:
    """The words in the field. None if it was left empty."""
    if field.kind in SPREAD:
        return _joined(field, state)
    held = _held(field, state)
    match field.kind:
        case Kind.BOOLEAN | Kind.ENUM:
            option = held.get("selected_option")
            chosen = _chosen(field, [option] if option else [])
            return next(iter(chosen), None)
        case Kind.SEVERAL:
            chosen = _chosen(field, held.get("selected_options") or [])
            return json.dumps([json.loads(word) for word in chosen]) if chosen else None
        case Kind.DATE:
            words = held.get("selected_date")
        case Kind.MOMENT:
            words = held.get("selected_date_time")
        case _:
            words = held.get("value")
    return None if words is None or words == "" else str(words)


def words_of(field: Field) -> str:
    """The words in the field before anybody touches it, as `typed` would return them."""
    if not field.holds:
        return ""
    value = field.initial
    match field.kind:
        case Kind.JSON:
            return text.pretty(value)
        case Kind.LINES:
            return "\n".join(map(str, value)) if isinstance(value, list) else ""
        case Kind.ENUM | Kind.SEVERAL:
            return json.dumps(value)
        case Kind.MOMENT:
            return str(moment(value) or "")
        case _:
            return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def shown_words(field: Field) -> str:
    """The same words with masks in place of secrets."""
    return words_of(replace(field, initial=field.shown, masked=False)) if field.masked else words_of(field)


def masked_with(field: Field, shown: JSON) -> Field:
    """The field, showing this value in place of its own. If it is left as it is, the true value comes back."""
    if field.kind in (Kind.ENUM, Kind.SEVERAL) or shown == field.initial:
        return field
    plain = field.kind in (Kind.LINE, Kind.LONG, Kind.LINES, Kind.JSON)
    kind = field.kind if plain else Kind.LINE if isinstance(field.initial, str) else Kind.JSON
    return replace(field, kind=kind, schema={} if kind is not field.kind else field.schema, masked=True, shown=shown)


def can_hold(field: Field) -> bool:
    """Whether Slack can show the field's value and give the same back."""
    shown, value = words_of(field), field.initial
    if any("\ud800" <= character <= "\udfff" for character in shown):
        return False
    match field.kind:
        case Kind.LINE:
            return isinstance(value, str) and len(shown) <= blocks.INPUT_TEXT and "\n" not in shown
        case Kind.LONG:
            fits = isinstance(value, str)
        case Kind.LINES:
            texts = value if isinstance(value, list) else [None]
            fits = all(isinstance(each, str) and each.strip() and "\n" not in each for each in texts)
        case Kind.JSON:
            fits = True
        case Kind.INTEGER | Kind.NUMBER:
            return elements.number(field.schema, value, decimal=field.kind is Kind.NUMBER)
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.ENUM:
            return option_lists.position(field.choices, value) is not None
        case Kind.SEVERAL:
            return isinstance(value, list) and _in_order(field, value)
        case Kind.DATE:
            return isinstance(value, str) and elements.is_date(value)
        case Kind.MOMENT:
            return moment(value) is not None
        case _ as never:
            assert_never(never)
    return fits and all(len(part) <= blocks.INPUT_TEXT for part in _spread(field, shown))


def moment(value: JSON) -> int | None:
    """The value in Unix seconds, for Slack's time picker. None if the picker cannot show it."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None or not 1_000_000_000 <= at.timestamp() < 10_000_000_000:
        return None
    return int(at.timestamp())


def _chosen(field: Field, options: Sequence[Mapping[str, Any]]) -> list[str]:
    """The chosen values as JSON, in the order of the choices. Values that were never offered are left out."""
    if field.kind is Kind.BOOLEAN:
        return [str(option["value"]) for option in options if option["value"] in ("true", "false")]
    numbers = sorted(int(option["value"]) for option in options if str(option["value"]).isdecimal())
    return [json.dumps(field.choices[number]) for number in numbers if number < len(field.choices)]


def _held(field: Field, state: State, number: int = 0) -> Mapping[str, Any]:
    held: Mapping[str, Any] = state.get("values", {}).get(_part_id(field, number), {}).get(VALUE, {})
    return held


# --- Long texts over several inputs -------------------------------------------------------------


def _part_id(field: Field, number: int) -> str:
    return f"{field.block_id}+{number}" if number else field.block_id


def _spread(field: Field, words: str) -> list[str]:
    """The words in parts that each fit an input. They are cut at line ends, which the parts do not contain."""
    if field.kind not in SPREAD or len(words) <= blocks.INPUT_TEXT:
        return [words]
    parts: list[str] = []
    rest = words
    while len(rest) > _MAX_PART_CHARACTERS and len(parts) < MAX_PARTS - 1:
        end = rest.rfind("\n", 1, _MAX_PART_CHARACTERS)
        if end < 0:
            break
        parts.append(rest[:end])
        rest = rest[end + 1 :]
    return [*parts, rest]


def _joined(field: Field, state: State) -> str | None:
    """The parts, joined by line ends. Emptied parts are left out, unless they were empty before."""
    shown = _spread(field, shown_words(field))
    read = [_held(field, state, number).get("value") or "" for number in range(len(shown))]
    if len(shown) == 1:
        return str(read[0]) or None
    if [plain_lines(str(part)).strip() for part in read] == [plain_lines(part).strip() for part in shown]:
        return "\n".join(shown)
    return "\n".join(str(part) for part in read if part) or None


def plain_lines(words: str) -> str:
    """The words with one kind of line end, because Slack does not promise to keep them apart."""
    return words.replace("\r\n", "\n")


# --- Elements -----------------------------------------------------------------------------------


def _element(field: Field, shown: str, *, bounded: bool) -> Element:
    match field.kind:
        case Kind.LINE | Kind.LONG | Kind.LINES | Kind.JSON:
            bounds = field.schema if field.kind in (Kind.LINE, Kind.LONG) and bounded else {}
            return elements.words(VALUE, shown, bounds, long=field.kind is not Kind.LINE, required=field.required)
        case Kind.INTEGER | Kind.NUMBER:
            return elements.numeric(VALUE, shown, field.schema, decimal=field.kind is Kind.NUMBER)
        case Kind.BOOLEAN:
            options = [blocks.option("Yes", "true"), blocks.option("No", "false")]
            return elements.radio(VALUE, options, {"true": 0, "false": 1}.get(shown))
        case Kind.ENUM:
            start = option_lists.position(field.choices, field.initial) if field.holds else None
            typed = next((n for n, each in enumerate(field.choices) if shown in (each, json.dumps(each))), start)
            return elements.select(VALUE, option_lists.labels(field.listing), typed)
        case Kind.SEVERAL:
            listed = field.initial if isinstance(field.initial, list) else []
            places = [option_lists.position(field.choices, each) for each in listed]
            numbers = [number for number in places if number is not None]
            return elements.selects(VALUE, option_lists.labels(field.listing), numbers, field.schema.get("maxItems"))
        case Kind.DATE:
            element: Element = {"type": "datepicker", "action_id": VALUE}
            return {**element, "initial_date": shown} if elements.is_date(shown) else element
        case Kind.MOMENT:
            element = {"type": "datetimepicker", "action_id": VALUE}
            return {**element, "initial_date_time": int(shown)} if shown.isdecimal() else element
        case _ as never:
            assert_never(never)


def _in_order(field: Field, values: Sequence[JSON]) -> bool:
    """Whether the menu can give back this very list: each value once, in the order of the choices."""
    numbers = [option_lists.position(field.choices, value) for value in values]
    known = [number for number in numbers if number is not None]
    return len(known) == len(numbers) and known == sorted(set(known))
