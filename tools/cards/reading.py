"""A drawing as lines of text, and its size: what the table has, and what tests limit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bot.cli.standard_cards.drawings import Drawing, Place
from bot.slack import blocks as block_kit
from bot.slack import button_width
from bot.slack.blocks import Block
from bot.slack.lines import NARROW as NARROW
from bot.slack.lines import WIDE as WIDE
from bot.slack.lines import lines
from tools.cards.workspace import WorkspaceDirectory, demo

_ENDLESS: Final = 10_000
"""A width at which no line wraps."""
_DATE: Final = re.compile(r"<!date\^(\d+)\^[^>]*>")
_ID: Final = re.compile(r"<(@|#|!subteam\^)([A-Z0-9]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much room a drawing takes."""

    wide: int
    """Lines of 60 characters."""
    narrow: int
    """Lines of 44 characters, as on a telephone."""
    rows: int
    """Rows of buttons and menus, by blocks."""
    row: int
    """Pixels of the widest row of buttons, in Slack's font. A telephone has room for `bot.slack.button_width.ROOM`."""
    buttons: int
    """Buttons and menus."""
    characters: int
    """Characters of its blocks on the wire."""


def size(drawing: Drawing) -> Size:
    shown = drawing.blocks
    rows = [block for block in shown if block["type"] == "actions"]
    return Size(
        wide=len(read(drawing, WIDE)),
        narrow=len(read(drawing, NARROW)),
        rows=len(rows),
        row=button_width.widest(shown),
        buttons=sum(len(block["elements"]) for block in rows) + sum("accessory" in block for block in shown),
        characters=block_kit.size(shown),
    )


def read(drawing: Drawing, width: int) -> list[str]:
    """Its lines at this width, with the names of people, groups and channels."""
    named = _named(drawing.blocks)
    match drawing.place:
        case Place.MESSAGE | Place.HOME:
            return lines(named, width)
        case Place.PRIVATE:
            words = {"type": "section", "text": {"type": "mrkdwn", "text": drawing.text}}
            return lines(_named([words]), width)
        case Place.MODAL:
            view = drawing.view or {}
            foot = [f"[{view[key]['text']}]" for key in ("close", "submit") if key in view]
            return [f"── {view['title']['text']} ──", *lines(named, width), " ".join(foot)]


def title(drawing: Drawing) -> str:
    """The words of its header, without the sign before them. Empty if it has no header."""
    header = next((str(block["text"]["text"]) for block in drawing.blocks if block["type"] == "header"), "")
    sign, _, words = header.partition(" ")
    return header if any(map(str.isalnum, sign)) else words


def notification(drawing: Drawing) -> str:
    """A message's text as a telephone notifies people of it: in one line, with names and dates as Slack writes them."""
    words = {"type": "section", "text": {"type": "mrkdwn", "text": drawing.text}}
    return " ".join(lines(_named([words]), _ENDLESS))


def paragraphs(drawing: Drawing) -> list[str]:
    """Its blocks as lines that wrap nowhere, with the real dates. Two columns are one line, far apart."""
    return lines(_named(drawing.blocks, dated=True), _ENDLESS)


def whole(drawing: Drawing) -> str:
    """It at both widths, and the text of its notification, as one text."""
    parts = [f"{drawing.card}: {drawing.name}"]
    if drawing.place is Place.MESSAGE:
        parts.append(f"notification: {drawing.text}")
    for width in (WIDE, NARROW):
        ruler = f"{'┄' * (width - 4)} {width}"
        parts.append("\n".join([ruler, *read(drawing, width)]))
    return "\n\n".join(parts) + "\n"


def texts(node: Any) -> Iterator[str]:
    """Every text that a drawing shows, in order."""
    if isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "plain_text", "text") and isinstance(node.get("text"), str):
            yield node["text"]
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from texts(value)


def _named(shown: Sequence[Block], *, dated: bool = False) -> list[Block]:
    """The blocks with the names of people, groups and channels; and with dates as words, if they are wanted."""
    directory = WorkspaceDirectory(workspace=demo())

    def mention(found: re.Match[str]) -> str:
        name = directory.name(found[2])[1:]
        return f"<{found[1]}{found[2]}|{name}>"

    def moment(found: re.Match[str]) -> str:
        return f"{datetime.fromtimestamp(int(found[1]), UTC):%b %d, %Y %H:%M}" if dated else found[0]

    def put(node: Any) -> Any:
        match node:
            case {"type": "mrkdwn", "text": str(words), **rest}:
                return {"type": "mrkdwn", "text": _DATE.sub(moment, _ID.sub(mention, words)), **rest}
            case {"type": "user", "user_id": str(id)}:
                return {"type": "text", "text": directory.name(id)}
            case {"type": "date", "timestamp": int(at)} if dated:
                return {"type": "text", "text": f"{datetime.fromtimestamp(at, UTC):%b %d, %Y %H:%M}"}
            case dict():
                return {key: put(value) for key, value in node.items()}
            case list() | tuple():
                return [put(each) for each in node]
            case _:
                return node

    return [put(block) for block in shown]
