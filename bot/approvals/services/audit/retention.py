"""Deletes what has ended: checkpoints after a while, and records when the audit retention says so.

Nothing that still waits is deleted, however long it waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.approvals.model.audit import PURGED, AuditEvent
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.storage import TaskStore

MAX_TASKS_PER_SWEEP = 50
"""Tasks of each kind that one sweep takes on; the next one goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    storage: TaskStore
    engine: Engine
    keep_finished: timedelta
    """How long the checkpoints of an ended task are kept."""
    keep_records: timedelta | None
    """How long its records and the text of its audit events are kept. None: for ever."""

    async def sweep(self, now: datetime) -> None:
        """Delete what is past its time. Any number of processes may do this at once."""
        for task in await self.storage.ended(now - self.keep_finished, MAX_TASKS_PER_SWEEP, forgotten=False):
            await self.engine.forget(task)
            await self.storage.forget(task.id, AuditEvent(kind="checkpoints_deleted", at=now, task_id=task.id))
        if self.keep_records is None:
            return
        for task in await self.storage.ended(now - self.keep_records, MAX_TASKS_PER_SWEEP, forgotten=True):
            await self.storage.purge(task.id, AuditEvent(kind=PURGED, at=now, task_id=task.id))
