"""What a person filled in: turns typed values into Slack's `state.values` and checks them.

Source: Slack, "View submission payload" and Block Kit reference, "Input block".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from simulator.blocks import interactive
from simulator.elements import options
from simulator.errors import UnknownPlace
from simulator.limits import PLAIN_TEXT_INPUT

Values = dict[str, dict[str, dict[str, Any]]]

_STATELESS = ("button", "overflow", "image", "workflow_button", "feedback_buttons", "icon_button")
_SINGLE = {
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
}
_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
REQUIRED = "Please complete this required field."


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What menus without options of their own offer: people, conversations, and what the app offered, by action_id.

    Looking up a person or a conversation raises `UnknownPlace` if there is none.
    """

    person: Callable[[str], str]
    channel: Callable[[str], str]
    offered: Callable[[str], list[dict[str, Any]]]


def elements(blocks: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each interactive element, with its block."""
    for block in blocks:
        for element in interactive(block):
            yield block, element


def find(
    blocks: list[dict[str, Any]], action_id: str, block_id: str | None, value: str | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Finds an element and its block. If several have this action_id, block_id or value decides."""
    fits = [
        (block, element)
        for block, element in elements(blocks)
        if element.get("action_id") == action_id and block_id in (None, block.get("block_id"))
    ]
    if len(fits) > 1 and value is not None:
        fits = [(block, element) for block, element in fits if element.get("value") == value]
    if len(fits) == 1:
        return fits[0]
    there = ", ".join(f"{b.get('block_id')}/{e.get('action_id')}" for b, e in elements(blocks)) or "none"
    raise UnknownPlace(f"{'no' if not fits else 'more than one'} element {action_id!r}; there are: {there}")


def initial(blocks: list[dict[str, Any]]) -> Values:
    """The state before anything was typed."""
    values: Values = {}
    for block, element in elements(blocks):
        if element["type"] not in _STATELESS:
            values.setdefault(block["block_id"], {})[element["action_id"]] = _untouched(element)
    return values


def filled(blocks: list[dict[str, Any]], before: Values, typed: Mapping[str, Any], directory: Directory) -> Values:
    """The state after these values were filled in.

    Keys are `block_id/action_id`, or either one if it is unambiguous. Values are what the person sees: a text, an
    option's value or text, a person's name, a list of them, a date.
    """
    values = {block_id: dict(actions) for block_id, actions in carried(blocks, before).items()}
    for key, value in typed.items():
        block, element = _meant(blocks, key)
        values[block["block_id"]][element["action_id"]] = chosen(element, value, directory)
    return values


def carried(blocks: list[dict[str, Any]], before: Values) -> Values:
    """The state after the blocks changed. An input keeps its text if its block_id and action_id are the same."""
    values = initial(blocks)
    for block_id, actions in before.items():
        for action_id, state in actions.items():
            if values.get(block_id, {}).get(action_id, {}).get("type") == state["type"]:
                values[block_id][action_id] = state
    return values


def chosen(element: dict[str, Any], value: Any, directory: Directory) -> dict[str, Any]:
    """The state of an element with `value` typed or chosen. Raises `UnknownPlace` if it is not offered."""
    kind = element["type"]
    if kind.endswith("external_select"):
        element = {**element, "options": directory.offered(element["action_id"])}
    if kind in _OPTION:
        return {"type": kind, "selected_option": None if value in (None, "") else _option(element, value)}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": [_option(element, one) for one in _several(element, value)]}
    if kind in _SINGLE:
        return {"type": kind, _SINGLE[kind][0]: _picked(element, value, directory)}
    if kind == "file_input":
        return {"type": kind, "files": value or []}
    if kind == "rich_text_input":
        return {"type": kind, "rich_text_value": value}
    return {"type": kind, "value": str(value) if value not in (None, "") else None}


def faults(blocks: list[dict[str, Any]], values: Values) -> dict[str, str]:
    """The errors that Slack's client shows before it submits a form, by block_id."""
    found: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        state = values[block["block_id"]][element["action_id"]]
        content = _content(state)
        if content in (None, "", []):
            if not block.get("optional"):
                found[block["block_id"]] = REQUIRED
        elif complaint := _complaint(element, content):
            found[block["block_id"]] = complaint
    return found


def _complaint(element: dict[str, Any], content: Any) -> str | None:
    match element["type"]:
        case "plain_text_input":
            most = element.get("max_length") or PLAIN_TEXT_INPUT
            if len(content) > most:
                return f"Must be at most {most} characters."
            if len(content) < (element.get("min_length") or 0):
                return f"Must be at least {element['min_length']} characters."
        case "number_input":
            return _number_complaint(element, content)
        case "email_text_input":
            return None if _EMAIL.fullmatch(content) else "Please enter a valid email address."
        case "url_text_input":
            return None if re.match(r"https?://\S+", content) else "Please enter a valid URL."
        case _:
            return None
    return None


def _number_complaint(element: dict[str, Any], content: str) -> str | None:
    try:
        number = float(content) if element["is_decimal_allowed"] else int(content)
    except ValueError:
        return "Please enter a valid number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Must be at least {element['min_value']}."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Must be at most {element['max_value']}."
    return None


def _content(state: dict[str, Any]) -> Any:
    return next((value for name, value in state.items() if name != "type"), None)


def _untouched(element: dict[str, Any]) -> dict[str, Any]:
    kind = element["type"]
    if kind in _OPTION:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": list(element.get("initial_options", []))}
    if kind in _SINGLE:
        name, start = _SINGLE[kind]
        return {"type": kind, name: element.get(start, [] if kind.startswith("multi_") else None)}
    if kind == "file_input":
        return {"type": kind, "files": []}
    return {"type": kind, "rich_text_value" if kind == "rich_text_input" else "value": element.get("initial_value")}


def _several(element: dict[str, Any], value: Any) -> list[Any]:
    wanted = value if isinstance(value, list) else [] if value in (None, "") else [value]
    most = element.get("max_selected_items")
    if most is not None and len(wanted) > most:
        raise UnknownPlace(f"{element.get('action_id')} accepts at most {most}")
    return wanted


def _picked(element: dict[str, Any], value: Any, directory: Directory) -> Any:
    kind = element["type"]
    find = directory.person if kind.endswith("users_select") else directory.channel
    if kind.startswith("multi_"):
        return [find(str(one)) for one in _several(element, value)]
    if value in (None, ""):
        return None
    if kind.endswith("_select"):
        return find(str(value))
    try:
        return _MOMENTS[kind](value)
    except ValueError:
        raise UnknownPlace(f"{element.get('action_id')} does not accept {value!r}") from None


_MOMENTS: Mapping[str, Callable[[Any], Any]] = {
    "datepicker": lambda value: date.fromisoformat(value).isoformat(),
    "timepicker": lambda value: time.fromisoformat(value).strftime("%H:%M"),
    "datetimepicker": int,
}


def _option(element: dict[str, Any], value: Any) -> dict[str, Any]:
    for option in options(element):
        if value in (option["value"], option["text"]["text"]):
            return option
    there = ", ".join(option["value"] for option in options(element))
    raise UnknownPlace(f"no option {value!r} in {element.get('action_id')}; there are: {there}")


def _meant(blocks: list[dict[str, Any]], key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    stateful = [(b, e) for b, e in elements(blocks) if e["type"] not in _STATELESS]
    for block, element in stateful:
        if key == f"{block['block_id']}/{element['action_id']}":
            return block, element
    fits = [(b, e) for b, e in stateful if key in (b["block_id"], e["action_id"])]
    if len(fits) == 1:
        return fits[0]
    there = ", ".join(f"{b['block_id']}/{e['action_id']}" for b, e in stateful) or "none"
    raise UnknownPlace(f"{'no' if not fits else 'more than one'} input {key!r}; there are: {there}")
