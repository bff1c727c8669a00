"""The clock's use case: one pass over what is due."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from bot.approvals import besides, rules, silence, surfaces, tally
from bot.approvals.audit import AuditEvent
from bot.approvals.changes import redraw, settled, until_won, wake
from bot.approvals.electorate import Electorate
from bot.approvals.ids import JSON, RequestId
from bot.approvals.notes import Unreached
from bot.approvals.ports import Directory, Engine, LookupFailed, Storage, Work
from bot.approvals.request import Decided, Pending, Request
from bot.approvals.selection import names_one
from bot.approvals.surface import Surface, SurfaceKind

log = logging.getLogger(__name__)

SWEEP_LIMIT = 200
"""Records of each kind that one sweep takes on; the next one goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    storage: Storage
    engine: Engine
    directory: Directory
    work: Work

    async def sweep(self, now: datetime) -> None:
        """One pass over what is due: windows that have passed, decisions that have not reached their graph,
        tasks whose process died, messages that lag behind. Any number of processes may sweep at once."""
        for request in await self.storage.due(now, SWEEP_LIMIT):
            await self.step(request.id, now)
        for request in await self.storage.undelivered(now, SWEEP_LIMIT):
            self.work.deliver(request.task_id)
        for task in await self.storage.orphans(now, SWEEP_LIMIT):
            self.work.deliver(task.id)
        for surface in await self.storage.stale(now, SWEEP_LIMIT):
            self.work.show(surface.task_id)

    async def current(self, request_id: RequestId, now: datetime) -> Request:
        """The request; one whose deadline has passed is expired first, however far off the next sweep is."""
        request = await self.storage.request(request_id)
        if isinstance(request.state, Pending) and request.deadline is not None and request.deadline <= now:
            await self.step(request_id, now)
            return await self.storage.request(request_id)
        return request

    async def step(self, request_id: RequestId, now: datetime) -> None:
        """Take the steps of one request whose time has come, once, whoever else sweeps."""

        async def once() -> Request | None:
            request = await self.storage.request(request_id)
            due = silence.next_step(request, now)
            if due.request is request:
                return None
            try:
                moved, asked = await self._ask(due, now)
            except LookupFailed as failed:
                log.warning("request %s: its escalation waits for Slack's directory: %s", request_id, failed)
                return None
            reminders = [surfaces.reminder_of(request, now)] if due.remind else []
            event = AuditEvent(
                kind=_step_kind(due),
                at=now,
                task_id=request.task_id,
                request_id=request_id,
                data={**settled(moved), **_escalated(moved, due)},
            )
            return await self.storage.save_request(moved, event, [*reminders, *asked])

        moved = await until_won(once)
        if moved is not None:
            await self._look_after_card(moved)
            wake(self.work, moved.task_id)

    async def _look_after_card(self, request: Request) -> None:
        """Have the card drawn again although nothing on it may have changed: somebody may have deleted it, and the
        reminder points at it."""
        for surface in await self.storage.surfaces_of(request.task_id):
            if surface.kind is SurfaceKind.CARD and surface.request_id == request.id and surface.ref is not None:
                await redraw(self.storage, self.work, surface.ref)

    async def _ask(self, due: silence.Due, now: datetime) -> tuple[Request, list[Surface]]:
        """A DM for everyone whom the escalation names and who may answer; whom it cannot ask is noted, and said."""
        request = due.request
        if not due.escalate:
            return request, []
        names = _names(due)
        electorate = Electorate(groups=(), named=await self.directory.resolve([ref for ref in names if names_one(ref)]))
        people = await self.directory.resolve(names, fresh=True)
        wanted = sorted((each for each in people if tally.may_answer(request, each)), key=lambda each: each.user_id)
        members = [await self.directory.member(person) for person in wanted]
        barred = [member for member in members if not rules.eligible(member, electorate)]
        missing = [Unreached(person=each.person, why=each.ineligible, asked_at=now) for each in barred]
        if not wanted:
            missing = [Unreached(person=None, why=", ".join(names), asked_at=now)]
        gone = {each.person for each in missing}
        copies = [surfaces.copy_of(request, person, now) for person in wanted if person not in gone]
        said = [surfaces.unreached_of(request, now)] if missing else []
        return besides.missed(request, missing, wanted), [*copies, *said]


def _step_kind(due: silence.Due) -> str:
    if isinstance(due.request.state, Decided):
        return "expired"
    return "escalated" if due.escalate else "reminded"


def _names(due: silence.Due) -> list[str]:
    return [ref for escalation in due.escalate for ref in escalation.to]


def _escalated(moved: Request, due: silence.Due) -> dict[str, JSON]:
    """Whom a step asked, as the policy names them, and whom of them it could not ask."""
    missing: list[JSON] = [
        {"user": each.person.user_id if each.person else None, "why": each.why}
        for each in moved.unreached[len(due.request.unreached) :]
    ]
    return {**({"to": list[JSON](_names(due))} if due.escalate else {}), **({"unreached": missing} if missing else {})}
