"""A text that matches a regular expression, for people who do not read regular expressions. Pure.

It understands what schemas of forms are made of: literals, classes, groups, alternatives and counts. Nothing that it
makes is returned unless it matches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

MAX_CHARACTERS: Final = 60
"""Of an example. A longer one would not help anybody."""
_MAX_PATTERN_CHARACTERS: Final = 300
_DIGITS: Final = "0123456789"
_SMALL: Final = "abcdefghijklmnopqrstuvwxyz"
_LARGE: Final = _SMALL.upper()
_PRINTED: Final = _SMALL + _LARGE + _DIGITS + "-_. /:,;@#+=!?()[]{}<>|~^$%&*'\"\\`"
_ESCAPES: Final = {"d": "1234567890", "w": _SMALL + _DIGITS + "_", "s": " ", "D": _SMALL, "S": _SMALL, "W": "-"}
"""Characters that the common escapes stand for, those that read best first."""
_BEST_FIRST: Final = "1234567890" + _SMALL + _LARGE


def example(pattern: str) -> str | None:
    """A text that matches, such as `12h` for `^[0-9]{1,5}[hdw]$`. None if none was found."""
    if len(pattern) > _MAX_PATTERN_CHARACTERS:
        return None
    try:
        found = _Reader(pattern).all()
    except (_Unknown, IndexError, ValueError, RecursionError):
        return None
    short = 0 < len(found) <= MAX_CHARACTERS and bool(found.strip())
    return found if short and _matches(pattern, found) else None


def _matches(pattern: str, words: str) -> bool:
    try:
        return re.search(pattern, words) is not None
    except re.error:
        return False


class _Unknown(Exception):
    """The pattern has a part that this module does not know."""


@dataclass(slots=True)
class _Reader:
    """Reads the pattern from left to right, and makes the text as it goes."""

    pattern: str
    at: int = 0

    def all(self) -> str:
        made = self._alternatives()
        if self.at < len(self.pattern):
            raise _Unknown
        return made

    def _alternatives(self) -> str:
        """The first alternative that is not empty."""
        made = [self._sequence()]
        while self._takes("|"):
            made.append(self._sequence())
        return next((each for each in made if each), "")

    def _sequence(self) -> str:
        made = ""
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            made += self._counted()
        return made

    def _counted(self) -> str:
        choices = self._one()
        fewest, most = self._count()
        if isinstance(choices, str):
            return choices * max(fewest, 1 if most else 0)
        number = max(fewest, min(most, 2)) if (fewest, most) != (0, 1) else 1
        return "".join(islice(cycle(choices), number))

    def _one(self) -> str | list[str]:
        """A fixed text, or the characters of a class, best first."""
        sign = self._next()
        match sign:
            case "^" | "$":
                return ""
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return list("abc")
            case "\\":
                return self._escaped()
            case "*" | "+" | "?" | "{":
                raise _Unknown
            case _:
                return sign

    def _group(self) -> str:
        if self._takes("?"):
            named = re.compile(r"P?<\w+>").match(self.pattern, self.at)
            if named is not None:
                self.at = named.end()
            elif not self._takes(":"):
                raise _Unknown
        made = self._alternatives()
        if not self._takes(")"):
            raise _Unknown
        return made

    def _escaped(self) -> str | list[str]:
        sign = self._next()
        if sign in _ESCAPES:
            return list(_ESCAPES[sign])
        if sign in "bAZz":
            return ""
        if sign.isalnum():
            raise _Unknown
        return sign

    def _class(self) -> list[str]:
        inverted = self._takes("^")
        held: list[str] = []
        while not (held and self._takes("]")):
            sign = self._next()
            if sign == "\\":
                escaped = self._escaped()
                held += escaped
                sign = escaped if isinstance(escaped, str) else ""
            else:
                held.append(sign)
            if sign and self.pattern[self.at] == "-" and self.pattern[self.at + 1] != "]":
                self.at += 1
                last = self._next()
                last = self._next() if last == "\\" else last
                held += [character for character in _PRINTED if sign <= character <= last]
        if inverted:
            held = [character for character in _SMALL + _DIGITS if character not in held]
        if not held:
            raise _Unknown
        return sorted(dict.fromkeys(held), key=lambda each: _BEST_FIRST.find(each) % len(_PRINTED))

    def _count(self) -> tuple[int, int]:
        """How often the last part is there, at least and at most."""
        counted = re.compile(r"\{(\d+)(?:(,)(\d*))?\}").match(self.pattern, self.at)
        found = (1, 1)
        if counted is not None:
            self.at = counted.end()
            fewest = int(counted[1])
            most = int(counted[3]) if counted[3] else fewest + 2 if counted[2] else fewest
            found = (fewest, most)
        elif self._takes("*"):
            found = (0, 3)
        elif self._takes("+"):
            found = (1, 3)
        elif self._takes("?"):
            return (0, 1)
        else:
            return found
        self._takes("?")
        if found[0] > MAX_CHARACTERS:
            raise _Unknown
        return found

    def _next(self) -> str:
        sign = self.pattern[self.at]
        self.at += 1
        return sign

    def _takes(self, sign: str) -> bool:
        found = self.pattern[self.at : self.at + 1] == sign
        self.at += found
        return found
