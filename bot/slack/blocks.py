"""Block Kit, in the few pieces that cards and modals are made of. Each keeps its own limits (Slack: Block Kit)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from bot.approvals.model.ids import Person, Program
from bot.slack import text

Block: TypeAlias = dict[str, Any]
Element: TypeAlias = dict[str, Any]

MESSAGE_BLOCKS: Final = 50
MODAL_BLOCKS: Final = 100
SECTION_TEXT: Final = 3000
HEADER_TEXT: Final = 150
BUTTON_TEXT: Final = 30
"""Slack takes 75 and shows about 30."""
TITLE_TEXT: Final = 24
INPUT_TEXT: Final = 3000
OPTION_TEXT: Final = 75
OPTIONS: Final = 100
MENU_OPTIONS: Final = 5
RICH_TEXT: Final = 2900
PIECE: Final = 2500
"""Characters in one block: 2,900 and less are safe in a rich_text element."""


def size(blocks: Sequence[Block]) -> int:
    """The characters of the blocks on the wire, where every character outside ASCII counts six."""
    return len(json.dumps(blocks, separators=(",", ":")))


def plain(words: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text.label(words, limit) or "-", "emoji": False}


def mrkdwn(words: str) -> dict[str, Any]:
    """Our own words; anything else in them is escaped already. `verbatim` stops Slack from linking names in them."""
    return {"type": "mrkdwn", "text": words[:SECTION_TEXT], "verbatim": True}


def header(words: str) -> Block:
    return {"type": "header", "text": plain(words, HEADER_TEXT)}


def section(words: str, accessory: Element | None = None) -> Block:
    block: Block = {"type": "section", "text": mrkdwn(words)}
    return block if accessory is None else {**block, "accessory": accessory}


def context(*words: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(each) for each in words if each][:10]}


def actions(buttons: Sequence[Element]) -> list[Block]:
    """The buttons in a row, or no block if there are no buttons."""
    return [{"type": "actions", "elements": list(buttons)}] if buttons else []


def button(
    words: str, action_id: str, value: str, *, style: str = "", confirm: Mapping[str, Any] | None = None
) -> Element:
    made: Element = {
        "type": "button",
        "text": plain(words, BUTTON_TEXT),
        "action_id": action_id,
        "value": value,
    }
    if style:
        made["style"] = style
    if confirm is not None:
        made["confirm"] = dict(confirm)
    return made


def menu(action_id: str, options: Sequence[Mapping[str, Any]]) -> list[Element]:
    """A menu behind three dots (Slack: overflow), or nothing if there are no options."""
    return [{"type": "overflow", "action_id": action_id, "options": list(options)[:MENU_OPTIONS]}] if options else []


def confirmation(title: str, words: str, yes: str) -> dict[str, Any]:
    return {
        "title": plain(title, 100),
        "text": plain(words, 300),
        "confirm": plain(yes, 30),
        "deny": plain("Go back", 30),
    }


def option(words: str, value: str, note: str = "") -> dict[str, Any]:
    made = {"text": plain(words, OPTION_TEXT), "value": value}
    return {**made, "description": plain(note, OPTION_TEXT)} if note else made


def divider() -> Block:
    return {"type": "divider"}


# --- rich text, in which Slack parses nothing ---------------------------------------------------


def rich(*parts: Element) -> Block:
    return {"type": "rich_text", "elements": list(parts)}


def apart(block: Block) -> list[Block]:
    """The block; if it is rich text, split into several blocks that are each short enough."""
    if block["type"] != "rich_text":
        return [block]
    made: list[list[Element]] = [[]]
    for part in block["elements"]:
        if made[-1] and size([*made[-1], part]) > PIECE * 2:
            made.append([])
        made[-1].append(part)
    return [{**block, "elements": parts} for parts in made]


def line(*runs: Element) -> Element:
    return {"type": "rich_text_section", "elements": list(runs)}


def quote(*runs: Element) -> Element:
    return {"type": "rich_text_quote", "elements": list(runs)}


def code(words: str) -> Element:
    return {"type": "rich_text_preformatted", "elements": [run(words)]}


def bullets(lines: Sequence[Element], *, ordered: bool = False) -> Element:
    return {"type": "rich_text_list", "style": "ordered" if ordered else "bullet", "elements": list(lines)}


def run(words: str, *styles: str) -> Element:
    """Literal text; styles are bold, italic, code."""
    made: Element = {"type": "text", "text": words or " "}
    return {**made, "style": dict.fromkeys(styles, True)} if styles else made


def who(one: Person | Program) -> Element:
    """A mention of a person, or the name of a program. Slack notifies a person of a new message that holds it."""
    if isinstance(one, Program):
        return run(text.label(one.name, text.MAX_NAME_CHARACTERS), "bold")
    return {"type": "user", "user_id": one.user_id}


def link(url: str, words: str) -> Element:
    return {"type": "link", "url": url, "text": words}


def date(at: datetime, form: str, fallback: str) -> Element:
    """A moment in the reader's own time zone, with what clients that cannot show it write instead."""
    return {"type": "date", "timestamp": int(at.timestamp()), "format": form, "fallback": fallback}


def split(whole: str) -> list[str]:
    """The whole text in pieces that each fit a rich text element, cut at line ends if possible."""
    made: list[str] = []
    rest = whole
    while len(rest) > PIECE:
        end = rest.rfind("\n", 1, PIECE) + 1
        end = end if end > PIECE // 2 else PIECE
        made.append(rest[:end])
        rest = rest[end:]
    return [*made, rest] if rest or not made else made
