"""Who may answer a request at one moment, and whether enough of them agree. Pure functions."""

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
    NotThisWay,
    NotTold,
    OwnRequest,
    StaleVersion,
    VoteGiven,
)
from bot.approvals.model.ids import Person
from bot.approvals.model.people import Member
from bot.approvals.model.policy import Group
from bot.approvals.model.request import Decided, Delegation, Pending, Request
from bot.approvals.model.server import runs_elsewhere

NOBODY: Final = frozenset[Person]()


@dataclass(frozen=True, slots=True, kw_only=True)
class EligibleApprovers:
    """The people in each group, in the order of the stage's groups, as the directory knows them now."""

    groups: tuple[frozenset[Person], ...]
    named: frozenset[Person] = frozenset()
    """The people that the policy names directly, by id or e-mail, and not through a user group."""
    untold: tuple[str, ...] = ()
    """Finished sentences about names that the directory will not resolve. The people behind such a name are in no
    group."""

    @property
    def people(self) -> frozenset[Person]:
        return frozenset[Person]().union(*self.groups)

    def standing_in(self, delegations: Iterable[Delegation]) -> EligibleApprovers:
        """The same, with each delegate in place of the person who gave them their vote, in every group of that
        person."""
        given = {each.by: each.to for each in delegations}
        return replace(
            self, groups=tuple(frozenset(given.get(person, person) for person in group) for group in self.groups)
        )

    def without(self, people: Iterable[Person]) -> EligibleApprovers:
        """The same, without these people, because their accounts may no longer answer."""
        gone = frozenset(people)
        return replace(self, groups=tuple(group - gone for group in self.groups), named=self.named - gone)


def standing(
    request: Request, found: Mapping[str, frozenset[Person]], ordinary: Set[Person], untold: Sequence[str] = ()
) -> EligibleApprovers:
    """The people in each group of the request's stage. `found` maps each name to the people that it resolves to. People
    whom only the question names are included if they are `ordinary` members."""

    def asked(own: Sequence[str], held: Sequence[str]) -> frozenset[Person]:
        named = (found.get(ref, NOBODY) for ref in own if ref not in held)
        return NOBODY.union(*named, *(found.get(ref, NOBODY) & ordinary for ref in held))

    beside = asked(request.open.escalated_to, request.open.escalated_held)
    if request.asked_requester is not None:
        beside |= {request.asked_requester}
    return EligibleApprovers(
        groups=tuple(asked(group.approvers, group.held) | beside for group in request.stage.groups),
        named=NOBODY.union(*(found.get(ref, NOBODY) for ref in request.named)),
        untold=tuple(untold),
    )


# --- Who may answer -----------------------------------------------------------------------------


def still_open(request: Request, version: int, digest: str | None = None) -> Pending:
    """The pending state, if the request can still be answered in this version.

    Raises `AlreadySettled` if the request is not open, or `StaleVersion` if its version or digest has changed.
    """
    if not isinstance(request.state, Pending):
        held = request.state.held_until if isinstance(request.state, Decided) and request.state.revocable else None
        raise AlreadySettled(request.id, request.decision, held)
    if version != request.version or (digest is not None and digest != request.digest):
        raise StaleVersion(request.id)
    return request.state


def refuse_unless_shown(request: Request, shown: Shown) -> None:
    """Return if the request can still be answered and the person was shown its current version.

    Raises `AlreadySettled` if the request is not open, `StaleVersion` if it has changed since the person saw it, or
    `DrawnBefore` if nothing says what they were shown.
    """
    still_open(request, shown.version)
    if shown.digest is None:
        raise DrawnBefore(request.id)
    still_open(request, shown.version, shown.digest)


def refuse_unless_eligible(request: Request, member: Member, approvers: EligibleApprovers) -> None:
    """Return if this member may answer.

    `approvers` are the people that the directory finds for the request's stage now, not those at its opening. Raises
    `NotEligible` if the account may not answer, `OwnRequest` if the requester may not answer their own request,
    `VoteGiven` if the member gave their vote to a colleague, `NotAnApprover` if they are in no group, `NotTold` if they
    are in no group but the directory did not resolve every name, or `AgreedBefore` if they voted in an earlier stage.
    """
    person = member.person
    if not is_eligible(member, approvers):
        raise NotEligible(member.ineligible)
    if not may_answer(request, person):
        if request.is_window:
            raise NotAnApprover(_who_may(request, approvers), undoes=True)
        program = request.graph if runs_elsewhere(request.task_id) else ""
        raise OwnRequest(_who_may(request, approvers), program)
    given = {each.by: each.to for each in request.stage_delegations}
    if person in given:
        raise VoteGiven(given[person])
    if person not in approvers.people:
        if approvers.untold:
            raise NotTold(approvers.untold)
        raise NotAnApprover(_who_may(request, approvers), undoes=request.is_window)
    if not counts(request, person, approvers):
        raise AgreedBefore(_who_may(request, approvers))


def refuse_unless_via(request: Request, through: str) -> None:
    """Return if the policy takes answers through this token. Raises `NotThisWay` if it does not."""
    if through not in request.policy.via:
        raise NotThisWay(through, request.policy.name)


def is_eligible(member: Member, approvers: EligibleApprovers) -> bool:
    """Whether this account may answer at all. Some accounts may answer only if the policy names them directly."""
    return not member.ineligible or (member.nameable and member.person in approvers.named)


def may_answer(request: Request, person: Person) -> bool:
    """Whether this person is not the requester, or is a requester who may answer their own request."""
    return person != request.requester or request.policy.self_approval or person == request.asked_requester


def counts(request: Request, person: Person, approvers: EligibleApprovers) -> bool:
    """Whether this person's vote counts in the stage: they may answer now, and they did not vote in an earlier stage,
    because nobody counts twice."""
    return (
        person in approvers.people
        and may_answer(request, person)
        and not any(person in stage.voters for stage in request.passed)
    )


def _who_may(request: Request, approvers: EligibleApprovers) -> tuple[Person, ...]:
    """The people who may answer, sorted by their ids."""
    able = (each for each in approvers.people if counts(request, each, approvers))
    return tuple(sorted(able, key=lambda person: person.user_id))


# --- Who is still missing -----------------------------------------------------------------------


def missing(groups: Sequence[Group], approvers: EligibleApprovers, agreeing: Iterable[Person]) -> tuple[int, ...]:
    """How many more people each group needs besides those who agree. The stage is passed when every number is 0.

    Each person takes one seat in one of their groups. People are seated so that as many seats as possible are filled.
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
    """Give the person a seat, and move others to another of their seats if that makes room (an augmenting path).
    Returns False if no seat can be found."""
    for seat, group in enumerate(seats):
        if seat in tried or person not in approvers.groups[group]:
            continue
        tried.add(seat)
        if seat not in taken or _seat(taken[seat], seats, approvers, taken, tried):
            taken[seat] = person
            return True
    return False
