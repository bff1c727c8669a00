"""What stores note beside a request so that they can count what waits without reading it."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.model.request import Decided


def may_begin(state: Decided) -> datetime:
    """When the delivery of this decision may begin: at once, or when its hold is over."""
    at = state.decision.at
    return at if state.held_until is None else max(at, state.held_until)
