"""What a graph hands to `interrupt()`, as JSON: the domain stores, shows and digests nothing else."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time

from pydantic import BaseModel

from bot.approvals.model import JSON


def to_json(value: object) -> JSON:
    """The value as JSON, with nothing left out: what JSON cannot say is said in words.

    Keys become strings. NaN and the infinities become their names, as storage and Slack take neither.
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
            return {_text(str(key)): to_json(entry) for key, entry in value.items()}
        case bytes() | bytearray():
            return f"{len(value)} bytes: {bytes(value[:64]).hex()}"
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {entry.name: to_json(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
        case set() | frozenset():
            return sorted((to_json(entry) for entry in value), key=repr)
        case Iterable():
            return [to_json(entry) for entry in value]
        case _:
            return _text(str(value))


def _text(value: str) -> str:
    """The text without lone surrogates, which no store and no wire takes."""
    return value.encode("utf-8", "replace").decode("utf-8")
