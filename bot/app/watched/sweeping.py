"""A role's sweep: one look at everything that is due, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import SweepEnded, named
from bot.approvals.ports.telemetry import Telemetry


async def sweep(telemetry: Telemetry, role: str, look: Callable[[], Awaitable[None]]) -> bool:
    """Has everything looked at that is due. Returns False if something did not answer: then the next sweep goes on."""
    began, error = time.perf_counter(), ""
    try:
        await look()
    except Unreachable as away:
        error = named(away)
    seconds = time.perf_counter() - began
    telemetry.tell(SweepEnded(role=role, seconds=seconds, cut_short=bool(error), error=error))
    return not error
