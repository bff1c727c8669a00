"""The rules, one at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Expired,
    ItemVerdict,
    Reject,
    Respond,
    Vote,
)
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
from bot.approvals.model.policy import Escalate, Expire, Policy, Remind, Step
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Decided, Delivered, Edit, Pending, Request, Superseded
from bot.approvals.model.task import Failure
from bot.approvals.rules import eligible, lifecycle, schedule, timeouts, voting
from bot.approvals.rules.eligible import EligibleApprovers
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, CAROL, GUS, RITA, STRANGER, a_request, item, policy, question

HOUR = timedelta(hours=1)
FAILURE = Failure(error_id="e1", summary="ValueError", at=MORNING)
DONE = Delivered(decision=Expired(at=MORNING), at=MORNING)


def among(*people: Person) -> EligibleApprovers:
    return EligibleApprovers(groups=(frozenset(people),))


TEAM_OF_TWO = among(ALICE, BOB)
EVERYBODY = among(ALICE, BOB, CAROL, GUS, RITA)


def vote(person: Person, *verdicts: ItemVerdict, on: Request) -> Vote:
    return Vote(
        person=person, verdicts=verdicts or (Approve(),), version=on.version, digest=on.digest, at=MORNING + HOUR
    )


def cast(request: Request, person: Person, *verdicts: ItemVerdict) -> Request:
    return voting.cast(request, vote(person, *verdicts, on=request), EVERYBODY)


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


# --- Edits --------------------------------------------------------------------------------------


def test_an_edit_makes_a_new_version_without_votes() -> None:
    voted = cast(a_request(of=policy(quorum=2)), ALICE)

    edited = lifecycle.revise(voted, BOB, 1, 0, {"path": "/older"}, MORNING)

    assert edited.version == 2
    assert edited.votes == ()
    assert edited.question.items[0].arguments == {"path": "/older"}
    assert edited.proposed == voted.question
    assert edited.edits == (Edit(person=BOB, at=MORNING),)


def test_what_was_edited_and_approved_says_that_it_was_edited() -> None:
    edited = lifecycle.revise(a_request(), BOB, 1, 0, {"path": "/older"}, MORNING)

    settled = cast(edited, ALICE)

    assert isinstance(settled.decision, Answered)
    assert settled.decision.edited


def test_an_item_that_only_takes_edits_can_be_approved_once_it_was_edited() -> None:
    request = a_request(asks=question(item(Verdict.EDIT)))

    with pytest.raises(VerdictNotOffered):
        cast(request, ALICE)
    assert cast(lifecycle.revise(request, ALICE, 1, 0, {}, MORNING), ALICE).decision is not None


@pytest.mark.parametrize("index", [-1, 1])
def test_an_item_that_is_not_there_cannot_be_edited(index: int) -> None:
    with pytest.raises(VerdictNotOffered, match=f"no item {index + 1}"):
        lifecycle.revise(a_request(), ALICE, 1, index, {}, MORNING)


def test_an_item_that_takes_no_edits_cannot_be_edited() -> None:
    request = a_request(asks=question(item(Verdict.APPROVE)))

    with pytest.raises(VerdictNotOffered, match="`delete` cannot be edited"):
        lifecycle.revise(request, ALICE, 1, 0, {}, MORNING)


def test_an_edit_of_an_older_version_is_refused() -> None:
    with pytest.raises(StaleVersion):
        lifecycle.revise(replace(a_request(), version=2), ALICE, 1, 0, {}, MORNING)


# --- The graph's own changes --------------------------------------------------------------------


def test_a_graph_that_asks_something_else_voids_votes_and_edits() -> None:
    edited = lifecycle.revise(a_request(of=policy(quorum=2)), BOB, 1, 0, {"path": "/older"}, MORNING)
    voted = cast(edited, ALICE)
    other = question(title="Delete more?")

    asked = lifecycle.ask_anew(voted, other, voted.policy, MORNING)

    assert (asked.version, asked.votes, asked.edits, asked.renewed_at) == (3, (), (), MORNING)
    assert asked.question == asked.proposed == other


def test_a_graph_that_asks_the_same_again_changes_nothing_not_even_an_edit() -> None:
    edited = lifecycle.revise(a_request(), BOB, 1, 0, {"path": "/older"}, MORNING)

    assert lifecycle.ask_anew(edited, edited.proposed, edited.policy, MORNING) is edited


def test_a_decision_stands_although_the_graph_asks_something_else() -> None:
    settled = cast(a_request(), ALICE)

    assert lifecycle.ask_anew(settled, question(title="Delete more?"), settled.policy, MORNING) is settled


def test_an_interrupt_that_is_gone_supersedes_what_is_not_over() -> None:
    assert lifecycle.supersede(a_request(), MORNING).state == Superseded(at=MORNING)
    approved = cast(a_request(), ALICE)
    assert lifecycle.supersede(approved, MORNING).state == Superseded(at=MORNING, decision=approved.decision)


def test_an_interrupt_that_is_gone_leaves_alone_what_is_over() -> None:
    delivered, superseded = a_request(state=DONE), a_request(state=Superseded(at=MORNING))

    assert lifecycle.supersede(delivered, MORNING + HOUR) is delivered
    assert lifecycle.supersede(superseded, MORNING + HOUR) is superseded


def test_a_cancelled_request_says_who_cancelled_it() -> None:
    assert lifecycle.cancel(a_request(), RITA, MORNING).decision == Cancelled(by=RITA, at=MORNING)


# --- Time ---------------------------------------------------------------------------------------

LEADS = Escalate(to=("@leads",))
LADDER = policy(
    steps=(
        Step(after=1 * HOUR, action=Remind()),
        Step(after=2 * HOUR, action=LEADS),
        Step(after=3 * HOUR, action=Remind()),
        Step(after=4 * HOUR, action=Escalate(to=("@leads", "U-BOSS"))),
        Step(after=5 * HOUR, action=Expire()),
    )
)


def test_the_first_step_is_due_from_the_opening_on() -> None:
    assert schedule.first_due(a_request(of=LADDER)) == Pending(due_at=MORNING + HOUR)


def test_a_policy_without_steps_has_nothing_due() -> None:
    request = a_request(of=policy())

    assert schedule.first_due(request) == Pending(due_at=None)
    assert timeouts.next_step(request, MORNING + 999 * HOUR).request is request


def test_nothing_happens_before_its_time() -> None:
    request = a_request(of=LADDER)

    assert timeouts.next_step(request, MORNING + HOUR - timedelta(microseconds=1)).request is request


def test_steps_are_taken_one_after_the_other_each_at_its_time() -> None:
    reminded = timeouts.next_step(a_request(of=LADDER), MORNING + 1 * HOUR)
    escalated = timeouts.next_step(reminded.request, MORNING + 2 * HOUR)

    assert (reminded.remind, reminded.escalate) == (True, ())
    assert reminded.request.state == Pending(due_at=MORNING + 2 * HOUR, taken=(0,))
    assert (escalated.remind, escalated.escalate) == (False, (LEADS,))
    assert escalated.request.state == Pending(due_at=MORNING + 3 * HOUR, taken=(0, 1))
    assert "@leads" in escalated.request.approvers


def test_a_step_is_taken_once() -> None:
    reminded = timeouts.next_step(a_request(of=LADDER), MORNING + HOUR).request

    assert timeouts.next_step(reminded, MORNING + HOUR).request is reminded


def test_after_a_downtime_a_reminder_before_an_escalation_is_dropped() -> None:
    due = timeouts.next_step(a_request(of=LADDER), MORNING + 2 * HOUR)

    assert (due.remind, due.escalate) == (False, (LEADS,))


def test_after_a_downtime_all_escalations_are_made_up_for_and_the_last_reminder_is_kept() -> None:
    three = timeouts.next_step(a_request(of=LADDER), MORNING + 3 * HOUR)
    four = timeouts.next_step(a_request(of=LADDER), MORNING + 4 * HOUR)

    assert (three.remind, three.escalate) == (True, (LEADS,))
    assert not four.remind
    assert four.request.open.escalated_to == ("@leads", "U-BOSS")
    assert four.request.state == Pending(due_at=MORNING + 5 * HOUR, taken=(0, 1, 2, 3))


def test_after_a_downtime_past_the_deadline_nobody_is_bothered_any_more() -> None:
    due = timeouts.next_step(a_request(of=LADDER), MORNING + 30 * HOUR)

    assert due.request.decision == Expired(at=MORNING + 30 * HOUR)
    assert (due.remind, due.escalate) == (False, ())
    assert due.request.open.escalated_to == ()


def test_the_last_step_leaves_nothing_due() -> None:
    remind_once = policy(steps=(Step(after=HOUR, action=Remind()),))

    due = timeouts.next_step(a_request(of=remind_once), MORNING + HOUR)

    assert due.request.state == Pending(due_at=None, taken=(0,))


def test_time_does_nothing_to_a_request_that_is_settled() -> None:
    settled = cast(a_request(of=LADDER), ALICE)

    assert timeouts.next_step(settled, MORNING + 30 * HOUR).request is settled


# --- Delivery -----------------------------------------------------------------------------------


def decided(of: Policy | None = None) -> Request:
    return cast(a_request(of=of), ALICE)


def test_waits_between_deliveries_double_and_end_with_a_person() -> None:
    request, waits = decided(), []
    for _ in range(lifecycle.MOST_ATTEMPTS):
        request = lifecycle.failed(lifecycle.attempted(request), FAILURE, MORNING)
        assert isinstance(request.state, Decided)
        waits.append(None if request.state.next_try is None else (request.state.next_try - MORNING).total_seconds())

    assert waits == [30, 60, 120, 240, 480, 960, 1800, None]


def test_a_person_may_retry_any_number_of_times() -> None:
    request = decided()

    for _ in range(60):
        request = lifecycle.retried(lifecycle.failed(lifecycle.attempted(request), FAILURE, MORNING), MORNING)

    assert isinstance(request.state, Decided)
    assert request.state.attempts == 60
    assert request.state.failure == FAILURE


def test_a_request_that_was_put_off_before_its_first_try_waits_the_shortest_time() -> None:
    put_off = lifecycle.failed(decided(), FAILURE, MORNING)

    assert isinstance(put_off.state, Decided)
    assert put_off.state.next_try == MORNING + lifecycle.FIRST_RETRY


def test_a_persons_retry_is_due_at_once() -> None:
    exhausted = lifecycle.failed(
        replace(decided(), state=Decided(decision=Expired(at=MORNING), attempts=8)), FAILURE, MORNING
    )

    retried = lifecycle.retried(exhausted, MORNING + HOUR)

    assert isinstance(exhausted.state, Decided)
    assert exhausted.state.next_try is None
    assert isinstance(retried.state, Decided)
    assert retried.state.next_try == MORNING + HOUR


def test_a_delivered_request_keeps_its_decision() -> None:
    request = decided()

    delivered = lifecycle.delivered(request, MORNING + HOUR)

    assert isinstance(delivered.state, Delivered)
    assert delivered.state.at == MORNING + HOUR
    assert delivered.decision == request.decision


def test_what_is_not_decided_cannot_be_delivered() -> None:
    with pytest.raises(AlreadySettled):
        lifecycle.delivered(a_request(), MORNING)
    with pytest.raises(AlreadySettled):
        lifecycle.attempted(a_request(state=DONE))


def test_answers_that_python_calls_equal_are_not_the_same_answer() -> None:
    asked = question(item(Verdict.RESPOND))
    request = a_request(asks=asked, of=policy(quorum=2))

    request = cast(request, ALICE, Respond(value=True))
    request = cast(request, BOB, Respond(value=1))

    assert isinstance(request.state, Pending)
    assert isinstance(cast(request, CAROL, Respond(value=1)).state, Decided)


def test_only_an_item_that_was_edited_can_be_approved_where_approving_is_not_offered() -> None:
    request = lifecycle.revise(
        a_request(asks=question(item(Verdict.EDIT), item(Verdict.EDIT))), ALICE, 1, 0, {"days": 1}, MORNING
    )

    with pytest.raises(VerdictNotOffered):
        cast(request, ALICE, Approve(), Approve())


def test_a_rejection_is_not_laid_at_the_door_of_one_who_had_approved() -> None:
    request = cast(a_request(of=policy(quorum=2)), ALICE)

    decision = cast(request, BOB, Reject(reason="no")).decision

    assert isinstance(decision, Answered)
    assert decision.voters == (BOB,)


def test_only_what_people_answered_is_asked_again() -> None:
    with pytest.raises(AlreadySettled):
        lifecycle.asked_again(a_request(state=Decided(decision=Expired(at=MORNING))), "only yes or no", MORNING)
