"""What an operator can do to a task by a command, whoever it belongs to, and whether or not a bot runs.

Each change is one transaction that leaves nothing half done: whoever sweeps next, also after a start, goes on from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.errors import NothingToRetry, TaskFinished
from bot.approvals.model.ids import JSON, Operator, TaskId
from bot.approvals.model.request import Decided
from bot.approvals.model.task import Failed, Starting, TaskCancelled
from bot.approvals.ports.storage import Change, Records, Storage
from bot.approvals.ports.work import Work
from bot.approvals.rules import lifecycle
from bot.approvals.services import cancelling
from bot.approvals.services.unit_of_work import until_won, wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Each method returns the records as they are stored. It raises `NotFound` if there is no such task."""

    storage: Storage
    work: Work
    by: Operator
    signature: str
    """Who did it, as the audit log names them."""

    async def cancel(self, task_id: TaskId, at: datetime, reason: str = "") -> Records:
        """End a task: its open requests are settled as cancelled, and its agent is not resumed. A step that is running
        is stopped within seconds; what it has done stays. Raises `TaskFinished`."""

        async def once() -> None:
            records = await self.storage.records_of(task_id)
            if records.task.finished:
                raise TaskFinished(task_id)
            over = TaskCancelled(by=self.by, at=at, reason=reason)
            told = {**self._by, "reason": reason} if reason else self._by
            await self.storage.save_all(cancelling.changes(records, over, told, closes=is_of_caller(task_id)))

        await until_won(once)
        return await self._woken(task_id)

    async def retry(self, task_id: TaskId, at: datetime) -> Records:
        """Have a failed task and its undelivered decisions tried again now. Raises `NothingToRetry` if no error has
        stopped the task, or if it cannot go on."""

        async def once() -> None:
            records = await self.storage.records_of(task_id)
            task = records.task
            if not isinstance(task.state, Failed) or not task.state.retryable:
                raise NothingToRetry(task_id)
            event = AuditEvent(kind="retried", at=at, task_id=task_id, data=self._by)
            again = [
                Change(record=lifecycle.retried(each, at), event=event_of(each, "retried", at, data=self._by))
                for each in records.requests
                if isinstance(each.state, Decided)
            ]
            await self.storage.save_all([*again, Change(record=replace(task, state=Starting(), tries=0), event=event)])

        await until_won(once)
        return await self._woken(task_id)

    # --- Within -----------------------------------------------------------------------------------

    @property
    def _by(self) -> Mapping[str, JSON]:
        return {"by": self.signature}

    async def _woken(self, task_id: TaskId) -> Records:
        wake(self.work, task_id)
        return await self.storage.records_of(task_id)
