"""What happened, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.approvals.ids import JSON, Person, RequestId, TaskId
from bot.approvals.request import Request

COMMAND: Final = "command"
"""The surface of what was typed as a slash command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What happened, written in the same transaction as the change that it tells of."""

    kind: str
    at: datetime
    task_id: TaskId
    request_id: RequestId | None = None
    person: Person | None = None
    """Who did it, or whose DM it was shown in; None where it was nobody's deed."""
    surface: str = ""
    """The id of the `Surface` that it was done on or is shown on, or `command`; empty where there is none."""
    digest: str = ""
    """Of the question as it stood then; empty where it is about no question."""
    rule: str = ""
    """The name of the policy's rule that governs the request."""
    data: Mapping[str, JSON] = field(default_factory=dict)


def event_of(
    request: Request,
    kind: str,
    at: datetime,
    *,
    person: Person | None = None,
    surface: str | None = None,
    data: Mapping[str, JSON] | None = None,
) -> AuditEvent:
    """An event of a request, on the digest that it asks for and under the rule that governs it."""
    return AuditEvent(
        kind=kind,
        at=at,
        task_id=request.task_id,
        request_id=request.id,
        person=person,
        surface=surface or "",
        digest=request.digest,
        rule=request.policy.name,
        data=data or {},
    )
