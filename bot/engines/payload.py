"""Turns what a graph passes to `interrupt()` into JSON, which is all that the domain stores, shows and digests.

JSON says less than Python: NaN and the text `nan` read the same, and so do a tuple and a list. A note says whatever
JSON cannot, so that no two values have the same JSON and the same notes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time

from pydantic import BaseModel

from bot.approvals.model.ids import JSON

_MAX_SHOWN_BYTES = 64
"""Of bytes, how many are written out."""
_MAX_INTEGER_BITS = 14_000
"""Python refuses to write a longer integer in decimal digits (more than 4,300)."""
_PLAIN = (str, int, float, bool, list, dict, type(None))

Path = tuple[str | int, ...]


def to_json(value: object) -> JSON:
    """The value as JSON, with nothing left out. What JSON does not have is written in words.

    Keys become strings, and different keys stay different. NaN and the infinities become their names, because storage
    and Slack do not take them.
    """
    return read(value)[0]


def read(value: object) -> tuple[JSON, tuple[str, ...]]:
    """The value as JSON, and a note for each place where JSON says less than the value does."""
    reader = _Reader()
    said = reader.said(value, ())
    return said, tuple(reader.notes)


def noted(said: JSON, notes: Sequence[str]) -> JSON:
    """The value with its notes, for a comparison. Notes on times are left out, because they repeat the time."""
    kept: list[JSON] = [note for note in notes if '"datetime.' not in note]
    return [said, kept] if kept else said


def exact(value: object) -> str:
    """The value as a text that no other value has, the same in every process. For JSON, this is its canonical JSON."""
    said, notes = read(value)
    written = _canonical(said)
    return f"{written}\n{_canonical(list(notes))}" if notes else written  # JSON on one line has no line end


@dataclasses.dataclass(slots=True)
class _Reader:
    """Converts a value, and notes what JSON does not say."""

    notes: list[str] = dataclasses.field(default_factory=list)

    def said(self, value: object, path: Path) -> JSON:
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value, path)
            case int():
                return self._integer(value, path)
            case float():
                return self._number(value, path)
            case BaseModel():
                fields = {**value.__dict__, **(value.model_extra or {})}
                self._note(path, value, _sum(exact(fields)))  # fields that the serializer leaves out count too
                return self.said(value.model_dump(mode="python"), path)
            case datetime() | date() | time():
                self._note(path, value, repr(value))
                return value.isoformat()
            case Mapping():
                return self._object(value, path)
            case bytes() | bytearray() | memoryview():
                self._note(path, value)
                return _bytes(bytes(value))
            case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
                self._note(path, value)
                entries = [(entry.name, getattr(value, entry.name)) for entry in dataclasses.fields(value)]
                return {name: self.said(each, (*path, name)) for name, each in entries}
            case set() | frozenset():
                self._note(path, value)
                return list(self._sorted(value, path))
            case Iterable():
                self._note(path, value)
                return [self.said(entry, (*path, number)) for number, entry in enumerate(value)]
            case _:
                return self._other(value, path)

    def _note(self, path: Path, value: object, more: str = "") -> None:
        """Adds a note with the value's type, and with `more` that tells it apart."""
        if more or type(value) not in _PLAIN:
            words = [f"{type(value).__module__}.{type(value).__qualname__}", *([more] if more else [])]
            self.notes.append(_canonical([list(path), *words]))

    def _text(self, value: str, path: Path) -> str:
        """The text without lone surrogates, which cannot be stored or sent."""
        said = value.encode("utf-8", "replace").decode("utf-8")
        self._note(path, value, "" if said == value else _sum(value))
        return said

    def _integer(self, value: int, path: Path) -> JSON:
        if value.bit_length() > _MAX_INTEGER_BITS:
            self._note(path, value, "written as hexadecimal digits")
            return hex(value)
        self._note(path, value)
        return int(value)

    def _number(self, value: float, path: Path) -> JSON:
        said: JSON = float(value) if math.isfinite(value) else repr(float(value))
        self._note(path, value, "" if isinstance(said, float) else "not finite")
        return said

    def _object(self, value: Mapping[object, object], path: Path) -> dict[str, JSON]:
        """The object. If two keys have the same name, such as 1 and "1", the one that is no text gets its type."""
        self._note(path, value)
        entries: dict[str, JSON] = {}
        for key in sorted(value, key=lambda key: not isinstance(key, str)):
            said = str(key).encode("utf-8", "replace").decode("utf-8")
            name = f"{said} ({type(key).__name__})" if said in entries else said
            while name in entries:
                name += "'"
            if type(key) is not str or name != key:
                self.notes.append(_canonical([[*path, name], "key", _sum(key) if isinstance(key, str) else exact(key)]))
            entries[name] = self.said(value[key], (*path, name))
        return entries

    def _sorted(self, value: Iterable[object], path: Path) -> Iterator[JSON]:
        """The members of a set, in an order that is the same in every process."""
        for number, entry in enumerate(sorted(value, key=lambda entry: (repr(to_json(entry)), exact(entry)))):
            yield self.said(entry, (*path, number))

    def _other(self, value: object, path: Path) -> str:
        hidden = getattr(value, "get_secret_value", None)  # all of pydantic's secrets look the same
        self._note(path, value, _sum(exact(hidden())) if callable(hidden) and not isinstance(value, type) else "")
        return self._text(str(value), path)


def _bytes(value: bytes) -> str:
    """Short ones in full, long ones with their SHA-256, so that different bytes never look the same."""
    if len(value) <= _MAX_SHOWN_BYTES:
        return f"{len(value)} bytes: {value.hex()}"
    return f"{len(value)} bytes: {value[:_MAX_SHOWN_BYTES].hex()}..., SHA-256 {hashlib.sha256(value).hexdigest()}"


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
