"""The Telemetry port, which remembers what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from bot.approvals.model.facts import Fact
from bot.approvals.model.trace import Trace

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Opened:
    """A span that was opened."""

    name: str
    parent: Trace | None
    after: Trace | None
    at: Trace | None


@dataclass(slots=True)
class Heard:
    """All facts and spans, in their order."""

    tracing: bool = False
    facts: list[Fact] = field(default_factory=list)
    spans: list[Opened] = field(default_factory=list)
    _open: list[Trace | None] = field(default_factory=list)

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)

    @contextmanager
    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> Iterator[Trace | None]:
        at = Trace(f"{name} {len(self.spans)}") if self.tracing else None
        self.spans.append(Opened(name, parent, after, at))
        self._open.append(at)
        try:
            yield at
        finally:
            self._open.pop()

    def here(self) -> Trace | None:
        return self._open[-1] if self._open else None

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The facts of this kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]
