"""The one stream of facts: each fact goes to the log, to the metrics, and to whatever else takes facts."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeVar

from bot.approvals.model.facts import Fact, RuleChosen, RunEnded, SlackCalled, SlackHeldBack, StorageAnswered
from bot.approvals.model.trace import Trace
from bot.approvals.ports.telemetry import SILENT
from bot.telemetry.batches import Batches
from bot.telemetry.levels import level_of

log = logging.getLogger(__name__)

Kind = TypeVar("Kind")


class Sink(Protocol):
    """Takes facts and shows them in its own way."""

    def take(self, fact: Fact, at: float | None = None, trace: Trace | None = None) -> None:
        """Show the fact: told at that time (seconds since 1970; None: now), in that trace. Any thread may call it."""
        ...


class Tracing(Protocol):
    """Opens spans (`Telemetry.span`)."""

    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> AbstractContextManager[Trace | None]: ...

    def here(self) -> Trace | None: ...


_CALM: Final = frozenset({StorageAnswered, SlackCalled, SlackHeldBack, RunEnded, RuleChosen})
"""Kinds of facts that are never a warning."""


class Stream:
    """The Telemetry port: passes each fact to all sinks. One that fails disturbs neither the others nor the work.

    It does so at once, until `batch` is called.
    """

    def __init__(self, *, sinks: Sequence[Sink], tracing: Tracing = SILENT) -> None:
        self.sinks: Final = sinks
        self.tracing: Final = tracing
        self._batches: Final = Batches(self._show)
        self._failed: Final[set[type[Sink]]] = set()

    def tell(self, fact: Fact) -> None:
        if not self._batches.is_open:
            self._show(fact, time.time(), self.tracing.here())
        elif type(fact) is StorageAnswered:  # the most frequent one, of which no line says when it was
            self._batches.put(fact, 0.0, None)
        else:
            self._batches.put(fact, time.time(), self.tracing.here())
            if type(fact) not in _CALM and level_of(fact) >= logging.WARNING:
                self._batches.flush()

    def batch(self) -> None:
        """From now on facts may wait for some milliseconds, unless one is a warning. It starts a thread, so it is for a
        process that does not fork."""
        self._batches.open()

    def flush(self) -> None:
        """Show all facts that wait."""
        self._batches.flush()

    def unbatch(self) -> None:
        """From now on facts do not wait."""
        self._batches.close()

    def sink(self, kind: type[Kind]) -> Kind | None:
        """The sink of this kind. None if there is none."""
        return next((each for each in self.sinks if isinstance(each, kind)), None)

    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> AbstractContextManager[Trace | None]:
        return self.tracing.span(name, parent=parent, after=after, about=about)

    def here(self) -> Trace | None:
        return self.tracing.here()

    def _show(self, fact: Fact, at: float, trace: Trace | None) -> None:
        for sink in self.sinks:
            try:
                sink.take(fact, at, trace)
            except Exception:  # an error here would fail what is told of
                if type(sink) not in self._failed:
                    self._failed.add(type(sink))
                    log.exception("%s cannot show what happens; this is said once", type(sink).__name__)
