"""The clock's use case: one pass over what is due."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from bot.approvals import silence, surfaces, tally
from bot.approvals.admission import Admission
from bot.approvals.audit import event_of
from bot.approvals.changes import redraw, settled, until_won, wake
from bot.approvals.decision import Answered
from bot.approvals.errors import InvalidAnswer
from bot.approvals.ids import JSON, RequestId
from bot.approvals.policy import Via
from bot.approvals.ports import Directory, Engine, LookupFailed, Storage, Work
from bot.approvals.request import Decided, Request
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

    async def step(self, request_id: RequestId, now: datetime) -> None:
        """Take the steps of one request whose time has come, once, whoever else sweeps."""

        async def once() -> Request | None:
            request = await self.storage.request(request_id)
            due = self._taken(silence.next_step(request, now), now)
            if due.request is request:
                return None
            try:
                if due.request.stage_number != request.stage_number:
                    due = replace(due, request=await self._admission.introduced(due.request))
                copies = [*await self._copies(due, now), *await self._cards_in_channels(due, now)]
            except LookupFailed as failed:
                log.warning("request %s: its escalation waits for Slack's directory: %s", request_id, failed)
                return None
            reminders = [surfaces.reminder_of(request, now)] if due.remind else []
            data: dict[str, JSON] = {**settled(due.request), **_escalated(due)}
            event = event_of(due.request, _step_kind(due, request), now, data=data)
            return await self.storage.save_request(due.request, event, [*reminders, *copies])

        moved = await until_won(once)
        if moved is not None:
            await self._look_after_card(moved)
            wake(self.work, moved.task_id)

    def _taken(self, due: silence.Due, now: datetime) -> silence.Due:
        """The same, unless the graph would refuse what silence is to say: nobody has answered then."""
        decision = due.request.decision
        if isinstance(decision, Answered):
            try:
                self.engine.answer(due.request.question, due.request.proposed, decision)
            except InvalidAnswer as invalid:
                log.warning("request %s: its policy's answer to silence does not fit: %s", due.request.id, invalid)
                return silence.Due(request=silence.expired(due.request, now))
        return due

    async def _look_after_card(self, request: Request) -> None:
        """Have the card drawn again although nothing on it may have changed: somebody may have deleted it, and the
        reminder points at it."""
        for surface in await self.storage.surfaces_of(request.task_id):
            if surface.kind is SurfaceKind.CARD and surface.request_id == request.id and surface.ref is not None:
                await redraw(self.storage, self.work, surface.ref)

    async def _copies(self, due: silence.Due, now: datetime) -> list[Surface]:
        """A DM for everyone whom the escalation names and who may answer."""
        if not due.escalate:
            return []
        people = await self.directory.resolve(_names(due, Via.DM), fresh=True)
        members = [await self.directory.member(person) for person in people if tally.may_answer(due.request, person)]
        chosen = sorted((each.person for each in members if not each.ineligible), key=lambda p: p.user_id)
        return [surfaces.copy_of(due.request, person, now) for person in chosen]

    async def _cards_in_channels(self, due: silence.Due, now: datetime) -> list[Surface]:
        """The card in every channel that the escalation names and that there is."""
        found = []
        for ref in _names(due, Via.CHANNEL):
            channel = await self.directory.channel(ref)
            if channel is None:
                log.warning("request %s: there is no channel %s to send its card to", due.request.id, ref)
            else:
                found.append(surfaces.copy_in(due.request, channel, now))
        return found

    @property
    def _admission(self) -> Admission:
        return Admission(storage=self.storage, directory=self.directory)


def _step_kind(due: silence.Due, before: Request) -> str:
    if isinstance(due.request.decision, Answered) or due.request.stage_number != before.stage_number:
        return "ruled"
    if isinstance(due.request.state, Decided):
        return "expired"
    return "escalated" if due.escalate else "reminded"


def _names(due: silence.Due, *via: Via) -> list[str]:
    """Whom the steps ask, as the policy names them: by these ways, or by any."""
    return [ref for escalation in due.escalate if not via or escalation.via in via for ref in escalation.to]


def _escalated(due: silence.Due) -> dict[str, JSON]:
    return {"to": list[JSON](_names(due))} if due.escalate else {}
