"""One value of a form as an input of a modal, and back.

A field knows how it is asked for, what it holds at first, and how to read what came back. What a person left as it
was comes back as the very value that it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, Final, TypeAlias, assert_never

from bot.approvals.model.ids import JSON
from bot.approvals.rules.masking import MASK
from bot.slack import blocks, text
from bot.slack.blocks import Block, Element
from bot.slack.forms import elements, notation, option_lists
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
    veiled: bool = False
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


def read(field: Field, state: State) -> tuple[JSON, ...]:
    """The field's value out of a submission, none where it was left empty; `Wrong` where it is no such value."""
    words = typed(field, state)
    if words is not None:
        return (_value(field, words),)
    if field.empty is None:
        raise Wrong("Please fill this in.")
    return field.empty


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
    return words_of(replace(field, initial=field.shown, veiled=False)) if field.veiled else words_of(field)


def masked_with(field: Field, shown: JSON) -> Field:
    """The field with this value in it instead of its own; what is left as it was is still the true one."""
    if field.kind in (Kind.ENUM, Kind.SEVERAL) or shown == field.initial:
        return field
    plain = field.kind in (Kind.LINE, Kind.LONG, Kind.LINES, Kind.JSON)
    kind = field.kind if plain else Kind.LINE if isinstance(field.initial, str) else Kind.JSON
    return replace(field, kind=kind, schema={} if kind is not field.kind else field.schema, veiled=True, shown=shown)


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


# --- Back to a value ----------------------------------------------------------------------------


def _value(field: Field, words: str) -> JSON:
    if field.holds and _unbroken(words) == _unbroken(shown_words(field)):
        return field.initial
    value = _read(field, words)
    if MASK in json.dumps(value, ensure_ascii=False) and MASK not in words_of(field):
        return _unmasked(value, dict(_behind(field.shown, field.initial)) if field.veiled else {})
    return value


def _behind(shown: JSON, true: JSON) -> Iterator[tuple[str, JSON]]:
    """Each text of a value that is shown under masks, with what is there in truth."""
    match shown, true:
        case dict(), dict():
            for (name, each), (true_name, true_each) in zip(shown.items(), true.items(), strict=True):
                yield name, true_name
                yield from _behind(each, true_each)
        case list(), list():
            for each, true_each in zip(shown, true, strict=True):
                yield from _behind(each, true_each)
        case str(), _ if shown != true:
            yield shown, true


def _unmasked(value: JSON, behind: Mapping[str, JSON]) -> JSON:
    """The value with the true one in the place of each text that was left under its mask; `Wrong` if a mask was
    changed, or stands where nothing was hidden."""
    match value:
        case str() if MASK in value:
            if value not in behind:
                raise Wrong(
                    f"A hidden part ({MASK}) was changed or moved. Leave it as it was, or write the whole value."
                )
            return behind[value]
        case dict():
            return {str(_unmasked(name, behind)): _unmasked(each, behind) for name, each in value.items()}
        case list():
            return [_unmasked(each, behind) for each in value]
        case _:
            return value


def _read(field: Field, words: str) -> JSON:
    match field.kind:
        case Kind.LINE | Kind.LONG | Kind.DATE:
            return words
        case Kind.LINES:
            return [line for line in _unbroken(words).split("\n") if line.strip()]
        case Kind.INTEGER | Kind.NUMBER:
            return notation.integer(words) if field.kind is Kind.INTEGER else _number(field, words)
        case Kind.BOOLEAN | Kind.ENUM | Kind.SEVERAL:
            value: JSON = json.loads(words)
            return value
        case Kind.MOMENT:
            return datetime.fromtimestamp(int(words), UTC).isoformat().replace("+00:00", "Z")
        case Kind.JSON:
            return _parsed(field, words)
        case _ as never:
            assert_never(never)


def takes_text(schema: Mapping[str, JSON]) -> bool:
    """Whether a text is a value of it, or anything is."""
    kinds = schema.get("type")
    if kinds is not None:
        return kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
    options = next((schema[key] for key in ("anyOf", "oneOf") if isinstance(schema.get(key), list)), None)
    if isinstance(options, list):
        return any(isinstance(each, dict) and takes_text(each) for each in options)
    return not schema


def _number(field: Field, words: str) -> JSON:
    """A whole number stays one where a number is changed that was one."""
    whole = isinstance(field.initial, int) and words.strip().lstrip("+-").isdecimal()
    return notation.integer(words) if whole else notation.number(words)


def _parsed(field: Field, words: str) -> JSON:
    """JSON. Where anything will do, words that are none are a text; what is changed stays of its kind, if no schema
    says what it may become."""
    kept = field.initial if not field.schema else None
    wanted = _EXAMPLES.get(type(kept), "")
    try:
        value = notation.parsed(words, notation.numbers(words_of(field)))
    except notation.NoJSON as wrong:
        free = takes_text(field.schema) and (kept is None or isinstance(kept, str))
        if free and words.strip()[:1] not in ("{", "[", '"'):
            return words
        raise Wrong(f"{wrong} {wanted or _example(field.schema)}") from None
    if wanted and value is not None and _kind(value) is not _kind(kept):
        raise Wrong(wanted)
    return value


_EXAMPLES: Final[Mapping[type, str]] = {
    list: "This has to be a list, for example [1, 2].",
    dict: 'This has to be an object, for example {"key": 1}.',
    str: 'This has to be a text in quotes, for example "12".',
    int: "This has to be a number, for example 12.",
    float: "This has to be a number, for example 12.5.",
    bool: "This has to be true or false.",
}
"""What a value has to stay, with an example."""


def _kind(value: JSON) -> type:
    return float if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _example(schema: Mapping[str, JSON]) -> str:
    kinds = {"array": list, "object": dict, "string": str, "integer": int, "number": float, "boolean": bool}
    return _EXAMPLES.get(kinds.get(str(schema.get("type")), type(None)), 'For example: ["a", 1].')


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
    if [_unbroken(str(part)).strip() for part in read] == [_unbroken(part).strip() for part in shown]:
        return "\n".join(shown)
    return "\n".join(str(part) for part in read if part) or None


def _unbroken(words: str) -> str:
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
