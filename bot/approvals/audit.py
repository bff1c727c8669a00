"""What happened, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.approvals.ids import JSON, Person, RequestId, TaskId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What happened, written in the same transaction as the change that it tells of."""

    kind: str
    at: datetime
    task_id: TaskId
    request_id: RequestId | None = None
    person: Person | None = None
    data: Mapping[str, JSON] = field(default_factory=dict)
