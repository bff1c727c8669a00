"""Seats: so many of each group, each person taking one."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model.decision import Answered, Approve
from bot.approvals.model.errors import AlreadySettled, NotAnApprover
from bot.approvals.model.ids import Person
from bot.approvals.model.people import Member
from bot.approvals.model.policy import Group, UndoTerms
from bot.approvals.model.request import Decided, Pending
from bot.approvals.rules import eligible
from bot.approvals.rules.eligible import EligibleApprovers, missing
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, CAROL, DORA, GUS, RITA, a_request, person, policy
from tests.unit.approvals.undoing import HOUR, window_request

SECURITY, FINANCE = Group(approvers=("@security",)), Group(approvers=("@finance",), needed=2)
people = st.sampled_from([ALICE, BOB, CAROL, DORA, GUS])
members = st.frozensets(people, max_size=4)


def among(*groups: set[Person]) -> EligibleApprovers:
    return EligibleApprovers(groups=tuple(frozenset(group) for group in groups))


def test_one_of_security_and_two_of_finance_are_three_people() -> None:
    both = among({ALICE, BOB}, {BOB, CAROL, DORA})

    assert missing((SECURITY, FINANCE), both, [BOB, CAROL]) in ((1, 0), (0, 1))
    assert missing((SECURITY, FINANCE), both, [BOB, CAROL, DORA]) == (0, 0)
    assert missing((SECURITY, FINANCE), both, [ALICE, BOB, CAROL]) == (0, 0)


def test_one_who_is_in_two_groups_takes_the_seat_that_nobody_else_can() -> None:
    assert missing((SECURITY, SECURITY), among({ALICE, BOB}, {ALICE}), [ALICE, BOB]) == (0, 0)
    assert missing((SECURITY, SECURITY), among({ALICE, BOB}, {ALICE}), [BOB, ALICE]) == (0, 0)


def test_the_same_person_twice_is_one() -> None:
    assert missing((FINANCE,), among({ALICE, BOB}), [ALICE, ALICE]) == (1,)


def test_who_is_in_no_group_takes_no_seat() -> None:
    assert missing((SECURITY,), among({ALICE}), [BOB]) == (1,)


@given(
    standing=st.lists(st.tuples(members, st.integers(1, 2)), min_size=1, max_size=3),
    agreeing=st.lists(people, unique=True),
)
def test_nothing_is_missing_just_where_some_way_of_seating_people_fills_every_seat(
    standing: list[tuple[frozenset[Person], int]], agreeing: list[Person]
) -> None:
    groups = tuple(Group(approvers=(str(number),), needed=needed) for number, (_, needed) in enumerate(standing))
    seats = [group for group, needed in standing for _ in range(needed)]

    left = missing(groups, EligibleApprovers(groups=tuple(group for group, _ in standing)), agreeing)

    most = max(
        sum(person in seat for person, seat in zip(chosen, seats, strict=True))
        for chosen in itertools.permutations([*agreeing, *[STANDIN] * len(seats)], len(seats))
    )
    assert sum(left) == len(seats) - most
    assert all(0 <= number <= group.needed for number, group in zip(left, groups, strict=True))


STANDIN = person("U-NOBODY")
"""Nobody of any group, for the seats that stay empty."""


# --- Refusals that say what they are about ------------------------------------------------------


@pytest.mark.parametrize("who", [BOB, RITA])
def test_who_may_not_undo_is_told_who_may(who: Person) -> None:
    """Also the requester, if the policy leaves the undoing to others."""
    window = window_request(of=replace(policy(), undo=UndoTerms(approvers=("U-ALICE",), requester=False)))

    with pytest.raises(NotAnApprover) as refused:
        eligible.refuse_unless_eligible(window, Member(person=who, name=""), among({ALICE}))

    assert refused.value.undoes
    assert refused.value.who_may == (ALICE,)


def test_who_may_not_approve_is_not_told_about_undoing() -> None:
    with pytest.raises(NotAnApprover) as refused:
        eligible.refuse_unless_eligible(a_request(), Member(person=BOB, name=""), among({ALICE}))

    assert not refused.value.undoes


def test_who_comes_late_learns_until_when_the_decision_is_held() -> None:
    yes = Answered(verdicts=(Approve(),), voters=(ALICE,), edited=False, at=MORNING)
    held = Decided(decision=yes, next_try=MORNING + HOUR, held=Pending(due_at=None), held_until=MORNING + HOUR)

    for state, until in ((held, MORNING + HOUR), (replace(held, attempts=1), None), (Decided(decision=yes), None)):
        with pytest.raises(AlreadySettled) as refused:
            eligible.still_open(a_request(state=state), 1)

        assert refused.value.held_until == until
