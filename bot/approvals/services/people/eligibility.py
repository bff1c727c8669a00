"""Who may answer a request at this moment, as the directory says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.audit import event_of
from bot.approvals.model.errors import CountersignError, MayNotVote, NotTold, Unreachable
from bot.approvals.model.ids import Person
from bot.approvals.model.people import Member
from bot.approvals.model.request import Pending, Request
from bot.approvals.ports.slack import Directory, LookupFailed, LookupRefused
from bot.approvals.ports.storage import Storage
from bot.approvals.rules import lifecycle, schedule, voting
from bot.approvals.rules.eligible import EligibleApprovers, missing
from bot.approvals.rules.matching import names_one
from bot.approvals.services import unit_of_work
from bot.approvals.services.people.lookup import Found, look_up, people

log = logging.getLogger(__name__)

MOST_LOOKED_UP = 50
"""Accounts that are looked at when a stage is opened; of a larger group the others are taken to be able."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    storage: Storage
    directory: Directory

    async def admit(
        self,
        request: Request,
        actor: Actor,
        shown: Shown,
        *,
        counts: bool = False,
    ) -> EligibleApprovers:
        """Who may answer now, this person among them; looked up past what is remembered if it `counts`.

        `AlreadySettled`, `StaleVersion`, `MayNotVote`, or `Unreachable`: a failed look-up refuses. A refusal of the
        person is recorded before it is raised.
        """
        lifecycle.refuse_unless_shown(request, shown)
        return await self.recognise(request, actor, fresh=counts)

    async def recognise(self, request: Request, actor: Actor, *, fresh: bool = False) -> EligibleApprovers:
        """As `admit`, also of a request that is over or has moved on."""
        try:
            member = await self.directory.member(actor.person, fresh=fresh)
            electorate = await self.electorate(request, fresh=fresh)
            if actor.person not in electorate.people and not fresh:
                electorate = await self.electorate(request, fresh=True)
        except LookupFailed as failed:
            unknown: CountersignError = Unreachable("Slack did not say who you are")
            if isinstance(failed, LookupRefused):
                unknown = NotTold([f"Your account {failed}."])
            await self._record(request, actor, unknown)
            raise unknown from failed
        try:
            lifecycle.may_vote(request, member, electorate)
        except MayNotVote as refusal:
            await self._record(request, actor, refusal)
            raise
        return electorate

    async def electorate(self, request: Request, *, fresh: bool) -> EligibleApprovers:
        """Who stands in each group of the request's stage, each delegate in the place of whoever gave them their vote,
        but for those who have voted and may not any more; `LookupFailed` where Slack does not say."""
        resolved = await self._resolved(request, fresh=fresh)
        delegations = request.stage_delegations
        givers = await self._members((each.by for each in delegations), fresh=fresh)
        able = resolved.without(each.person for each in givers if not lifecycle.eligible(each, resolved))
        electorate = able.standing_in(delegations)
        voters = await self._members((vote.person for vote in request.stage_votes), fresh=fresh)
        return electorate.without(each.person for each in voters if not lifecycle.eligible(each, electorate))

    async def introduced(self, request: Request) -> Request:
        """The request, with those whom its stage asks and whether they are enough, as the card says; where Slack does
        not say who they are, the card shows the policy's names."""
        try:
            electorate = await self._resolved(request, fresh=False)
            members = await self._members(sorted(electorate.people, key=_id)[:MOST_LOOKED_UP], fresh=False)
        except LookupFailed as failed:
            log.warning("who may answer could not be looked up, so the card shows the policy's names: %s", failed)
            untold = (f"Their accounts {failed}.",) if isinstance(failed, LookupRefused) else ()
            return replace(request, asked=(), short=0, zones=(), untold=untold)
        unable = {each.person for each in members if not lifecycle.eligible(each, electorate)}
        able = sorted(electorate.people - unable, key=_id)
        counting = [person for person in able if voting.counts(request, person, electorate)]
        introduced = replace(
            request,
            asked=tuple(able),
            short=sum(missing(request.stage.groups, electorate, counting)),
            zones=tuple(sorted({each.zone for each in members if each.zone})) if _own_hours(request) else (),
            untold=electorate.untold,
        )
        state = request.state
        return replace(introduced, state=schedule.due_next(introduced, state) if isinstance(state, Pending) else state)

    # --- Within ---------------------------------------------------------------------------------

    async def _record(self, request: Request, actor: Actor, refusal: CountersignError) -> None:
        data = unit_of_work.reason(refusal, actor)
        event = event_of(request, "refused", actor.at, person=actor.person, surface=actor.surface, data=data)
        await self.storage.record(event)

    async def _resolved(self, request: Request, *, fresh: bool) -> EligibleApprovers:
        """Whom the names of the request's stage mean. A name that meant nobody at the opening means nobody."""
        groups = request.stage.groups
        told = [ref for group in groups for ref in group.held]
        refs, held = request.approvers, request.held
        found = dict(
            zip(refs, await asyncio.gather(*(look_up(self.directory, ref, fresh=fresh) for ref in refs)), strict=True)
        )
        ordinary = await self._ordinary(request.known((*told, *request.escalated_held)), found, fresh=fresh)

        def asked(own: Sequence[str], held: Sequence[str]) -> frozenset[Person]:
            named = (_in(found, ref) for ref in own if ref not in held)
            return frozenset[Person]().union(*named, *(_in(found, ref) & ordinary for ref in held))

        beside = asked(request.escalated_to, request.escalated_held)
        if request.asks_requester:
            beside |= {request.requester}
        return EligibleApprovers(
            groups=tuple(asked(group.approvers, group.held) | beside for group in groups),
            named=frozenset[Person]().union(*(_in(found, ref) for ref in refs if names_one(ref) and ref not in held)),
            untold=tuple(f"{ref} {why}." for ref, why in found.items() if isinstance(why, LookupRefused)),
        )

    async def _ordinary(self, held: Sequence[str], found: Mapping[str, Found], *, fresh: bool) -> frozenset[Person]:
        """Those whom the question names and who are ordinary members: no guests, and nobody of another company."""
        told = frozenset[Person]().union(*(_in(found, ref) for ref in held))
        return frozenset(each.person for each in await self._members(told, fresh=fresh) if not each.ineligible)

    async def _members(self, people: Iterable[Person], *, fresh: bool) -> Sequence[Member]:
        return await asyncio.gather(*(self.directory.member(person, fresh=fresh) for person in people))


def _in(found: Mapping[str, Found], ref: str) -> frozenset[Person]:
    return people(found[ref]) if ref in found else frozenset()


def _id(person: Person) -> str:
    return person.user_id


def _own_hours(request: Request) -> bool:
    return request.policy.hours is not None and not request.policy.hours.zone
