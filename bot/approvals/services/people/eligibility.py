"""Who may answer a request at this moment, as the directory says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.approvals.model.actor import Shown
from bot.approvals.model.errors import NotTold, Unreachable
from bot.approvals.model.ids import Person
from bot.approvals.model.people import Member
from bot.approvals.model.request import Pending, Request
from bot.approvals.ports.slack import Directory, LookupFailed, LookupRefused
from bot.approvals.rules import eligible, schedule
from bot.approvals.rules.eligible import EligibleApprovers, missing
from bot.approvals.services.people.lookup import look_up

log = logging.getLogger(__name__)

MAX_LOOKED_UP = 50
"""How many accounts are looked up when a stage is opened. In a larger group, the others are assumed to be able to
answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    directory: Directory

    async def admit(self, request: Request, person: Person, shown: Shown, *, fresh: bool) -> EligibleApprovers:
        """The people who may answer now, if this person is one of them. If `fresh`, Slack is asked again instead of
        relying on what is remembered.

        Raises `AlreadySettled`, `StaleVersion`, `DrawnBefore` or `MayNotVote`, or `Unreachable` if a look-up fails.
        """
        eligible.refuse_unless_shown(request, shown)
        return await self.recognise(request, person, fresh=fresh)

    async def recognise(self, request: Request, person: Person, *, fresh: bool) -> EligibleApprovers:
        """Like `admit`, but also for a request that is settled or has changed."""
        try:
            member = await self.directory.member(person, fresh=fresh)
            approvers = await self.approvers(request, fresh=fresh)
            if person not in approvers.people and not fresh:
                approvers = await self.approvers(request, fresh=True)
        except LookupRefused as refused:
            raise NotTold([f"Your account {refused}."]) from refused
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who you are") from failed
        eligible.refuse_unless_eligible(request, member, approvers)
        return approvers

    async def approvers(self, request: Request, *, fresh: bool) -> EligibleApprovers:
        """The people in each group of the request's stage, with each delegate in place of the person who gave them
        their vote. People who have voted or delegated but may no longer answer are left out.

        Raises `LookupFailed` if Slack does not say who they are.
        """
        resolved = await self._resolved(request, fresh=fresh)
        delegations = request.stage_delegations
        givers = await self._members((each.by for each in delegations), fresh=fresh)
        able = resolved.without(each.person for each in givers if not eligible.is_eligible(each, resolved))
        approvers = able.standing_in(delegations)
        voters = await self._members((vote.person for vote in request.stage_votes), fresh=fresh)
        return approvers.without(each.person for each in voters if not eligible.is_eligible(each, approvers))

    async def introduced(self, request: Request) -> Request:
        """The request, with the people whom its stage asks and whether they are enough, for the card. If Slack does not
        say who they are, the card shows the policy's names."""
        try:
            approvers = await self._resolved(request, fresh=False)
            members = await self._members(sorted(approvers.people, key=_id)[:MAX_LOOKED_UP], fresh=False)
        except LookupFailed as failed:
            log.warning("who may answer could not be looked up, so the card shows the policy's names: %s", failed)
            untold = (f"Their accounts {failed}.",) if isinstance(failed, LookupRefused) else ()
            return replace(request, open=replace(request.open, asked=(), short=0, zones=(), untold=untold))
        unable = {each.person for each in members if not eligible.is_eligible(each, approvers)}
        able = sorted(approvers.people - unable, key=_id)
        counting = [person for person in able if eligible.counts(request, person, approvers)]
        introduced = replace(
            request,
            open=replace(
                request.open,
                asked=tuple(able),
                short=sum(missing(request.stage.groups, approvers, counting)),
                zones=tuple(sorted({each.zone for each in members if each.zone})) if _own_hours(request) else (),
                untold=approvers.untold,
            ),
        )
        state = request.state
        return replace(introduced, state=schedule.due_next(introduced, state) if isinstance(state, Pending) else state)

    # --- Within ---------------------------------------------------------------------------------

    async def _resolved(self, request: Request, *, fresh: bool) -> EligibleApprovers:
        """The people that the names of the request's stage resolve to. A name that resolved to nobody when the request
        was opened still means nobody."""
        refs = request.approvers
        looked_up = await asyncio.gather(*(look_up(self.directory, ref, fresh=fresh) for ref in refs))
        found = {ref: each for ref, each in zip(refs, looked_up, strict=True) if isinstance(each, frozenset)}
        told = eligible.NOBODY.union(*(found.get(ref, eligible.NOBODY) for ref in request.told))
        ordinary = {each.person for each in await self._members(told, fresh=fresh) if not each.ineligible}
        untold = [f"{ref} {why}." for ref, why in zip(refs, looked_up, strict=True) if isinstance(why, LookupRefused)]
        return eligible.standing(request, found, ordinary, untold)

    async def _members(self, people: Iterable[Person], *, fresh: bool) -> Sequence[Member]:
        return await asyncio.gather(*(self.directory.member(person, fresh=fresh) for person in people))


def _id(person: Person) -> str:
    return person.user_id


def _own_hours(request: Request) -> bool:
    return request.policy.hours is not None and not request.policy.hours.zone
