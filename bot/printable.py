"""Text that is safe in a terminal, a log or a spreadsheet: it cannot move the cursor, or hide or reorder other text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_PLAIN: Final = re.compile(r"[\x20-\x7e]*")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def printable(line: str) -> str:
    """The line with every control character, line end and invisible character written out, as in `\\x1b`."""
    if _PLAIN.fullmatch(line):
        return line
    return "".join(map(_written, line))


def lines(text: str) -> str:
    """The text with each line made printable. Its line ends stay, so it has to be a text of ours."""
    return "\n".join(map(printable, text.split("\n")))


def _written(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    code = ord(character)
    if code < 0x100:
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
