"""Who may answer a request at one moment, and whether those who agree are enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

from bot.approvals.model.actor import Shown
from bot.approvals.model.errors import (
    AgreedBefore,
    AlreadySettled,
    DrawnBefore,
    NotAnApprover,
    NotEligible,
    NotTold,
    OwnRequest,
    StaleVersion,
    VoteGiven,
)
from bot.approvals.model.ids import Person
from bot.approvals.model.people import Member
from bot.approvals.model.policy import Group
from bot.approvals.model.request import Delegation, Pending, Request

NOBODY: Final = frozenset[Person]()


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibleApprovers:
    """The people of each group, in the stage's order, as the directory says now."""

    groups: tuple[frozenset[Person], ...]
    named: frozenset[Person] = frozenset()
    """Those whom the policy names themselves, by id or e-mail, and not by a group that they are in."""
    untold: tuple[str, ...] = ()
    """What the directory will not say of the others: finished sentences. Whoever is meant is in no group."""

    @property
    def people(self) -> frozenset[Person]:
        return frozenset[Person]().union(*self.groups)

    def standing_in(self, delegations: Iterable[Delegation]) -> EligibleApprovers:
        """The same, with each who was given a vote in the giver's place, wherever that one stands."""
        given = {each.by: each.to for each in delegations}
        return replace(
            self, groups=tuple(frozenset(given.get(person, person) for person in group) for group in self.groups)
        )

    def without(self, people: Iterable[Person]) -> EligibleApprovers:
        """The same, but for these: their account may not answer any more."""
        gone = frozenset(people)
        return replace(self, groups=tuple(group - gone for group in self.groups), named=self.named - gone)


def standing(
    request: Request, found: Mapping[str, frozenset[Person]], ordinary: Set[Person], untold: Sequence[str] = ()
) -> EligibleApprovers:
    """Who stands in each group of the request's stage, by whom each name means (`found`). Those whom only the question
    names stand there if they are `ordinary` members."""

    def asked(own: Sequence[str], held: Sequence[str]) -> frozenset[Person]:
        named = (found.get(ref, NOBODY) for ref in own if ref not in held)
        return NOBODY.union(*named, *(found.get(ref, NOBODY) & ordinary for ref in held))

    beside = asked(request.open.escalated_to, request.open.escalated_held)
    if request.asks_requester:
        beside |= {request.requester}
    return EligibleApprovers(
        groups=tuple(asked(group.approvers, group.held) | beside for group in request.stage.groups),
        named=NOBODY.union(*(found.get(ref, NOBODY) for ref in request.named)),
        untold=tuple(untold),
    )


# --- Who may answer -----------------------------------------------------------------------------


def still_open(request: Request, version: int, digest: str | None = None) -> Pending:
    """The pending state, if the request can still be answered on this version; `AlreadySettled` or `StaleVersion`."""
    if not isinstance(request.state, Pending):
        raise AlreadySettled(request.id, request.decision)
    if version != request.version or (digest is not None and digest != request.digest):
        raise StaleVersion(request.id)
    return request.state


def refuse_unless_shown(request: Request, shown: Shown) -> None:
    """Return if the request can still be answered and a person was shown it as it stands; else `AlreadySettled`,
    `StaleVersion`, or `DrawnBefore` if nothing says what they were shown."""
    still_open(request, shown.version)
    if shown.digest is None:
        raise DrawnBefore(request.id)
    still_open(request, shown.version, shown.digest)


def refuse_unless_eligible(request: Request, member: Member, approvers: EligibleApprovers) -> None:
    """Return if this member may answer; else raise `NotEligible`, `NotAnApprover`, `NotTold`, `OwnRequest`,
    `VoteGiven` or `AgreedBefore`.

    `electorate` is what the directory makes of the request's stage now, not what it was at the opening.
    """
    person = member.person
    if not is_eligible(member, approvers):
        raise NotEligible(member.ineligible)
    if not may_answer(request, person):
        raise OwnRequest(_who_may(request, approvers))
    given = {each.by: each.to for each in request.stage_delegations}
    if person in given:
        raise VoteGiven(given[person])
    if person not in approvers.people:
        raise NotTold(approvers.untold) if approvers.untold else NotAnApprover(_who_may(request, approvers))
    if not counts(request, person, approvers):
        raise AgreedBefore(_who_may(request, approvers))


def is_eligible(member: Member, approvers: EligibleApprovers) -> bool:
    """Whether this account may answer anything, or is one that the policy names although it would not."""
    return not member.ineligible or (member.nameable and member.person in approvers.named)


def may_answer(request: Request, person: Person) -> bool:
    """Whether somebody is not kept out by being the requester."""
    return person != request.requester or request.policy.self_approval or request.asks_requester


def counts(request: Request, person: Person, approvers: EligibleApprovers) -> bool:
    """Whether this person's vote counts in the stage: they may answer at this moment, and have not in an earlier
    stage, as one person is not several."""
    return (
        person in approvers.people
        and may_answer(request, person)
        and not any(person in stage.voters for stage in request.passed)
    )


def _who_may(request: Request, approvers: EligibleApprovers) -> tuple[Person, ...]:
    """Those who may answer, in the order of their ids."""
    able = (each for each in approvers.people if counts(request, each, approvers))
    return tuple(sorted(able, key=lambda person: person.user_id))


# --- Who is still missing -----------------------------------------------------------------------


def missing(groups: Sequence[Group], approvers: EligibleApprovers, agreeing: Iterable[Person]) -> tuple[int, ...]:
    """How many each group still needs besides those who agree; the stage is passed where that is 0 of each.

    Each person takes one seat, in whichever of their groups it helps most: the seats are filled as far as any way of
    seating people fills them.
    """
    seats = [group for group, terms in enumerate(groups) for _ in range(terms.needed)]
    taken: dict[int, Person] = {}
    for person in dict.fromkeys(agreeing):
        _seat(person, seats, approvers, taken, set())
    left = [group for seat, group in enumerate(seats) if seat not in taken]
    return tuple(left.count(group) for group in range(len(groups)))


def _seat(
    person: Person, seats: Sequence[int], approvers: EligibleApprovers, taken: dict[int, Person], tried: set[int]
) -> bool:
    """Give the person a seat, moving others to another one of theirs where that makes room (an augmenting path)."""
    for seat, group in enumerate(seats):
        if seat in tried or person not in approvers.groups[group]:
            continue
        tried.add(seat)
        if seat not in taken or _seat(taken[seat], seats, approvers, taken, tried):
            taken[seat] = person
            return True
    return False
