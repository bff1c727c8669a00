"""The version of the records goes up with what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final, get_args, get_type_hints

from bot.storage.codec import Record
from bot.stores import VERSION

SHAPE: Final = (11, "98c8aa8039dbcd90")
"""The version, and the digest of what its records hold. The failing test tells both."""


def held(kind: Any, seen: set[Any]) -> Iterator[str]:
    """Every field of every record that can be stored, and every word of its enumerations."""
    for inner in get_args(kind):
        yield from held(inner, seen)
    if kind in seen if isinstance(kind, type) else True:
        return
    seen.add(kind)
    if issubclass(kind, Enum):
        yield from (f"{kind.__name__}: {each.value}" for each in kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        for field in fields(kind):
            yield f"{kind.__name__}.{field.name}"
            yield from held(hints[field.name], seen)


def test_records_that_hold_something_new_have_a_new_version() -> None:
    """An earlier bot has to refuse what it does not know. Add a migration to bot/storage/sqlite/schema.py, empty if no
    table changes, unless this release has one already, and put the digest here."""
    lines = sorted({line for record in Record.__constraints__ for line in held(record, set())})
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    assert (VERSION, digest) == SHAPE
