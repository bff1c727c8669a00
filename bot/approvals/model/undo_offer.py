"""An offer to undo what was approved, as the approval keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model.decision import Outcome
from bot.approvals.model.ids import RequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoOffer:
    """What was approved has been done, and the agent offers to undo it, as a request of its own."""

    request_id: RequestId
    version: int
    digest: str
    """Of that request's question."""
    until: datetime
    outcome: Outcome | None = None
    """What became of the offer: `UNDO`, `KEEP` or `CLOSED`. None while it is open."""
