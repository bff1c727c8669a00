"""How wide a row of buttons is on a telephone, in the font that Slack uses. Pure: no browser and no font are needed.

Slack writes in Lato. Few machines have it, and the fonts that stand in for it differ: DejaVu Sans Bold is 1.25 times as
wide. So the widths of Lato's own letters are here, and the measures of a button are those of the simulator's page. With
Lato, a browser finds the same widths to a pixel or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

from bot.slack.blocks import Block, Element

ROOM: Final = 322
"""Pixels for a message's blocks in a window of 390 pixels, beside the picture of who wrote it."""

GAP: Final = 8
"""Pixels between two buttons."""
_SIDES: Final = 2 * (12 + 1)
"""A button's padding and border."""
_MORE: Final = 32
"""The button of an overflow menu."""
_MENU: Final = 220
_WIDEST: Final = 280
"""At this width a button's text is cut."""
_FONT_SIZE: Final = 14
_UNKNOWN: Final = 1000
"""A letter that is not in the table is as wide as it is high, as a Chinese one or an emoji."""
_LATO_BOLD: Final = {
    letter: width
    for width, letters in {
        212: "'",
        220: "\u2019",
        234: ",",
        238: ".",
        243: " ",
        248: "l",
        254: "ij",
        258: ":",
        261: "|",
        270: ";",
        274: "()·",
        281: "!",
        296: "I",
        306: "{}",
        314: "[]",
        358: "f",
        372: "t",
        373: "-r",
        386: "“”",
        396: '"',
        400: "`",
        425: "*",
        430: "J",
        440: "s",
        460: "?z",
        466: "/\\_",
        482: "c",
        507: "a",
        520: "L",
        522: "x",
        528: "gvy",
        534: "ek",
        548: "S",
        564: "hnu",
        566: "F",
        568: "bdpq",
        574: "o",
        575: "E",
        580: "#$+0123456789<=>^~\u2013",
        600: "T",
        606: "Z",
        619: "P",
        643: "R",
        648: "Y",
        658: "B",
        662: "C",
        670: "X",
        686: "K",
        694: "AV",
        724: "&",
        726: "G",
        742: "U",
        760: "D",
        770: "HN",
        772: "…",
        802: "w",
        808: "OQ",
        820: "%",
        838: "m",
        844: "@",
        945: "M",
        1051: "W",
    }.items()
    for letter in letters
}
"""Thousandths of the font's size. Source: the advance widths of Lato Bold 2.007, without kerning."""


def widest(shown: Sequence[Block]) -> int:
    """The width in pixels of the widest row of buttons in these blocks. 0 if there is none."""
    return max((width(block["elements"]) for block in shown if block["type"] == "actions"), default=0)


def width(elements: Sequence[Element]) -> int:
    """The width in pixels of these buttons and menus side by side. In more than `ROOM` they wrap on a telephone."""
    return ceil(sum(map(_element, elements))) + GAP * max(len(elements) - 1, 0)


def of_row(labels: Sequence[str], *, menu: bool = False) -> int:
    """The width in pixels of buttons with these words side by side, and of a menu behind them."""
    widths = [*map(_button, labels), *([_MORE] if menu else [])]
    return ceil(sum(widths)) + GAP * max(len(widths) - 1, 0)


def _element(element: Element) -> float:
    match element["type"]:
        case "button":
            return _button(str(element["text"]["text"]))
        case "overflow":
            return _MORE
        case _:
            return _MENU


def _button(words: str) -> float:
    return min(_SIDES + _letters(words), _WIDEST)


def _letters(words: str) -> float:
    return sum(_LATO_BOLD.get(letter, _UNKNOWN) for letter in words) * _FONT_SIZE / 1000
