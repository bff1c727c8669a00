"""Who may answer a request at this moment, as the directory says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals import refusals, rules
from bot.approvals.audit import event_of
from bot.approvals.errors import MayNotVote, Unreachable
from bot.approvals.ids import Person
from bot.approvals.ports import Directory, LookupFailed, Member, Storage
from bot.approvals.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    storage: Storage
    directory: Directory

    async def admit(
        self,
        request: Request,
        person: Person,
        version: int,
        now: datetime,
        *,
        counts: bool = False,
        surface: str | None = None,
    ) -> Member:
        """Who asks, looked up, past what is remembered where it `counts`; a refusal is recorded before it is raised.
        A failed look-up refuses."""
        rules.still_open(request, version)
        try:
            member = await self.directory.member(person)
            approvers = await self.directory.resolve(request.approvers, fresh=counts)
            if person not in approvers and not counts:
                approvers = await self.directory.resolve(request.approvers, fresh=True)
        except LookupFailed as failed:
            unknown = Unreachable("Slack did not say who you are")
            await self._record(request, person, unknown, now, surface)
            raise unknown from failed
        try:
            rules.may_vote(request, member, approvers)
        except MayNotVote as refusal:
            await self._record(request, person, refusal, now, surface)
            raise
        return member

    async def _record(
        self, request: Request, person: Person, refusal: Exception, now: datetime, surface: str | None
    ) -> None:
        data = refusals.reason(refusal)
        await self.storage.record(event_of(request, "refused", now, person=person, surface=surface, data=data))
