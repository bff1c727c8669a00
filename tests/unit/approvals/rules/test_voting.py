"""Who may vote, and what votes settle."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Choose, Expired, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import (
    AlreadySettled,
    NotAnApprover,
    NotEligible,
    OwnRequest,
    ReasonMissing,
    StaleVersion,
    VerdictNotOffered,
)
from bot.approvals.model.ids import Person, TeamId
from bot.approvals.model.people import Member
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Decided, Delivered, Pending, Superseded
from bot.approvals.rules import eligible, lifecycle, voting
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, CAROL, GUS, RITA, STRANGER, a_request, item, policy, question
from tests.unit.approvals.rules.deciding import DONE, EVERYBODY, TEAM_OF_TWO, among, cast, vote

HOUR = timedelta(hours=1)


def member(person: Person, ineligible: str = "") -> Member:
    return Member(person=person, name=person.user_id, ineligible=ineligible)


# --- Who may ------------------------------------------------------------------------------------


def test_an_approver_may_vote() -> None:
    eligible.refuse_unless_eligible(a_request(), member(ALICE), TEAM_OF_TWO)


def test_a_stranger_may_not_and_is_told_who_may() -> None:
    with pytest.raises(NotAnApprover, match="U-ALICE, U-BOB"):
        eligible.refuse_unless_eligible(a_request(), member(STRANGER), TEAM_OF_TWO)


def test_an_empty_list_of_approvers_is_nobody() -> None:
    with pytest.raises(NotAnApprover, match="but nobody"):
        eligible.refuse_unless_eligible(a_request(), member(ALICE), among())


def test_the_same_user_id_of_another_workspace_is_somebody_else() -> None:
    namesake = replace(ALICE, team_id=TeamId("T2"))

    with pytest.raises(NotAnApprover):
        eligible.refuse_unless_eligible(a_request(), member(namesake), TEAM_OF_TWO)


def test_a_requester_may_not_approve_and_is_told_who_may() -> None:
    with pytest.raises(OwnRequest, match=r"but U-ALICE\."):
        eligible.refuse_unless_eligible(a_request(), member(RITA), among(ALICE, RITA))


def test_a_requester_who_is_the_only_approver_is_told_that_nobody_else_may() -> None:
    with pytest.raises(OwnRequest, match="but nobody"):
        eligible.refuse_unless_eligible(a_request(), member(RITA), among(RITA))


def test_a_requester_may_approve_where_the_policy_says_so() -> None:
    eligible.refuse_unless_eligible(a_request(of=policy(self_approval=True)), member(RITA), among(RITA))


def test_an_account_that_may_answer_nothing_may_not_although_the_policy_names_it() -> None:
    with pytest.raises(NotEligible, match="it is a guest's"):
        eligible.refuse_unless_eligible(a_request(), member(GUS, "it is a guest's"), among(GUS))


# --- Votes --------------------------------------------------------------------------------------


def test_one_approval_settles_where_one_is_enough() -> None:
    settled = cast(a_request(), ALICE)

    assert settled.decision == Answered(verdicts=(Approve(),), voters=(ALICE,), edited=False, at=MORNING + HOUR)
    assert isinstance(settled.state, Decided)
    assert settled.state.next_try == MORNING + HOUR  # due at once


def test_two_people_are_needed_where_the_policy_asks_for_two() -> None:
    request = a_request(of=policy(quorum=2))

    once = cast(request, ALICE)
    twice = cast(once, ALICE)
    settled = cast(twice, BOB)

    assert once.decision is None
    assert twice.decision is None, "the same person twice is not two people"
    assert isinstance(settled.decision, Answered)
    assert set(settled.decision.voters) == {ALICE, BOB}


def test_a_later_vote_takes_the_place_of_the_same_persons_earlier_one() -> None:
    request = a_request(of=policy(quorum=2), asks=question(item(Verdict.CHOOSE), choices=("left", "right")))

    changed = cast(cast(request, ALICE, Choose(choice="left")), ALICE, Choose(choice="right"))
    apart = cast(changed, BOB, Choose(choice="left"))
    settled = cast(apart, CAROL, Choose(choice="right"))

    assert apart.decision is None
    assert isinstance(settled.decision, Answered)
    assert settled.decision.verdicts == (Choose(choice="right"),)


def test_one_rejection_settles_whatever_the_quorum() -> None:
    request = cast(a_request(of=policy(quorum=3)), ALICE)

    settled = cast(request, BOB, Reject(reason="no"))

    assert isinstance(settled.decision, Answered)
    assert settled.decision.verdicts == (Reject(reason="no"),)


def test_every_item_is_settled_for_itself() -> None:
    request = a_request(of=policy(quorum=2), asks=question(item(), item(name="mail")))

    open_still = cast(request, ALICE, Reject(reason="no"), Approve())
    settled = cast(open_still, BOB, Approve(), Approve())

    assert open_still.decision is None
    assert isinstance(settled.decision, Answered)
    assert settled.decision.verdicts == (Reject(reason="no"), Approve())


def test_answers_count_together_only_where_they_are_the_same() -> None:
    request = a_request(of=policy(quorum=2), asks=question(item(Verdict.RESPOND)))

    apart = cast(cast(request, ALICE, Respond(value="one")), BOB, Respond(value="two"))

    assert apart.decision is None


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((), "it has 1 items, and 0 verdicts were given"),
        ((Approve(), Approve()), "it has 1 items, and 2 verdicts were given"),
        ((Choose(choice="left"),), "`delete` takes approve, edit, reject, not choose"),
        ((Respond(value="x"),), "not respond"),
    ],
)
def test_a_verdict_that_is_not_offered_is_refused(verdicts: tuple[ItemVerdict, ...], said: str) -> None:
    request = a_request()
    wrong = replace(vote(ALICE, on=request), verdicts=verdicts)

    with pytest.raises(VerdictNotOffered, match=said):
        voting.cast(request, wrong, EVERYBODY)


def test_a_choice_that_is_not_offered_is_refused() -> None:
    request = a_request(asks=question(item(Verdict.CHOOSE), choices=("left",)))

    with pytest.raises(VerdictNotOffered, match="`up` is not among its choices"):
        cast(request, ALICE, Choose(choice="up"))


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_rejection_says_why_where_the_policy_wants_it(reason: str) -> None:
    with pytest.raises(ReasonMissing):
        cast(a_request(), ALICE, Reject(reason=reason))


def test_a_rejection_may_be_silent_where_the_policy_does_not_mind() -> None:
    assert cast(a_request(of=policy(reason_required=False)), ALICE, Reject()).decision is not None


def test_a_vote_on_an_older_version_is_not_counted() -> None:
    request = replace(a_request(), version=2)

    with pytest.raises(StaleVersion):
        voting.cast(request, replace(vote(ALICE, on=request), version=1), EVERYBODY)


def test_a_vote_on_another_digest_is_not_counted_although_the_version_fits() -> None:
    request = a_request()

    with pytest.raises(StaleVersion):
        voting.cast(request, replace(vote(ALICE, on=request), digest="0" * 64), EVERYBODY)


@pytest.mark.parametrize("state", [Decided(decision=Expired(at=MORNING)), DONE, Superseded(at=MORNING)])
def test_nothing_is_settled_twice(state: Decided | Delivered | Superseded) -> None:
    request = a_request(state=state)

    with pytest.raises(AlreadySettled):
        cast(request, ALICE)
    with pytest.raises(AlreadySettled):
        lifecycle.revise(request, ALICE, 1, 0, {}, MORNING)
    with pytest.raises(AlreadySettled):
        lifecycle.cancel(request, RITA, MORNING)


def test_answers_that_python_calls_equal_are_not_the_same_answer() -> None:
    asked = question(item(Verdict.RESPOND))
    request = a_request(asks=asked, of=policy(quorum=2))

    request = cast(request, ALICE, Respond(value=True))
    request = cast(request, BOB, Respond(value=1))

    assert isinstance(request.state, Pending)
    assert isinstance(cast(request, CAROL, Respond(value=1)).state, Decided)


def test_a_rejection_is_not_laid_at_the_door_of_one_who_had_approved() -> None:
    request = cast(a_request(of=policy(quorum=2)), ALICE)

    decision = cast(request, BOB, Reject(reason="no")).decision

    assert isinstance(decision, Answered)
    assert decision.voters == (BOB,)
