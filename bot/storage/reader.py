"""Texts -> records, each read once: most texts that a process reads are ones that it has read, or written, before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from bot.storage.codec import Record, decode

MAX_KEPT: Final = 1024
"""Records. The one that was read longest ago is forgotten first."""
MAX_CHARACTERS: Final = 20_000
"""A longer text is decoded each time."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Decodes texts. The same text gives the same record, so nobody may change the JSON that a record holds. Belongs to
    one thread."""

    _kept: OrderedDict[tuple[type, str], Any] = field(default_factory=OrderedDict)

    def read(self, cls: type[Record], text: str) -> Record:
        """The record with this text."""
        key = (cls, text)
        record: Record | None = self._kept.get(key)
        if record is None:
            record = decode(cls, text)
            self.keep(record, text)
        else:
            self._kept.move_to_end(key)
        return record

    def keep(self, record: Record, text: str) -> None:
        """Remember that this record has this text."""
        if len(text) > MAX_CHARACTERS:
            return
        self._kept[type(record), text] = record
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
