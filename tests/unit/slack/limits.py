"""What Slack takes, written from its documentation and not from our code: raises on whatever breaks a limit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

TEXT_OF = {
    "header": 150,
    "button": 75,
    "option": 75,
    "title": 24,
    "label": 2000,
    "hint": 2000,
    "placeholder": 150,
}


def check_message(text: str, blocks: list[dict[str, Any]]) -> None:
    """A message that chat.postMessage and chat.update take."""
    assert 0 < len(text) <= 3000
    assert 0 < len(blocks) <= 50
    assert len(json.dumps(blocks, separators=(",", ":"))) <= 10_000
    for block in blocks:
        assert block["type"] in {"header", "section", "context", "actions", "rich_text", "divider"}
        _check_block(block)


def check_modal(view: Mapping[str, Any]) -> None:
    """A view that views.open takes."""
    assert view["type"] == "modal"
    assert 0 < len(view["callback_id"]) <= 255
    assert len(view["private_metadata"]) <= 3000
    for name in ("title", "submit", "close"):
        if name in view:
            _check_plain(view[name], 24)
    assert 0 < len(view["blocks"]) <= 100
    assert len(json.dumps(view)) <= 250_000
    ids = [block["block_id"] for block in view["blocks"] if "block_id" in block]
    assert len(ids) == len(set(ids))
    if any(block["type"] == "input" for block in view["blocks"]):
        assert "submit" in view
    for block in view["blocks"]:
        assert block["type"] in {"header", "section", "context", "actions", "rich_text", "divider", "input"}
        _check_block(block)


def texts(node: Any, kind: str) -> Iterator[str]:
    """Every text of this kind: `mrkdwn`, `plain_text` or rich text's `text`."""
    if isinstance(node, dict):
        if node.get("type") == kind and isinstance(node.get("text"), str):
            yield node["text"]
        for value in node.values():
            yield from texts(value, kind)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from texts(value, kind)


def buttons(blocks: Any) -> list[dict[str, Any]]:
    """All buttons, in the order shown."""
    found = []
    for block in blocks:
        candidates = [block.get("accessory"), *(block.get("elements") or [])]
        found += [each for each in candidates if isinstance(each, dict) and each.get("type") == "button"]
    return found


def _check_block(block: Mapping[str, Any]) -> None:
    assert len(block.get("block_id", "x")) in range(1, 256)
    match block["type"]:
        case "header":
            _check_plain(block["text"], 150)
        case "section":
            assert "text" in block or "fields" in block
            if "text" in block:
                _check_text(block["text"], 3000)
            fields = block.get("fields", [])
            assert len(fields) <= 10
            for each in fields:
                _check_text(each, 2000)
            if "accessory" in block:
                _check_element(block["accessory"])
        case "context":
            assert 0 < len(block["elements"]) <= 10
            for each in block["elements"]:
                _check_text(each, 3000)
        case "actions":
            assert 0 < len(block["elements"]) <= 25
            ids = [each["action_id"] for each in block["elements"]]
            assert len(ids) == len(set(ids))
            for each in block["elements"]:
                _check_element(each)
        case "input":
            _check_plain(block["label"], 2000)
            if "hint" in block:
                _check_plain(block["hint"], 2000)
            _check_element(block["element"])
        case "rich_text":
            assert block["elements"]
            for part in block["elements"]:
                _check_part(part)


def _check_element(element: Mapping[str, Any]) -> None:
    assert 0 < len(element["action_id"]) <= 255
    match element["type"]:
        case "button":
            _check_plain(element["text"], 30)
            assert 0 < len(element["value"]) <= 2000
            assert element.get("style", "primary") in {"primary", "danger"}
            if "confirm" in element:
                for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
                    _check_plain(element["confirm"][name], limit)
        case "plain_text_input":
            assert len(element.get("initial_value", "")) <= 3000
            assert 1 <= element.get("max_length", 1) <= 3000
            assert 0 <= element.get("min_length", 0) <= element.get("max_length", 3000)
            assert len(element.get("initial_value", "")) <= element.get("max_length", 3000)
            if "placeholder" in element:
                _check_plain(element["placeholder"], 150)
        case "number_input":
            assert isinstance(element["is_decimal_allowed"], bool)
            number = float if element["is_decimal_allowed"] else int
            least, most = (
                number(element.get("min_value", "-1" + "0" * 20)),
                number(element.get("max_value", "1" + "0" * 20)),
            )
            assert least <= most
            assert least <= number(element.get("initial_value", str(least))) <= most
        case "static_select" | "multi_static_select":
            options = element.get("options", [])
            if "option_groups" in element:
                assert not options
                assert 0 < len(element["option_groups"]) <= 100
                for group in element["option_groups"]:
                    _check_plain(group["label"], 75)
                    _check_options(group["options"], 100)
                    options = [*options, *group["options"]]
            else:
                _check_options(options, 100)
            assert element.get("initial_option", options[0]) in options
            chosen = element.get("initial_options", options[:1])
            assert chosen
            assert all(each in options for each in chosen)
            assert len(chosen) <= element.get("max_selected_items", 1 if "initial_options" not in element else 100)
            if "placeholder" in element:
                _check_plain(element["placeholder"], 150)
        case "radio_buttons":
            _check_options(element["options"], 10)
            assert element.get("initial_option", element["options"][0]) in element["options"]
        case "overflow":
            _check_options(element["options"], 5)
        case "users_select":
            _check_plain(element["placeholder"], 150)
        case "datepicker":
            date.fromisoformat(element.get("initial_date", "2026-03-04"))
        case "datetimepicker":
            assert len(str(element.get("initial_date_time", 1_000_000_000))) == 10
        case _:
            raise AssertionError(f"an element nobody expects: {element['type']}")


def _check_options(options: list[Mapping[str, Any]], most: int) -> None:
    assert 0 < len(options) <= most
    for each in options:
        _check_plain(each["text"], 75)
        assert 0 < len(each["value"]) <= 150


def _check_part(part: Mapping[str, Any]) -> None:
    if part["type"] == "rich_text_list":
        for line in part["elements"]:
            _check_part(line)
        return
    assert part["type"] in {"rich_text_section", "rich_text_preformatted", "rich_text_quote"}
    for run in part["elements"]:
        if run["type"] == "user":
            assert set(run) == {"type", "user_id"}
        elif run["type"] == "link":
            assert set(run) == {"type", "url", "text"}
            assert run["url"].startswith(("http://", "https://"))
            assert len(run["url"]) <= 3000
        elif run["type"] == "date":
            assert isinstance(run["timestamp"], int)
            assert run["format"]
            assert run["fallback"]
            assert part["type"] != "rich_text_preformatted"
        else:
            assert run["type"] == "text"
            assert 0 < len(run["text"]) <= 6000


def _check_text(text: Mapping[str, Any], limit: int) -> None:
    assert text["type"] in {"plain_text", "mrkdwn"}
    assert 0 < len(text["text"]) <= limit


def _check_plain(text: Mapping[str, Any], limit: int) -> None:
    assert text["type"] == "plain_text"
    assert 0 < len(text["text"]) <= limit
