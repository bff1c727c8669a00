"""Blocks as the lines of text that people see, at a width in characters. Pure.

A card has to be read at a glance, so its height counts. Slack lays blocks out in pixels and in fonts of its own; these
lines are what that comes to: words that wrap, fields in two columns, one row of buttons.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from textwrap import TextWrapper
from typing import Any, Final

from bot.slack.blocks import Block, Element

NARROW: Final = 44
"""Characters in a line on a telephone."""
WIDE: Final = 60
"""Characters in a line on a desk, where a card is compared with its limit of lines."""

_DATE: Final = re.compile(r"<!date\^\d+\^[^|>]*\|[^>]*>")
_DATE_SHOWN: Final = "tomorrow at 12:21 PM"
_MENTION: Final = re.compile(r"<(?:@|#|!subteam\^)([A-Z0-9]+)(?:\|([^>]*))?>")
_LINK: Final = re.compile(r"<[^|>]+\|([^>]+)>")
_INDENTS: Final = {"rich_text_quote": "│ ", "rich_text_preformatted": "  "}


def lines(blocks: Sequence[Block], width: int = WIDE) -> list[str]:
    """The lines of these blocks. Dates stand for as many characters as Slack writes; mentions are `@` and the id."""
    return [line for block in blocks for line in _block(block, width)]


def height(blocks: Sequence[Block], width: int = WIDE) -> int:
    """How many lines these blocks take."""
    return len(lines(blocks, width))


def _block(block: Block, width: int) -> list[str]:
    match block["type"]:
        case "header":
            return _wrapped(_words(block["text"]), _larger(width))
        case "section":
            beside = f"[{_label(block['accessory'])}]" if "accessory" in block else ""
            left = width - len(beside) - 1 if beside else width
            text = _wrapped(_words(block["text"]), left) if "text" in block else []
            fields = _columns([_words(field) for field in block.get("fields", [])], left)
            return _with_beside([*text, *fields], beside, left)
        case "context":
            return _wrapped("  ".join(_words(each) for each in block["elements"]), width)
        case "actions":
            return _wrapped(" ".join(f"[{_label(each)}]" for each in block["elements"]), width)
        case "rich_text":
            return [line for part in block["elements"] for line in _rich(part, width)]
        case "input":
            return [*_wrapped(_words(block["label"]), width), f"[{_label(block['element'])}]"]
        case "divider":
            return ["─" * width]
        case _:
            return [f"({block['type']})"]


def _rich(part: Element, width: int) -> list[str]:
    if part["type"] == "rich_text_list":
        numbered = part.get("style") == "ordered"
        rows: list[str] = []
        for number, row in enumerate(part["elements"], start=1):
            mark = f"{number}. " if numbered else "• "
            rest = _wrapped(_run(row), width - len(mark))
            rows += [f"{mark if at == 0 else ' ' * len(mark)}{line}" for at, line in enumerate(rest)]
        return rows
    indent = _INDENTS.get(part["type"], "")
    room = _larger(width) if part["type"] == "rich_text_preformatted" else width
    return [f"{indent}{line}" for line in _wrapped(_run(part), room - len(indent))]


def _run(part: Element) -> str:
    return "".join(_inline(each) for each in part.get("elements", []))


def _inline(element: Element) -> str:
    match element["type"]:
        case "date":
            return _DATE_SHOWN
        case "user":
            return f"@{element['user_id']}"
        case _:
            return str(element.get("text", ""))


def _larger(width: int) -> int:
    """How many characters fit if they are larger than those of a text: in a header, and in code."""
    return width * 5 // 6


def _columns(fields: Sequence[str], width: int) -> list[str]:
    """The fields side by side in two columns."""
    column = width // 2 - 1
    rows: list[str] = []
    for at in range(0, len(fields), 2):
        left = _wrapped(fields[at], column)
        right = _wrapped(fields[at + 1], column) if at + 1 < len(fields) else []
        for line in range(max(len(left), len(right))):
            pair = left[line] if line < len(left) else "", right[line] if line < len(right) else ""
            rows.append(f"{pair[0]:<{column + 2}}{pair[1]}".rstrip())
    return rows


def _with_beside(rows: list[str], beside: str, width: int) -> list[str]:
    """The rows with a button at the right of the first: it takes its room from all of them."""
    first, *rest = rows or [""]
    return [f"{first:<{width}} {beside}", *rest] if beside else rows


def _words(text: dict[str, Any]) -> str:
    words = str(text["text"])
    if text["type"] != "mrkdwn":
        return words
    words = _DATE.sub(_DATE_SHOWN, words)
    words = _MENTION.sub(lambda found: f"@{found[2] or found[1]}", words)
    words = re.sub(r"[*`]", "", _LINK.sub(r"\1", words))
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _label(element: Element) -> str:
    return str(element["text"]["text"]) if "text" in element else "⋯" if element["type"] == "overflow" else "▾"


def _wrapped(words: str, width: int) -> list[str]:
    return [line for paragraph in words.split("\n") for line in _paragraph(paragraph, width)]


def _paragraph(words: str, width: int) -> list[str]:
    if len(words) <= width and words.isprintable():  # as `TextWrapper` has it, at a tenth of the cost
        return [words.rstrip(" ")]
    return _wrapper(width).wrap(words) or [""]


@lru_cache(maxsize=64)
def _wrapper(width: int) -> TextWrapper:
    return TextWrapper(width, replace_whitespace=False)
