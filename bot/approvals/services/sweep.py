"""One pass over everything that is due, so that nothing waits for a wake-up that got lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Work
from bot.approvals.services.due_steps import DueSteps

SWEEP_LIMIT = 200
"""Records of each kind that one sweep takes on; the next one goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    storage: Storage
    due_steps: DueSteps
    work: Work

    async def sweep(self, now: datetime, *, take_over: bool = True) -> None:
        """One pass over what is due: windows that have passed, decisions that have not reached their graph,
        tasks whose process died, messages that lag behind. Any number of processes may sweep at once.

        Without `take_over`, threads are left to those who drove them: after an outage of storage, in which no lease
        could be renewed, these come first.
        """
        for request in await self.storage.due(now, SWEEP_LIMIT):
            await self.due_steps.step(request.id, now)
        if take_over:
            for request in await self.storage.undelivered(now, SWEEP_LIMIT):
                self.work.deliver(request.task_id)
            for task in await self.storage.orphans(now, SWEEP_LIMIT):
                self.work.deliver(task.id)
        for message in await self.storage.out_of_date(now, SWEEP_LIMIT):
            self.work.show(message.task_id)
