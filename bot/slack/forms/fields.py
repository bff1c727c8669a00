"""One value of a form as an input of a modal, and back.

A field knows how it is asked for, what it holds at first, and how to read what came back. What a person left as it
was comes back as the very value that it was.
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
"""The action_id of every field's element: its block_id says which field it is."""
LABEL: Final = 300
HINT: Final = 600
PARTS: Final = 8
"""Inputs over which one long text is spread: Slack takes 3,000 characters in each."""
_PART: Final = 2800
"""Characters of a part, which leaves room to add some."""


class Kind(Enum):
    """How a value is asked for."""

    LINE = auto()
    LONG = auto()
    LINES = auto()
    """A list of texts, one in a line."""
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    ENUM = auto()
    SEVERAL = auto()
    """Any of an enumeration."""
    DATE = auto()
    MOMENT = auto()
    JSON = auto()


SPREAD: Final = frozenset({Kind.LONG, Kind.LINES, Kind.JSON})
"""Kinds that may take several inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value in a form. `initial` is shown, and returned untouched where nobody touched it."""

    block_id: str
    path: tuple[str, ...]
    """Where in the form's value it belongs; empty where it is the whole."""
    kind: Kind
    schema: Mapping[str, JSON] = field(default_factory=dict)
    empty: tuple[JSON, ...] | None = None
    """What it is where it was left empty, `()` being nothing; None where that is refused."""
    label: str = ""
    hint: str = ""
    initial: JSON = None
    holds: bool = False
    """Whether `initial` is a value; null may be one."""
    masked: bool = False
    """Whether `shown` stands in the field in place of `initial`, as that holds a secret."""
    shown: JSON = None

    @property
    def required(self) -> bool:
        return self.empty is None

    @property
    def name(self) -> str:
        """Of the argument or property that it is of, or is a part of."""
        return self.path[0] if self.path else ""

    @property
    def choices(self) -> Sequence[JSON]:
        """What can be chosen, of an `ENUM` or `SEVERAL`."""
        return option_lists.of(self.listing)

    @property
    def listing(self) -> Mapping[str, JSON]:
        """The schema that lists them."""
        items = self.schema.get("items")
        return items if self.kind is Kind.SEVERAL and isinstance(items, dict) else self.schema


def blocks_of(field: Field, *, typed: str | None = None) -> list[Block]:
    """Its input blocks, several where a long text is spread; `typed` is what a person has written before."""
    shown = shown_words(field) if typed is None else typed
    parts = _spread(field, shown)
    label = text.label(field.label or field.name, LABEL) or "Value"
    made: list[Block] = []
    for number, part in enumerate(parts):
        words = label if len(parts) == 1 else f"{label} ({number + 1} of {len(parts)})"
        block: Block = {
            "type": "input",
            "block_id": _part_id(field, number),
            "label": blocks.plain(words, LABEL + 20),
            "element": _element(field, part, bounded=len(parts) == 1),
            "optional": not field.required or number > 0,
        }
        made.append(block)
    if field.hint:
        made[-1]["hint"] = blocks.plain(field.hint, HINT)
    return made


def typed(field: Field, state: State) -> str | None:
    """What stands in the field, as words; None where it was left empty."""
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
    """What the field holds before anybody touches it, in the words that `typed` would return for it."""
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
    """The same words, with masks in the place of secrets."""
    return words_of(replace(field, initial=field.shown, masked=False)) if field.masked else words_of(field)


def masked_with(field: Field, shown: JSON) -> Field:
    """The field with this value in it instead of its own; what is left as it was is still the true one."""
    if field.kind in (Kind.ENUM, Kind.SEVERAL) or shown == field.initial:
        return field
    plain = field.kind in (Kind.LINE, Kind.LONG, Kind.LINES, Kind.JSON)
    kind = field.kind if plain else Kind.LINE if isinstance(field.initial, str) else Kind.JSON
    return replace(field, kind=kind, schema={} if kind is not field.kind else field.schema, masked=True, shown=shown)


def can_hold(field: Field) -> bool:
    """Whether Slack shows the field's value as it is and can give it back whole."""
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
    """The moment that Slack's picker shows for it, in seconds; None where it is none that it can show."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if at is None or at.tzinfo is None or not 1_000_000_000 <= at.timestamp() < 10_000_000_000:
        return None
    return int(at.timestamp())


def _chosen(field: Field, options: Sequence[Mapping[str, Any]]) -> list[str]:
    """The chosen values as JSON, in the order in which they are listed; what was never offered is none."""
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
    """The words in parts that fit an input each, cut at line ends, which the parts do not have any more."""
    if field.kind not in SPREAD or len(words) <= blocks.INPUT_TEXT:
        return [words]
    parts: list[str] = []
    rest = words
    while len(rest) > _PART and len(parts) < PARTS - 1:
        end = rest.rfind("\n", 1, _PART)
        if end < 0:
            break
        parts.append(rest[:end])
        rest = rest[end + 1 :]
    return [*parts, rest]


def _joined(field: Field, state: State) -> str | None:
    """The parts with line ends between them; a part that was emptied is gone, one that is as it was stays so."""
    shown = _spread(field, shown_words(field))
    read = [_held(field, state, number).get("value") or "" for number in range(len(shown))]
    if len(shown) == 1:
        return str(read[0]) or None
    if [plain_lines(str(part)).strip() for part in read] == [plain_lines(part).strip() for part in shown]:
        return "\n".join(shown)
    return "\n".join(str(part) for part in read if part) or None


def plain_lines(words: str) -> str:
    """With one kind of line end: Slack does not promise to keep them apart."""
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
    """Whether the menu gives back this very list: each once, in the order of the choices."""
    numbers = [option_lists.position(field.choices, value) for value in values]
    known = [number for number in numbers if number is not None]
    return len(known) == len(numbers) and known == sorted(set(known))
