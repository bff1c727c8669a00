"""Tables and paragraphs for a terminal, which fit its width. What is cut ends in `…`."""

from __future__ import annotations

import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from bot.printable import printable

GAP: Final = "  "
CUT: Final = "…"
LEAST: Final = ((2, 20), (4, 40), (0, 28), (4, 24), (2, 10), (0, 20))
"""How the lists give way: the graph, then what is going on, then the id."""
_LABEL: Final = 12
"""Columns for the label of a fact."""


def width() -> int:
    """The columns of the terminal. 120 if the output is not a terminal. COLUMNS overrides both."""
    return max(shutil.get_terminal_size((120, 24)).columns, 60)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], columns: int, least: Sequence[tuple[int, int]]) -> str:
    """The rows under their heads. If they do not fit, the columns in `least` are made narrower, one after the other,
    each down to the number of characters beside it. A column that is named again is made narrower still."""
    cells = [[*head], *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(shown, column)) for column in zip(*cells, strict=True)]
    for column, at_least in least:
        over = sum(widths) + len(GAP) * (len(widths) - 1) - columns
        if over > 0:
            widths[column] = max(widths[column] - over, min(at_least, widths[column]))
    lines = (GAP.join(_padded(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "".join(f"{line}\n" for line in lines)


def fact(label: str, words: str, columns: int) -> str:
    """A labelled fact, on as many lines as it takes. Empty if there is nothing to say."""
    return paragraph(words, columns, label.ljust(_LABEL), " " * _LABEL) if words else ""


def offer(command: str, does: str, columns: int) -> str:
    """A command on a line of its own, however long it is, so that it can be copied; below it, what it does."""
    return f"  {printable(command)}\n{paragraph(does, columns, '      ', '      ')}"


def paragraph(words: str, columns: int, first: str = "", rest: str = "") -> str:
    """The words on as many lines as they take; `first` and `rest` come before the first line and the others."""
    lines = textwrap.wrap(
        printable(words), columns, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )
    return "".join(f"{line}\n" for line in lines)


def shown(text: str) -> int:
    """How many columns the text takes: signs of East Asia take two, accents that stand on another letter none."""
    return sum(0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def cut(text: str, columns: int) -> str:
    """The text, cut to this width."""
    if shown(text) <= columns:
        return text
    while text and shown(text) > columns - 1:
        text = text[:-1]
    return text.rstrip() + CUT


def _padded(cell: str, columns: int) -> str:
    kept = cut(cell, columns)
    return kept + " " * (columns - shown(kept))
