"""The log, without secrets and without text that could be taken for a log line of ours."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Final, TextIO

from bot.approvals.model.ids import JSON
from bot.approvals.rules.masking import EDGE, MASK, Masker
from bot.printable import printable
from bot.secrets import Detector

CONTINUATION: Final = "    | "
"""Begins every further line of an entry, so that none can be taken for an entry of its own."""
MAX_ENTRY_CHARACTERS: Final = 100_000
"""More of a traceback helps nobody."""
MAX_LEARNED: Final = 1000
"""Values that are remembered because of their names. The oldest are forgotten first."""

log = logging.getLogger(__name__)


class Learned:
    """Secrets that only their name gives away, such as a password in an argument. The log hides these too."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, None] = OrderedDict()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, values: Collection[str]) -> None:
        """Hides these values from now on."""
        new = [value for value in values if value not in self._values]
        if not new:
            return
        self._values.update(dict.fromkeys(new))
        while len(self._values) > MAX_LEARNED:
            self._values.popitem(last=False)
        self._pattern = None

    def hide(self, words: str) -> str:
        """The words, with the learned values masked."""
        if not self._values:
            return words
        if self._pattern is None:
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(rf"{EDGE}{re.escape(value)}(?!\w)" for value in longest_first))
        return self._pattern.sub(MASK, words)


class Entries(logging.Formatter):
    """Formats a record as one entry: secrets masked, control characters written out, further lines indented.

    A record may have `inputs`, with which a task was started; the secrets in them are masked too.
    """

    def __init__(self, learned: Learned) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._detector = Detector()
        self._learned = learned

    def format(self, record: logging.LogRecord) -> str:
        masker = Masker(self._detector)
        inputs = getattr(record, "inputs", None)
        if isinstance(inputs, Mapping):
            given: dict[str, JSON] = dict(inputs)
            masker.learn(given, "inputs")

        def masked(words: str) -> str:
            cut = (
                words
                if len(words) <= MAX_ENTRY_CHARACTERS
                else f"{words[:MAX_ENTRY_CHARACTERS]}\n… cut, {len(words):,} characters in all"
            )
            return masker.text(self._learned.hide(cut))

        record.message = masked(record.getMessage())
        record.asctime = self.formatTime(record)
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        below += [self.formatStack(record.stack_info)] if record.stack_info else []
        first = printable(self.formatMessage(record))  # a line end in a message is written out
        lines = [line for each in below for line in masked(each).split("\n")]
        return f"\n{CONTINUATION}".join([first, *map(printable, lines)])


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to stderr. If an entry cannot be formatted, its values stay hidden; `logging` itself would print them."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self.stream.write(f"an entry of {printable(record.name)} could not be written, {printable(record.pathname)}\n")


def to_stderr(level: str) -> Learned:
    """Sends all log entries to stderr, including errors that nobody caught. Slack's SDK logs tokens and button values
    at DEBUG, so it stays at INFO. Returns the object that takes further secrets to hide."""
    learned = Learned()
    handler = _Handler()
    handler.setFormatter(Entries(learned))
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(True)
    for name in ("slack_bolt", "slack_sdk", "apscheduler", "httpx", "aiosqlite"):
        logging.getLogger(name).setLevel(max(logging.getLevelNamesMapping()[level], logging.INFO))
    for name in ("apscheduler", "httpx"):  # a line for each tick, and for each call of a LangGraph Server
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    return learned


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the bot ends because of an error that nothing caught", exc_info=(kind, error, trace))


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None:
        log.error("a thread ended with an error", exc_info=(caught.exc_type, caught.exc_value, caught.exc_traceback))
