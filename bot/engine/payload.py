"""What a graph hands to `interrupt()`, as JSON: the domain stores, shows and digests nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time

from pydantic import BaseModel

from bot.approvals.ids import JSON

_SHOWN = 64
"""Bytes that are written out."""


def to_json(value: object) -> JSON:
    """The value as JSON, with nothing left out: what JSON cannot say is said in words.

    Keys become strings, and stay apart where they were. NaN and the infinities become their names, as storage and
    Slack take neither.
    """
    match value:
        case None | bool() | int() | str():
            return value if not isinstance(value, str) else _text(value)
        case float():
            return value if math.isfinite(value) else repr(value)
        case BaseModel():
            return to_json(value.model_dump(mode="python"))
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping():
            return _object(value)
        case bytes() | bytearray() | memoryview():
            return _bytes(bytes(value))
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {entry.name: to_json(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
        case set() | frozenset():
            return sorted((to_json(entry) for entry in value), key=repr)
        case Iterable():
            return [to_json(entry) for entry in value]
        case _:
            return _text(str(value))


def _object(value: Mapping[object, object]) -> dict[str, JSON]:
    """Where two keys have one name, as 1 and "1" have, the one that is no text has its type beside it."""
    entries: dict[str, JSON] = {}
    for key in sorted(value, key=lambda key: not isinstance(key, str)):
        name = _text(str(key))
        if name in entries:
            name = f"{name} ({type(key).__name__})"
        while name in entries:
            name += "'"
        entries[name] = to_json(value[key])
    return entries


def _bytes(value: bytes) -> str:
    """Short ones in full, long ones by their SHA-256: two that differ never read the same."""
    if len(value) <= _SHOWN:
        return f"{len(value)} bytes: {value.hex()}"
    return f"{len(value)} bytes: {value[:_SHOWN].hex()}..., SHA-256 {hashlib.sha256(value).hexdigest()}"


def _text(value: str) -> str:
    """The text without lone surrogates, which no store and no wire takes."""
    return value.encode("utf-8", "replace").decode("utf-8")
