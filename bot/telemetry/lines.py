"""Facts as lines of the log."""

from __future__ import annotations

import logging

from bot.approvals.model.facts import Fact, Recorded

log = logging.getLogger("countersign")


class Lines:
    """Writes one line for each fact."""

    def take(self, fact: Fact) -> None:
        if isinstance(fact, Recorded):
            log.info("audit.%s task=%s", fact.entry.kind, fact.entry.task_id)
