"""Refusals on the record: what somebody tried, and why they could not.

Whoever may not answer at all is recorded by `admission`, which every answer passes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from bot.approvals.audit import AuditEvent, event_of
from bot.approvals.errors import Conflict, CountersignError, MayNotVote, NotFound, Unreachable
from bot.approvals.ids import JSON, Person, RequestId, TaskId
from bot.approvals.ports import Storage

_NO_REFUSALS = (MayNotVote, NotFound, Conflict, Unreachable)
"""Recorded already, about nothing, or not about this person."""


@asynccontextmanager
async def of_request(
    storage: Storage, request_id: RequestId, person: Person, tried: str, now: datetime, surface: str | None = None
) -> AsyncIterator[None]:
    """Record why the block refuses the person, before it does."""
    try:
        yield
    except _NO_REFUSALS:
        raise
    except CountersignError as refusal:
        request = await storage.request(request_id)
        data = {**reason(refusal), "tried": tried}
        await storage.record(event_of(request, "refused", now, person=person, surface=surface, data=data))
        raise


@asynccontextmanager
async def of_task(
    storage: Storage, task_id: TaskId, person: Person, tried: str, now: datetime, surface: str | None = None
) -> AsyncIterator[None]:
    """The same, of what is about a task and none of its requests."""
    try:
        yield
    except _NO_REFUSALS:
        raise
    except CountersignError as refusal:
        await storage.record(
            AuditEvent(
                kind="refused",
                at=now,
                task_id=task_id,
                person=person,
                surface=surface or "",
                data={**reason(refusal), "tried": tried},
            )
        )
        raise


def reason(refusal: Exception) -> dict[str, JSON]:
    """Why, as it is kept: its kind, and what the person was told."""
    return {"why": type(refusal).__name__, "said": str(refusal)}
