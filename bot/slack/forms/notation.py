"""Numbers and JSON as people type them: read to the letter, or refused. What Python would round, drop or take for
something else is not kept exactly, so it is no answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from decimal import Decimal
from typing import Final

from bot.approvals.model.ids import JSON

DEEPEST: Final = 100
"""Levels of lists and objects in each other; records and checkpoints take a few hundred."""
LEAST: Final = -(2**63)
MOST: Final = 2**64 - 1
"""The whole numbers that a checkpoint can hold (msgpack)."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Wrong(Exception):
    """What was typed is not a value of the field; `str()` may be shown beside it."""


class NoJSON(Wrong):
    """It is not JSON at all, rather than JSON that cannot be kept."""


def integer(words: str) -> int:
    """The whole number."""
    if not _INTEGER.fullmatch(words.strip()):
        raise Wrong("This has to be a whole number, for example 12.")
    return _whole(words.strip())


def number(words: str) -> float:
    """The number, if a float has it exactly as it is written."""
    if not _NUMBER.fullmatch(words.strip()):
        raise Wrong("This has to be a number, for example 12.5.")
    return _float(words.strip(), "Write it with fewer digits, for example 0.125.")


def parsed(words: str, known: Collection[str] = ()) -> JSON:
    """The JSON. `known` are numbers that may stand there although they are too large: nobody typed them."""

    def whole(digits: str) -> int:
        return int(digits) if digits in known else _whole(digits)

    try:
        value: JSON = json.loads(
            words,
            parse_int=whole,
            parse_float=lambda digits: _float(digits, f'Write it with fewer digits, or as a text: "{digits[:40]}".'),
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise NoJSON(f"This is not JSON: line {error.lineno}, {error.msg}.") from None
    except RecursionError:
        raise Wrong(_TOO_DEEP) from None
    _check(value, 0)
    return value


def numbers(words: str) -> frozenset[str]:
    """The whole numbers in a text, as `parsed` may be told to know them."""
    return frozenset(re.findall(r"-?[0-9]{19,}", words))


_TOO_DEEP: Final = f"This is nested more than {DEEPEST} levels deep. Write it flatter, for example [[1, 2], [3]]."


def _whole(digits: str) -> int:
    if len(digits) > 25 or not LEAST <= int(digits) <= MOST:
        raise Wrong(
            f"{_short(digits)} is too large to be kept as a number: it has to be between {LEAST} and {MOST}. "
            "Write a smaller one, for example 12."
        )
    return int(digits)


def _float(digits: str, instead: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Wrong(f"{_short(digits)} is too large to be kept as a number. Write a smaller one, for example 1e300.")
    if Decimal(repr(value)) != Decimal(digits):
        raise Wrong(f"{_short(digits)} cannot be kept exactly: it would become {value!r}. {instead}")
    return value


def _constant(name: str) -> JSON:
    raise Wrong(f'{name} is no number in JSON. Write a number, for example 0.5, or a text in quotes: "{name}".')


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    entries: dict[str, JSON] = {}
    for key, value in pairs:
        if key in entries:
            raise Wrong(
                f'The key "{_short(key)}" stands there twice, and one of its values would be lost. Give each key once, '
                'for example {"first": 1, "second": 2}.'
            )
        entries[key] = value
    return entries


def _check(value: JSON, depth: int) -> None:
    if depth > DEEPEST:
        raise Wrong(_TOO_DEEP)
    match value:
        case str():
            _text(value)
        case list():
            for entry in value:
                _check(entry, depth + 1)
        case dict():
            for key, entry in value.items():
                _text(key)
                _check(entry, depth + 1)
        case _:
            pass


def _text(value: str) -> None:
    lone = next((character for character in value if "\ud800" <= character <= "\udfff"), None)
    if lone is not None:
        raise Wrong(
            f"\\u{ord(lone):04x} is half a character, and cannot be kept. "
            "Write the whole one, for example \\ud83d\\ude00."
        )


def _short(words: str) -> str:
    return words if len(words) <= 60 else f"{words[:59]}…"
