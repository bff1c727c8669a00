"""The Telemetry port, which remembers the facts that it is told."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

from bot.approvals.model.facts import Fact
from bot.approvals.model.trace import Trace

Kind = TypeVar("Kind")


@dataclass(slots=True)
class Heard:
    """All facts, in the order in which they were told."""

    facts: list[Fact] = field(default_factory=list)

    def tell(self, fact: Fact) -> None:
        self.facts.append(fact)

    def span(
        self, name: str, *, parent: Trace | None = None, after: Trace | None = None, about: str = ""
    ) -> AbstractContextManager[Trace | None]:
        return nullcontext(None)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The facts of this kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]
