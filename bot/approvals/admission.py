"""Who may answer a request at this moment, as the directory says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.approvals import refusals, rules, tally, windows
from bot.approvals.audit import event_of
from bot.approvals.electorate import Electorate, missing
from bot.approvals.errors import MayNotVote, Unreachable
from bot.approvals.ids import Person
from bot.approvals.ports import Directory, LookupFailed, Member, Storage
from bot.approvals.request import Pending, Request
from bot.approvals.selection import names_one

log = logging.getLogger(__name__)

MOST_LOOKED_UP = 50
"""Accounts that are looked at when a stage is opened; of a larger group the others are taken to be able."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    storage: Storage
    directory: Directory

    async def admit(
        self,
        request: Request,
        person: Person,
        version: int,
        digest: str | None,
        now: datetime,
        *,
        counts: bool = False,
        surface: str | None = None,
    ) -> Electorate:
        """Who may answer now, this person among them; looked up past what is remembered where it `counts`. `version`
        and `digest` are those of what the person was shown.

        `AlreadySettled`, `StaleVersion`, `MayNotVote`, or `Unreachable`: a failed look-up refuses. A refusal of the
        person is recorded before it is raised.
        """
        rules.shown(request, version, digest)
        return await self.recognise(request, person, now, fresh=counts, surface=surface)

    async def recognise(
        self, request: Request, person: Person, now: datetime, *, fresh: bool = False, surface: str | None = None
    ) -> Electorate:
        """As `admit`, also of a request that is over or has moved on."""
        try:
            member = await self.directory.member(person)
            electorate = await self.electorate(request, fresh=fresh)
            if person not in electorate.people and not fresh:
                electorate = await self.electorate(request, fresh=True)
        except LookupFailed as failed:
            unknown = Unreachable("Slack did not say who you are")
            await self._record(request, person, unknown, now, surface)
            raise unknown from failed
        try:
            rules.may_vote(request, member, electorate)
        except MayNotVote as refusal:
            await self._record(request, person, refusal, now, surface)
            raise
        return electorate

    async def electorate(self, request: Request, *, fresh: bool) -> Electorate:
        """Who stands in each group of the request's stage, each delegate in the place of whoever gave them their vote,
        but for those who have voted and may not any more; `LookupFailed` where Slack does not say."""
        resolved = await self._resolved(request, fresh=fresh)
        givers = await self._members(each.by for each in request.delegations)
        able = resolved.without(each.person for each in givers if not rules.eligible(each, resolved))
        electorate = able.standing_in(request.delegations)
        voters = await self._members(vote.person for vote in request.stage_votes)
        return electorate.without(each.person for each in voters if not rules.eligible(each, electorate))

    async def introduced(self, request: Request) -> Request:
        """The request, with those whom its stage asks and whether they are enough, as the card says; where Slack does
        not say who they are, the card shows the policy's names."""
        try:
            electorate = await self._resolved(request, fresh=False)
            members = await self._members(sorted(electorate.people, key=_id)[:MOST_LOOKED_UP])
        except LookupFailed as failed:
            log.warning("who may answer could not be looked up, so the card shows the policy's names: %s", failed)
            return replace(request, asked=(), short=0, zones=())
        unable = {each.person for each in members if not rules.eligible(each, electorate)}
        able = sorted(electorate.people - unable, key=_id)
        counting = [person for person in able if tally.counts(request, person, electorate)]
        introduced = replace(
            request,
            asked=tuple(able),
            short=sum(missing(request.stage.groups, electorate, counting)),
            zones=tuple(sorted({each.zone for each in members if each.zone})) if _own_hours(request) else (),
        )
        state = request.state
        return replace(introduced, state=windows.due_next(introduced, state) if isinstance(state, Pending) else state)

    # --- Within ---------------------------------------------------------------------------------

    async def _record(
        self, request: Request, person: Person, refusal: Exception, now: datetime, surface: str | None
    ) -> None:
        data = refusals.reason(refusal)
        await self.storage.record(event_of(request, "refused", now, person=person, surface=surface, data=data))

    async def _resolved(self, request: Request, *, fresh: bool) -> Electorate:
        groups = [group.approvers for group in request.stage.groups]
        added = request.escalated_to
        named = tuple(ref for ref in request.approvers if names_one(ref))
        *found, beside, by_name = await asyncio.gather(
            *(self.directory.resolve(refs, fresh=fresh) for refs in (*groups, added, named))
        )
        if request.asks_requester:
            beside = beside | {request.requester}
        return Electorate(groups=tuple(group | beside for group in found), named=by_name)

    async def _members(self, people: Iterable[Person]) -> Sequence[Member]:
        return await asyncio.gather(*(self.directory.member(person) for person in people))


def _id(person: Person) -> str:
    return person.user_id


def _own_hours(request: Request) -> bool:
    return request.policy.hours is not None and not request.policy.hours.zone
