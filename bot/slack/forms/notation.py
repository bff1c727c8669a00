"""Numbers and JSON as people type them: read exactly, or refused. Whatever Python would round, drop or misread is
refused, because the agent would get another value than the person typed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from decimal import Decimal
from typing import Final

from bot.approvals.model.ids import JSON

MAX_LEVELS: Final = 100
"""Of lists and objects inside each other. Records and checkpoints take a few hundred."""
MIN_INTEGER: Final = -(2**63)
MAX_INTEGER: Final = 2**64 - 1
"""A checkpoint can hold the whole numbers between these two (msgpack)."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


class Wrong(Exception):
    """What was typed is not a value of the field. Its text can be shown beside the field."""


class NoJSON(Wrong):
    """What was typed is not JSON at all."""


def integer(words: str) -> int:
    """The whole number."""
    if not _INTEGER.fullmatch(words.strip()):
        raise Wrong("This has to be a whole number, for example 12.")
    return _whole(words.strip())


def number(words: str) -> float:
    """The number. Raises Wrong if a float cannot hold it exactly."""
    if not _NUMBER.fullmatch(words.strip()):
        raise Wrong("This has to be a number, for example 12.5.")
    return _float(words.strip(), "Write it with fewer digits, for example 0.125.")


def parsed(words: str, known: Collection[str] = ()) -> JSON:
    """The JSON. `known` are numbers that are accepted even if they are too large, because nobody typed them."""

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
    """The whole numbers in a text, for `known` of `parsed`."""
    return frozenset(re.findall(r"-?[0-9]{19,}", words))


_TOO_DEEP: Final = f"This is nested more than {MAX_LEVELS} levels deep. Write it flatter, for example [[1, 2], [3]]."


def _whole(digits: str) -> int:
    if len(digits) > 25 or not MIN_INTEGER <= int(digits) <= MAX_INTEGER:
        raise Wrong(
            f"{_short(digits)} is too large to be kept as a number: it has to be between {MIN_INTEGER} and "
            f"{MAX_INTEGER}. Write a smaller one, for example 12."
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
                f'The key "{_short(key)}" is there twice, so one of its values would be lost. Give each key once, '
                'for example {"first": 1, "second": 2}.'
            )
        entries[key] = value
    return entries


def _check(value: JSON, depth: int) -> None:
    if depth > MAX_LEVELS:
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
            f"\\u{ord(lone):04x} is half a character and cannot be kept. "
            "Write the whole one, for example \\ud83d\\ude00."
        )


def _short(words: str) -> str:
    return words if len(words) <= 60 else f"{words[:59]}…"
