"""A text that matches a regular expression, for an example of an input whose schema has a `pattern`."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_PREFERRED: Final = (*_LETTERS, *_LETTERS.upper(), *"1234567890", *"-_.:/@,+ ", *map(chr, range(33, 127)))
_MAX_CHARACTERS: Final = 80
_parser: Final[Any] = importlib.import_module("re._parser")
"""The standard library's own reader of regular expressions. Nothing else is certain to read them as `re` does."""


def matching(pattern: str) -> str | None:
    """A short text in which the pattern is found. None if none was found, or if the pattern is none."""
    try:
        parsed = _parser.parse(pattern)
        made = _text(parsed, {})
        return made if len(made) <= _MAX_CHARACTERS and re.search(pattern, made) else None
    except (re.error, RecursionError, KeyError, OverflowError):
        return None


def _text(parts: Iterable[tuple[Any, Any]], groups: dict[int, str]) -> str:
    return "".join(_part(str(name), argument, groups) for name, argument in parts)


def _part(name: str, argument: Any, groups: dict[int, str]) -> str:
    match name:
        case "LITERAL":
            return chr(int(argument))
        case "NOT_LITERAL":
            return "a" if chr(int(argument)) != "a" else "b"
        case "ANY":
            return _LETTERS[0]
        case "IN":
            return _one_of(argument)
        case "BRANCH":
            return _text(argument[1][0], groups)
        case "SUBPATTERN":
            number, _, _, inside = argument
            made: str = _text(inside, groups)
            if number is not None:
                groups[number] = made
            return made
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            fewest, most, inside = argument
            return "".join(_text(inside, groups) for _ in range(min(max(fewest, 1), int(most), _MAX_CHARACTERS + 1)))
        case "ATOMIC_GROUP":
            return _text(argument, groups)
        case "GROUPREF":
            return str(groups.get(argument, ""))
        case _:  # anchors and looks ahead take no characters; whether they hold is seen at the end
            return ""


def _one_of(members: Any) -> str:
    """A character of the class: a letter or a digit if it has one."""
    pattern = _class(members)
    return next((each for each in _PREFERRED if pattern(each)), "")


def _class(members: Any) -> Callable[[str], bool]:
    negated = any(str(name) == "NEGATE" for name, _ in members)

    def holds(character: str) -> bool:
        return any(_is(str(name), argument, character) for name, argument in members) is not negated

    return holds


def _is(name: str, argument: Any, character: str) -> bool:
    match name:
        case "LITERAL":
            return ord(character) == int(argument)
        case "RANGE":
            return bool(argument[0] <= ord(character) <= argument[1])
        case "CATEGORY":
            return _CATEGORIES[str(argument)].fullmatch(character) is not None
        case _:
            return False


_CATEGORIES: Final = {
    "CATEGORY_DIGIT": re.compile(r"\d"),
    "CATEGORY_NOT_DIGIT": re.compile(r"\D"),
    "CATEGORY_SPACE": re.compile(r"\s"),
    "CATEGORY_NOT_SPACE": re.compile(r"\S"),
    "CATEGORY_WORD": re.compile(r"\w"),
    "CATEGORY_NOT_WORD": re.compile(r"\W"),
}
