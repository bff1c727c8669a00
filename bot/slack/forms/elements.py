"""The elements of a form's inputs, each within Slack's limits whatever the schema says (Slack: Block Kit, elements)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from bot.approvals.model.ids import JSON
from bot.slack import blocks
from bot.slack.blocks import Element

MAX_SAFE_INTEGER: Final = 2**53
"""A larger number may change on its way through JavaScript."""
MAX_OPTIONS: Final = blocks.OPTIONS * 10
"""Of a menu in groups. With more, nobody would read it and the view would be too large."""


def words(action_id: str, shown: str, schema: Mapping[str, JSON], *, long: bool, required: bool) -> Element:
    """A text field of one line, or of several if `long`."""
    element: Element = {"type": "plain_text_input", "action_id": action_id, "multiline": long}
    longest, shortest = _count(schema.get("maxLength")), _count(schema.get("minLength"))
    if longest is not None and max(len(shown), 1) <= longest < blocks.INPUT_TEXT:
        element["max_length"] = longest
    if required and shortest is not None and 0 < shortest <= element.get("max_length", blocks.INPUT_TEXT):
        element["min_length"] = shortest
    example = schema.get("examples")
    if isinstance(example, list) and example and isinstance(example[0], str) and example[0].strip():
        element["placeholder"] = blocks.plain(f"For example: {example[0]}", 150)
    if shown:
        element["initial_value"] = shown[: blocks.INPUT_TEXT]
    return element


def numeric(action_id: str, shown: str, schema: Mapping[str, JSON], *, decimal: bool) -> Element:
    element: Element = {"type": "number_input", "action_id": action_id, "is_decimal_allowed": decimal}
    least, most = _bounds(schema, decimal=decimal)
    if least is not None:
        element["min_value"] = _written(least)
    if most is not None:
        element["max_value"] = _written(most)
    if _reads(shown):
        element["initial_value"] = shown
    return element


def number(schema: Mapping[str, JSON], value: JSON, *, decimal: bool) -> bool:
    """Whether the input takes this number and gives the same number back."""
    if isinstance(value, bool) or not isinstance(value, int | float) or (isinstance(value, float) and not decimal):
        return False
    if not math.isfinite(value) or abs(value) > MAX_SAFE_INTEGER or (0 < abs(value) < 1e-4):
        return False
    least, most = _bounds(schema, decimal=decimal)
    return (least is None or least <= value) and (most is None or value <= most)


def radio(action_id: str, options: Sequence[Mapping[str, Any]], initial: int | None) -> Element:
    element: Element = {"type": "radio_buttons", "action_id": action_id, "options": list(options)}
    return element if initial is None else {**element, "initial_option": options[initial]}


def select(action_id: str, labels: Sequence[str], initial: int | None) -> Element:
    """A menu to choose one. The value of an option is its number."""
    options = [blocks.option(label, str(number)) for number, label in enumerate(labels[:MAX_OPTIONS])]
    element: Element = {"type": "static_select", "action_id": action_id, **listed(options)}
    return element if initial is None else {**element, "initial_option": options[initial]}


def selects(action_id: str, labels: Sequence[str], initial: Sequence[int], most: JSON) -> Element:
    """A menu to choose any number, at most `most`."""
    options = [blocks.option(label, str(number)) for number, label in enumerate(labels[:MAX_OPTIONS])]
    element: Element = {"type": "multi_static_select", "action_id": action_id, **listed(options)}
    if (longest := _count(most)) is not None and longest >= max(len(initial), 1):
        element["max_selected_items"] = longest
    return {**element, "initial_options": [options[number] for number in initial]} if initial else element


def is_date(words: str) -> bool:
    """Whether Slack's date picker takes it."""
    try:
        return len(words) == 10 and date.fromisoformat(words).isoformat() == words
    except ValueError:
        return False


def listed(options: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The options of a menu; more than a hundred, which is the limit of a list, are in groups."""
    size = blocks.OPTIONS
    if len(options) <= size:
        return {"options": list(options)}
    groups = [
        {
            "label": blocks.plain(f"{start + 1:,} to {min(start + size, len(options)):,}", 75),
            "options": list(options[start : start + size]),
        }
        for start in range(0, len(options), size)
    ]
    return {"option_groups": groups}


def _bounds(schema: Mapping[str, JSON], *, decimal: bool) -> tuple[float | None, float | None]:
    """The limits that Slack itself can check a number against. None if the schema contradicts itself."""
    least, most = _bound(schema.get("minimum")), _bound(schema.get("maximum"))
    if not decimal:
        least = None if least is None else math.ceil(least)
        most = None if most is None else math.floor(most)
    return (None, None) if least is not None and most is not None and least > most else (least, most)


def _bound(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and abs(value) <= MAX_SAFE_INTEGER and not 0 < abs(value) < 1e-4 else None


def _written(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _count(value: JSON) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _reads(words: str) -> bool:
    try:
        return math.isfinite(float(words)) and words.isascii()
    except ValueError:
        return False
