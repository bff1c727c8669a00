"""Which steps of a run have begun, and which of them have no saved result yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import RESUME

LEDGER: Final = "__countersign_ledger"
"""Key in a run's `configurable`. Two underscores keep LangGraph from copying it into the metadata."""


@dataclass(slots=True)
class Ledger:
    """The steps of one run. A step that has begun may have acted, whatever happens to its result."""

    _begun: set[str] = field(default_factory=set)
    _failed: bool = False

    def begin(self, step: str) -> None:
        """The step (a task of LangGraph, by its id) is about to run."""
        self._begun.add(step)

    def saved(self, step: str, writes: Sequence[tuple[str, Any]]) -> None:
        """These writes of the step are stored. Answers that it took are not a result."""
        if any(channel != RESUME for channel, _ in writes):
            self._begun.discard(step)

    def fail(self) -> None:
        """Something of the run could not be stored."""
        self._failed = True

    def unsaved(self, *, failed: bool = False) -> bool:
        """Whether a step may have acted without a stored result, because a save failed."""
        return (self._failed or failed) and bool(self._begun)


def ledger_of(config: RunnableConfig) -> Ledger | None:
    """The ledger of the run that writes. None if the write belongs to no run."""
    found = config["configurable"].get(LEDGER)
    return found if isinstance(found, Ledger) else None
