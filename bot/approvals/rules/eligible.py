"""Who stands in each group of a stage at one moment, and whether those who agree are enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Group
from bot.approvals.model.request import Delegation


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


def missing(groups: Sequence[Group], electorate: EligibleApprovers, agreeing: Iterable[Person]) -> tuple[int, ...]:
    """How many each group still needs besides those who agree; the stage is passed where that is 0 of each.

    Each person takes one seat, in whichever of their groups it helps most: the seats are filled as far as any way of
    seating people fills them.
    """
    seats = [group for group, terms in enumerate(groups) for _ in range(terms.needed)]
    taken: dict[int, Person] = {}
    for person in dict.fromkeys(agreeing):
        _seat(person, seats, electorate, taken, set())
    left = [group for seat, group in enumerate(seats) if seat not in taken]
    return tuple(left.count(group) for group in range(len(groups)))


def _seat(
    person: Person, seats: Sequence[int], electorate: EligibleApprovers, taken: dict[int, Person], tried: set[int]
) -> bool:
    """Give the person a seat, moving others to another one of theirs where that makes room (an augmenting path)."""
    for seat, group in enumerate(seats):
        if seat in tried or person not in electorate.groups[group]:
            continue
        tried.add(seat)
        if seat not in taken or _seat(taken[seat], seats, electorate, taken, tried):
            taken[seat] = person
            return True
    return False
