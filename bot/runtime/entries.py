"""What an entry of the log looks like: one line of text, or one JSON object."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Final, Protocol

from bot.approvals.model.ids import JSON
from bot.approvals.rules.masking import Masker
from bot.printable import printable
from bot.secrets import Detector

CONTINUATION: Final = "    | "
"""Begins every further line of an entry, so that none can be taken for an entry of its own."""
MAX_ENTRY_CHARACTERS: Final = 100_000
"""More of a traceback helps nobody."""
MAX_WORD_CHARACTERS: Final = 1_000
_LAST_WORD: Final = re.compile(r"\s\S*\Z")


class Hides(Protocol):
    """Knows further values that the log hides."""

    def hide(self, words: str) -> str:
        """The words, with those values masked."""
        ...


class Entries(logging.Formatter):
    """Formats a record as one entry.

    A record with `figures` is a fact (`bot.telemetry.lines`), which holds nothing secret. Of all others, secrets are
    masked and control characters written out. They may have `inputs`, with which a task was started; the secrets in
    them are masked too.
    """

    def __init__(self, learned: Hides) -> None:
        super().__init__()
        self._detector = Detector()
        self._learned = learned
        self._second, self._time = -1, ""

    def format(self, record: logging.LogRecord) -> str:
        if hasattr(record, "figures"):
            return self._fact(record)
        masker = Masker(self._detector)
        inputs = getattr(record, "inputs", None)
        if isinstance(inputs, Mapping):
            given: dict[str, JSON] = dict(inputs)
            masker.learn(given, "inputs")

        def masked(words: str) -> str:
            cut = (
                words
                if len(words) <= MAX_ENTRY_CHARACTERS
                else f"{_beginning(words)}\n… cut, {len(words):,} characters in all"
            )
            return masker.text(self._learned.hide(cut))

        message = printable(masked(record.getMessage()))  # a line end in it is written out
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        below += [self.formatStack(record.stack_info)] if record.stack_info else []
        return self._entry(record, message, [printable(line) for each in below for line in masked(each).split("\n")])

    def when(self, record: logging.LogRecord) -> str:
        """The record's time in UTC, as RFC 3339 writes it."""
        second = int(record.created)
        if second != self._second:
            self._time = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return f"{self._time}.{int(record.msecs):03d}Z"

    def unwritable(self, record: logging.LogRecord) -> str:
        """What stands in place of an entry that cannot be formatted. `logging` itself would print its values."""
        words = f"an entry of {printable(record.name)} could not be written, {printable(record.pathname)}"
        return self._entry(record, words, [])

    def _fact(self, record: logging.LogRecord) -> str:
        return f"{self.when(record)} {record.levelname} {record.getMessage()}"

    def _entry(self, record: logging.LogRecord, message: str, below: list[str]) -> str:
        first = f"{self.when(record)} {record.levelname} {printable(record.name)}: {message}"
        return f"\n{CONTINUATION}".join([first, *below])


class JsonEntries(Entries):
    """Formats a record as one JSON object. All that is not ASCII is escaped, so that no line can be forged."""

    def _fact(self, record: logging.LogRecord) -> str:
        told = {"time": self.when(record), "level": record.levelname, "event": record.event, **record.figures}  # type: ignore[attr-defined]
        return json.dumps(told)

    def _entry(self, record: logging.LogRecord, message: str, below: list[str]) -> str:
        told = {"time": self.when(record), "level": record.levelname, "logger": record.name, "message": message}
        return json.dumps({**told, "exception": "\n".join(below)} if below else told)


def _beginning(words: str) -> str:
    """As much as an entry may have, without a word that would be cut: nothing finds a secret of which half is left."""
    cut = words[:MAX_ENTRY_CHARACTERS]
    found = _LAST_WORD.search(cut, MAX_ENTRY_CHARACTERS - MAX_WORD_CHARACTERS)
    return cut[: found.start()] if found is not None else cut
