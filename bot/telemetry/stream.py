"""The one stream of facts: each fact goes to the log, to the metrics, and to whatever else takes facts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bot.approvals.model.facts import Fact
from bot.approvals.model.trace import Trace
from bot.approvals.ports.telemetry import SILENT

log = logging.getLogger(__name__)

Kind = TypeVar("Kind")


class Sink(Protocol):
    """Takes facts and shows them in its own way."""

    def take(self, fact: Fact) -> None:
        """Show the fact. Any thread may call it."""
        ...


class Tracing(Protocol):
    """Opens spans (`Telemetry.span`)."""

    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> AbstractContextManager[Trace | None]: ...

    def here(self) -> Trace | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The Telemetry port: passes each fact to all sinks. One that fails disturbs neither the others nor the work."""

    sinks: Sequence[Sink]
    tracing: Tracing = SILENT
    _failed: set[type[Sink]] = field(default_factory=set)

    def tell(self, fact: Fact) -> None:
        for sink in self.sinks:
            try:
                sink.take(fact)
            except Exception:  # an error here would fail what is told of
                if type(sink) not in self._failed:
                    self._failed.add(type(sink))
                    log.exception("%s cannot show what happens; this is said once", type(sink).__name__)

    def sink(self, kind: type[Kind]) -> Kind | None:
        """The sink of this kind. None if there is none."""
        return next((each for each in self.sinks if isinstance(each, kind)), None)

    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> AbstractContextManager[Trace | None]:
        return self.tracing.span(name, parent=parent, after=after, about=about)

    def here(self) -> Trace | None:
        return self.tracing.here()
