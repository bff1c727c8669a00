"""Where the log goes, and what must not be in it: secrets, and anything that could be taken for a line of ours."""

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

BELOW: Final = "    | "
"""Begins every further line of an entry, so that none can be taken for an entry of its own."""
LONGEST: Final = 100_000
"""Characters of one entry; more of a trace helps nobody."""
MOST_LEARNED: Final = 1000
"""Values that are remembered because they stand under telling names; the oldest are forgotten first."""

log = logging.getLogger(__name__)


class Learned:
    """Secrets that nothing but their name tells, such as a password in an argument: the log hides them too."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, None] = OrderedDict()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, values: Collection[str]) -> None:
        """Hide these from now on."""
        new = [value for value in values if value not in self._values]
        if not new:
            return
        self._values.update(dict.fromkeys(new))
        while len(self._values) > MOST_LEARNED:
            self._values.popitem(last=False)
        self._pattern = None

    def hide(self, words: str) -> str:
        """The words without them."""
        if not self._values:
            return words
        if self._pattern is None:
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(rf"{EDGE}{re.escape(value)}(?!\w)" for value in longest_first))
        return self._pattern.sub(MASK, words)


class Entries(logging.Formatter):
    """One entry per record: secrets masked, control characters written out, further lines indented.

    A record may bring `inputs`, what a task was started with: what is secret of it is hidden, too.
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
            cut = words if len(words) <= LONGEST else f"{words[:LONGEST]}\n… cut, {len(words):,} characters in all"
            return masker.text(self._learned.hide(cut))

        record.message = masked(record.getMessage())
        record.asctime = self.formatTime(record)
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        below += [self.formatStack(record.stack_info)] if record.stack_info else []
        first = printable(self.formatMessage(record))  # a line end in a message is written out
        lines = [line for each in below for line in masked(each).split("\n")]
        return f"\n{BELOW}".join([first, *map(printable, lines)])


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to stderr. Of an entry that cannot be formed, logging itself would print the values."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self.stream.write(f"an entry of {printable(record.name)} could not be written, {printable(record.pathname)}\n")


def to_stderr(level: str) -> Learned:
    """Everything to stderr, also what nobody catches. Slack's SDK logs tokens and button values at DEBUG, so it stays
    at INFO. Returns what tells the log of further secrets."""
    learned = Learned()
    handler = _Handler()
    handler.setFormatter(Entries(learned))
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(True)
    for name in ("slack_bolt", "slack_sdk", "apscheduler", "httpx", "aiosqlite"):
        logging.getLogger(name).setLevel(max(logging.getLevelNamesMapping()[level], logging.INFO))
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    return learned


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the bot ends by an error that nothing caught", exc_info=(kind, error, trace))


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None:
        log.error("a thread ended by an error", exc_info=(caught.exc_type, caught.exc_value, caught.exc_traceback))
