"""Who may answer a request at this moment, as the directory says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.approvals import rules
from bot.approvals.audit import AuditEvent
from bot.approvals.errors import MayNotVote, Unreachable
from bot.approvals.ids import Person
from bot.approvals.ports import Directory, LookupFailed, Member, Storage
from bot.approvals.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    storage: Storage
    directory: Directory

    async def admit(
        self, request: Request, person: Person, version: int, now: datetime, *, counts: bool = False
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
            raise Unreachable("Slack did not say who you are") from failed
        try:
            rules.may_vote(request, member, approvers)
        except MayNotVote as refusal:
            await self.storage.record(
                AuditEvent(
                    kind="refused",
                    at=now,
                    task_id=request.task_id,
                    request_id=request.id,
                    person=person,
                    data={"why": type(refusal).__name__},
                )
            )
            raise
        return member
