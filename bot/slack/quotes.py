"""Splits a typed line into words at its spaces, except inside quotes, whichever language the quotes are from.

A quote opens at the beginning of a word or after its first `=`. Elsewhere it is a letter, as in don't, l'été and 5".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from bot.approvals.model.errors import CountersignError

_PAIRS: Final = (
    '""',
    "''",
    "\uff02\uff02",
    "\uff07\uff07",
    "\u05f4\u05f4",  # Hebrew
    "\u201c\u201d",  # English
    "\u2018\u2019",
    "\u201e\u201c\u201d",  # German; Polish
    "\u201a\u2018\u2019",
    "\u201d\u201d",  # Swedish
    "\u2019\u2019",
    "\u201f\u201d\u201c",
    "\u201b\u2019",
    "\u2e42\u201c\u201d",
    "\u00ab\u00bb",  # French
    "\u00bb\u00ab\u00bb",  # Danish; Finnish
    "\u2039\u203a",
    "\u203a\u2039\u203a",
    "\u300c\u300d",  # Japanese, and its wide and upright forms
    "\u300e\u300f",
    "\uff62\uff63",
    "\ufe41\ufe42",
    "\ufe43\ufe44",
    "\u301d\u301e\u301f",
    "\u275b\u275c",
    "\u275d\u275e",
    "\u276e\u276f",
    *(chr(first) + chr(first + 1) for first in (0x2E02, 0x2E04, 0x2E09, 0x2E0C, 0x2E1C, 0x2E20)),
)
"""An opening mark, and the marks that close it."""
_CLOSING: Final[Mapping[str, frozenset[str]]] = {marks[0]: frozenset(marks[1:]) for marks in _PAIRS}
_DOUBLE: Final = frozenset('"\uff02\u201c\u201d\u201e\u201f\u2e42')
_SINGLE: Final = frozenset("'\uff07\u2018\u2019\u201a\u201b")
_LETTERS_TOO: Final = _SINGLE | {"\u05f4"}
"""Between two letters, each of these counts as a letter."""
_NESTING: Final = frozenset(mark for mark, closing in _CLOSING.items() if mark not in closing) - _SINGLE
"""Marks that only open. They may stand inside quotes that end with the same mark."""
_SPACED: Final = frozenset("\u00ab\u00bb\u2039\u203a")
"""Inside these there may be spaces at both ends (French)."""
_INCHES: Final = frozenset('"\u201d')


class Unbalanced(CountersignError):
    """A quote is opened but not closed, or closed but not opened."""

    def __init__(self, mark: str, *, opened: bool) -> None:
        self.mark = mark
        self.opened = opened
        super().__init__("A quote is opened and not closed." if opened else "A quote is closed that was not opened.")


def split(line: str) -> list[str]:
    """The words of the line, without the quotes around them. Raises Unbalanced if a quote has no partner."""
    return list(_words(line))


def unquoted(sentence: str) -> str:
    """The sentence, without the quotes if it is quoted as a whole."""
    if sentence[:1] not in _CLOSING or _end(sentence, 0) != len(sentence) - 1:
        return sentence
    return _within(sentence, 0, len(sentence) - 1)


def _words(line: str) -> Iterator[str]:
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        word, at = _word(line, at)
        yield word


def _word(line: str, at: int) -> tuple[str, int]:
    """The word that begins here, and where it ends."""
    parts: list[str] = []
    loose = ""
    opens, named = True, False
    while at < len(line) and not line[at].isspace():
        mark = line[at]
        if opens and mark in _CLOSING:
            end = _end(line, at)
            if end is None:
                raise Unbalanced(mark, opened=True)
            parts.append(_within(line, at, end))
            at = end + 1
            continue
        parts.append(mark)
        loose += mark
        opens = mark == "=" and not named
        named = named or opens
        at += 1
    _refuse_loose(loose)
    return "".join(parts), at


def _end(line: str, start: int) -> int | None:
    """Where the quote that opens here closes: at its own closing mark, or at any mark of its kind, because some clients
    replace only one mark of a pair."""
    opening = line[start]
    kind = next((kind for kind in (_DOUBLE, _SINGLE) if opening in kind), frozenset[str]())
    end = _closed(line, start, _CLOSING[opening])
    return end if end is not None or not kind else _closed(line, start, kind)


def _closed(line: str, start: int, closing: frozenset[str]) -> int | None:
    within = [closing]
    for at in range(start + 1, len(line)):
        mark, before, after = line[at], line[at - 1], line[at + 1 : at + 2]
        begins = (before.isspace() or unicodedata.category(before) == "Ps") and after.strip()
        if begins and mark in _NESTING and _CLOSING[mark] & within[-1]:
            within.append(_CLOSING[mark])
        elif mark in within[-1] and not (mark in _LETTERS_TOO and after.isalnum()):
            within.pop()
            if not within:
                return at
    return None


def _within(line: str, start: int, end: int) -> str:
    inside = line[start + 1 : end]
    return inside.strip() if line[start] in _SPACED else inside


def _refuse_loose(word: str) -> None:
    """Raises Unbalanced if the word, without its quotes, ends in a closing mark that nothing in it opens."""
    last = word[-1:]
    doubled = sum(mark in _DOUBLE for mark in word)
    unopened = last in _ONLY_CLOSING and not _ONLY_CLOSING[last] & set(word[:-1])
    closes = unopened or (last in _DOUBLE and doubled % 2 == 1)
    if closes and not (last in _INCHES and word[-2:-1].isdigit()):
        raise Unbalanced(last, opened=False)


_ONLY_CLOSING: Final[Mapping[str, frozenset[str]]] = {
    mark: frozenset(opening for opening, closing in _CLOSING.items() if mark in closing)
    for marks in _PAIRS
    for mark in marks[1:]
    if mark not in _DOUBLE | _LETTERS_TOO
}
