"""Passes over everything that is due, so that nothing depends on a wake-up that may be lost. Any number of processes
may sweep at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Work
from bot.approvals.services.due_steps import DueSteps

MAX_PER_SWEEP = 200
"""How many records of each kind one sweep takes on. The next sweep goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSweep:
    """What people are to be asked, reminded of and shown."""

    storage: Storage
    due_steps: DueSteps
    work: Work

    async def sweep(self, now: datetime) -> None:
        """Take the steps that are due, and wake the work for messages that are out of date."""
        for request in await self.storage.due(now, MAX_PER_SWEEP):
            await self.due_steps.step(request.id, now)
        for message in await self.storage.out_of_date(now, MAX_PER_SWEEP):
            self.work.show(message.task_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSweep:
    """What agents, or callers, are still to be told, and tasks whose process died."""

    storage: Storage
    work: Work
    elsewhere: bool = False
    """Whether this process drives the tasks whose agents run elsewhere (`runs_elsewhere`), and not those of workers."""

    async def sweep(self, now: datetime, *, take_over: bool = True) -> None:
        """Wake the work for decisions that have not reached their agent, and for tasks that nobody drives.

        Without `take_over`, threads are left to the processes that drove them. After an outage of storage, during which
        no lease could be renewed, these processes get the first chance.
        """
        if not take_over:
            return
        for request in await self.storage.undelivered(now, MAX_PER_SWEEP, elsewhere=self.elsewhere):
            self.work.deliver(request.task_id)
        for task in await self.storage.orphans(now, MAX_PER_SWEEP, elsewhere=self.elsewhere):
            self.work.deliver(task.id)
