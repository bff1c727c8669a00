"""Finds graphs that ask without saying which answer they want, and logs each once."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field

from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.question import Question
from bot.engines.questions import conventions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Undeclared:
    """Logs once for each graph that it asks in this way, and how to declare its answer."""

    told: set[str] = field(default_factory=set)

    def look(self, graph: str, status: ThreadStatus) -> None:
        """Logs the graph if something that it asks has no known shape and names no convention."""
        if graph not in self.told and any(is_undeclared(asked.question) for asked in status.asked):
            self.told.add(graph)
            log.warning("%s", sentence(graph))


def is_undeclared(question: Question) -> bool:
    """Whether nothing says how the graph wants this question answered."""
    return question.convention == conventions.UNDECLARED


def sentence(graph: str) -> str:
    """What this means for the graph, and the line of policies.yaml that declares a convention."""
    name = graph if re.fullmatch(r"[A-Za-z_][\w-]*", graph) else json.dumps(graph)
    known = ", ".join(conventions.CONVENTIONS)
    return (
        f"graph {graph} asks without a known convention: an approval gives it True, a rejection False, and an answer "
        f"in words the text. Say in policies.yaml what it wants ({known}, or two words of your own): "
        f"approvals: {{{name}: {{answer: {conventions.BOOLEAN}}}}}"
    )
