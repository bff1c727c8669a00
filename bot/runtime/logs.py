"""The log, without secrets and without text that could be taken for a log line of ours."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal

from bot import printable
from bot.approvals.rules.masking import EDGE, MASK
from bot.runtime import outlet
from bot.runtime.entries import Entries, JsonEntries

OWN: Final = ("bot", "countersign", "graphs")
"""The bot's own loggers, of which `countersign` is that of all facts."""
QUIET: Final = {
    "apscheduler": logging.ERROR,
    "httpx": logging.WARNING,
    "slack_bolt.socket": logging.WARNING,
    "uvicorn": logging.ERROR,
}
"""Loggers that have a line for each tick, for each call of a LangGraph Server, and for what facts tell, and the least
level that is theirs. APScheduler warns of each tick that comes while the one before is under way. uvicorn warns of each
call that is none, and anybody may make those."""
MAX_LEARNED: Final = 1000
"""Values that are remembered because of their names. The oldest are forgotten first."""

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

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


class _Handler(logging.StreamHandler[Any]):
    """Writes to stderr. If an entry cannot be formatted, its values stay hidden; `logging` itself would print them."""

    def __init__(self, entries: Entries) -> None:
        super().__init__(outlet.stderr())
        self.setFormatter(entries)
        self._entries = entries

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self.stream.write(f"{self._entries.unwritable(record)}\n")


def to_stderr(form: Literal["text", "json"], level: str = "INFO") -> Learned:
    """Sends all log entries to stderr in this form, including errors that nobody caught. Returns the object that takes
    further secrets to hide."""
    outlet.have_all_three()
    learned = Learned()
    handler = _Handler((JsonEntries if form == "json" else Entries)(learned))
    logging.basicConfig(handlers=[handler])
    for name in OWN:  # of their own, because a graph may replace those of the root
        own = logging.getLogger(name)
        own.handlers[:], own.propagate = [handler], False
    logging.captureWarnings(True)
    for never_written in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
        vars(logging)[never_written] = False  # to find them out takes as long as to write the entry
    set_level(level)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable
    return learned


def set_level(level: str) -> None:
    """Sets the level of the bot's own entries. At DEBUG, libraries log tokens, what Slack sends and what models are
    asked, so they stay at INFO."""
    number = logging.getLevelNamesMapping()[level]
    logging.getLogger().setLevel(max(number, logging.INFO))
    for name in OWN:
        logging.getLogger(name).setLevel(number)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(number, least))


def keep() -> None:
    """Has the bot's own entries written as before, after code was loaded that may have set up logging for itself. Then
    Python switches off all loggers that the code does not name."""
    logging.disable(logging.NOTSET)
    for name, logger in logging.getLogger().manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in OWN:
            logger.disabled = False


def before_others(flush: Callable[[], None]) -> None:
    """Has this be called before each entry that tells no fact, so that facts which wait to be written come first."""

    def let_through(record: logging.LogRecord) -> bool:
        if not hasattr(record, "figures"):
            flush()
        return True

    for handler in {*logging.getLogger().handlers, *logging.getLogger(OWN[0]).handlers}:  # mostly the same one
        handler.addFilter(let_through)  # it is asked before the handler takes its lock, which `flush` needs


def say(sentences: str) -> None:
    """Tells whoever started the bot why it does not run: in words, or as entries if the log is JSON."""
    if any(isinstance(handler.formatter, JsonEntries) for handler in logging.getLogger().handlers):
        for each in sentences.splitlines():
            log.critical("%s", each)
    else:
        outlet.stderr().write(f"{printable.lines(sentences)}\n")


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the bot ends because of an error that nothing caught", exc_info=(kind, error, trace))


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None:
        log.error("a thread ended with an error", exc_info=(caught.exc_type, caught.exc_value, caught.exc_traceback))


def _unraisable(caught: UnraisableHookArgs) -> None:
    """Python would print it as it is, with whatever the error says. The object itself may hold anything."""
    where = getattr(caught.object, "__qualname__", type(caught.object).__qualname__)
    error = caught.exc_value
    log.error(
        "an error in %s had nowhere to go",
        where,
        exc_info=(caught.exc_type, error, caught.exc_traceback) if error else None,
    )
