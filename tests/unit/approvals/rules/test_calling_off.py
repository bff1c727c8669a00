"""A decision on its way to the agent: how long it is kept, and who calls it off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Expired, ItemVerdict, Keep, Reject, Undo, Vote
from bot.approvals.model.errors import (
    NothingToStop,
    NotYourAnswer,
    TooLateToChange,
    TooLateToTakeBack,
)
from bot.approvals.model.ids import MessageRef, Person, RequestId, Ts
from bot.approvals.model.policy import Consent, Expire, Group, Policy, Stage, Step, one_stage
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Decided, Delivered, Pending, Reopened, ReopenedBy, Request, Superseded
from bot.approvals.model.undo_offer import UndoOffer
from bot.approvals.rules import calling_off, lifecycle, timeouts, voting
from bot.approvals.rules.eligible import EligibleApprovers
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, CAROL, CHANNEL, DORA, RITA, a_request, item, policy, question
from tests.unit.approvals.rules.deciding import EVERYBODY, among, cast, vote
from tests.unit.approvals.undoing import HOUR, MINUTE, window_request

HOLD = 30 * MINUTE
LATER = MORNING + HOUR
TWO_STAGES = Policy(
    name="two",
    stages=tuple(
        Stage(groups=(Group(approvers=refs, needed=2),)) for refs in (("U-ALICE", "U-BOB"), ("U-CAROL", "U-DORA"))
    ),
    hold=HOLD,
)
MAY = {0: among(ALICE, BOB), 1: among(CAROL, DORA)}


def held(request: Request, *people: Person, verdict: ItemVerdict | None = None, wait: timedelta = HOLD) -> Request:
    """The request after these people gave this verdict, held as its rules say."""
    for person in people:
        before = request
        given = vote(person, verdict or Approve(), on=request)
        given = replace(given, stage=request.stage_number)
        may = MAY[request.stage_number] if len(request.policy.stages) == 2 else EVERYBODY
        request = voting.hold(voting.cast(request, given, may), before, wait, given.at)
    return request


def state_of(request: Request) -> Decided:
    assert isinstance(request.state, Decided)
    return request.state


def people(votes: Sequence[Vote]) -> list[Person]:
    return [each.person for each in votes]


# --- Kept ---------------------------------------------------------------------------------------


def test_an_answer_is_kept_for_as_long_as_it_is_held_and_valid_from_then_on() -> None:
    asked = a_request(of=replace(policy(), hold=HOLD, valid_for=HOUR))

    state = state_of(held(asked, ALICE))

    assert (state.next_try, state.held_until, state.valid_until) == (LATER + HOLD, LATER + HOLD, LATER + HOLD + HOUR)
    assert state.held == asked.state
    assert state.revocable


def test_an_answer_that_is_not_held_can_still_be_taken_back_and_is_valid_from_now() -> None:
    state = state_of(held(a_request(of=replace(policy(), valid_for=HOUR)), ALICE, wait=timedelta()))

    assert (state.next_try, state.held_until, state.valid_until) == (LATER, None, LATER + HOUR)
    assert state.revocable


def test_a_no_is_valid_for_ever_and_a_yes_to_a_part_of_it_is_not() -> None:
    """Not to act is never out of date."""
    terms = replace(policy(), valid_for=HOUR)
    no = cast(a_request(of=terms), ALICE, Reject(reason="no"))
    two = a_request(of=terms, asks=question(item(), item(name="copy")))
    part = cast(two, ALICE, Reject(reason="no"), Approve())

    assert state_of(voting.hold(no, a_request(), HOLD, LATER)).valid_until is None
    assert state_of(voting.hold(part, two, timedelta(), LATER)).valid_until == LATER + HOUR


def test_what_nobody_answered_is_not_held() -> None:
    expired = timeouts.expired(a_request(), LATER)

    assert voting.hold(expired, a_request(), HOLD, LATER) == expired


def test_what_was_settled_before_is_not_held_once_more() -> None:
    settled = held(a_request(), ALICE)

    assert voting.hold(settled, settled, 2 * HOLD, LATER) == settled


def test_an_answer_that_nobody_gave_goes_back_only_if_it_is_held() -> None:
    """Without a hold nobody has a button for it."""
    asked = a_request(of=policy(steps=(Step(after=HOUR, action=Consent()),)))
    decision = Answered(verdicts=(Approve(),), voters=(), edited=False, at=LATER, ruled="silence")
    ruled = replace(asked, state=Decided(decision=decision, next_try=LATER))

    assert state_of(voting.hold(ruled, asked, timedelta(), LATER)).held is None
    assert state_of(voting.hold(ruled, asked, HOLD, LATER)).held == asked.state


def test_silence_that_a_policy_takes_for_a_yes_is_held_too() -> None:
    steps = (Step(after=HOUR, action=Consent()),)
    asked = a_request(of=replace(policy(steps=steps), hold=HOLD))

    state = state_of(timeouts.next_step(asked, LATER).request)

    assert isinstance(state.decision, Answered)
    assert (state.held_until, state.next_try, state.held) == (LATER + HOLD, LATER + HOLD, asked.state)


def test_a_new_answer_makes_the_request_forget_who_called_off_the_last_one() -> None:
    again = calling_off.take_back(held(a_request(), ALICE), ALICE, LATER)

    assert again.reopened is not None
    assert held(again, BOB).reopened is None


def test_a_request_that_is_over_names_nobody_who_called_off_an_earlier_answer() -> None:
    """If it is ever asked again, that is for another reason."""
    again = calling_off.take_back(held(a_request(), ALICE), ALICE, LATER)
    window = window_request()
    undone = voting.hold(cast(window, RITA, Undo()), window, timedelta(), LATER)
    reopened = calling_off.take_back(undone, RITA, LATER)

    for request in (
        timeouts.expired(again, LATER),
        lifecycle.cancel(again, RITA, LATER),
        timeouts.next_step(reopened, LATER + HOUR).request,
    ):
        assert isinstance(request.state, Decided)
        assert request.reopened is None


# --- Taken back ---------------------------------------------------------------------------------


def test_whoever_takes_an_answer_back_is_named_and_the_question_stands_as_before() -> None:
    asked = a_request(of=policy(steps=(Step(after=5 * HOUR, action=Expire()),)))

    again = calling_off.take_back(held(asked, ALICE), ALICE, LATER + MINUTE)

    assert (again.state, again.votes, again.version) == (asked.state, (), 1)
    assert again.reopened == Reopened(by=ALICE, at=LATER + MINUTE, why=ReopenedBy.TAKEN_BACK)
    assert again.open.opened_at == MORNING


def test_the_others_answers_of_the_stage_still_count() -> None:
    again = calling_off.take_back(held(a_request(of=policy(quorum=2)), ALICE, BOB), ALICE, LATER)

    assert people(again.votes) == [BOB]
    assert isinstance(held(again, CAROL).state, Decided)


def test_a_voter_of_the_first_of_two_stages_takes_back_to_that_stage_where_the_others_still_agree() -> None:
    settled = held(a_request(of=TWO_STAGES), ALICE, BOB, CAROL, DORA)

    again = calling_off.take_back(settled, ALICE, LATER + MINUTE)

    assert (again.stage_number, people(again.votes)) == (0, [BOB])
    assert again.open.opened_at == LATER + MINUTE
    assert isinstance(again.state, Pending)
    assert held(again, ALICE).stage_number == 1


def test_a_voter_of_the_last_stage_leaves_the_stages_before_it_as_they_are() -> None:
    settled = held(a_request(of=TWO_STAGES), ALICE, BOB, CAROL, DORA)

    again = calling_off.take_back(settled, CAROL, LATER + MINUTE)

    assert (again.stage_number, people(again.stage_votes)) == (1, [DORA])
    assert again.passed == settled.passed


def test_of_three_groups_the_others_keep_their_seats() -> None:
    groups = tuple(Group(approvers=(who.user_id,)) for who in (ALICE, BOB, CAROL))
    request = a_request(of=Policy(name="three", stages=(Stage(groups=groups),)))
    may = EligibleApprovers(groups=tuple(frozenset({who}) for who in (ALICE, BOB, CAROL)))
    for person in (ALICE, BOB, CAROL):
        before = request
        request = voting.hold(voting.cast(request, vote(person, on=request), may), before, HOLD, LATER)

    again = calling_off.take_back(request, BOB, LATER)

    assert voting.recounted(again, may).open.missing == (0, 1, 0)
    assert isinstance(voting.cast(again, vote(BOB, on=again), may).state, Decided)


def test_if_the_others_would_be_enough_the_request_is_open_all_the_same() -> None:
    """Two of one group agreed before the other group did. Whoever takes back wants to answer otherwise."""
    groups = (Group(approvers=("U-ALICE", "U-BOB")), Group(approvers=("U-CAROL",)))
    request = a_request(of=Policy(name="two groups", stages=(Stage(groups=groups),)))
    may = EligibleApprovers(groups=(frozenset({ALICE, BOB}), frozenset({CAROL})))
    for person in (ALICE, BOB, CAROL):
        before = request
        request = voting.hold(voting.cast(request, vote(person, on=request), may), before, HOLD, LATER)

    again = calling_off.take_back(request, ALICE, LATER)
    no = voting.cast(again, vote(ALICE, Reject(reason="wait"), on=again), may)

    assert isinstance(again.state, Pending)
    assert isinstance(no.decision, Answered)
    assert (no.decision.verdicts, no.decision.voters) == ((Reject(reason="wait"),), (ALICE,))


def test_a_no_that_is_taken_back_is_no_objection_any_more() -> None:
    steps = (Step(after=2 * HOUR, action=Consent()),)
    no = held(a_request(of=policy(steps=steps)), ALICE, verdict=Reject(reason="no"))

    again = calling_off.take_back(no, ALICE, LATER)
    silent = timeouts.next_step(again, MORNING + 2 * HOUR).request

    assert isinstance(silent.decision, Answered)
    assert silent.decision.ruled


def test_after_the_deadline_has_passed_in_the_meantime_the_stage_has_its_whole_time_again() -> None:
    settled = held(a_request(of=policy(steps=(Step(after=2 * HOUR, action=Expire()),))), ALICE)
    now = MORNING + 2 * HOUR

    again = calling_off.take_back(settled, ALICE, now)

    assert again.deadline == now + 2 * HOUR
    assert again.state == Pending(due_at=now + 2 * HOUR)


def test_a_moment_before_the_deadline_the_stage_keeps_its_deadline() -> None:
    settled = held(a_request(of=policy(steps=(Step(after=2 * HOUR, action=Expire()),))), ALICE)

    again = calling_off.take_back(settled, ALICE, MORNING + 2 * HOUR - timedelta(microseconds=1))

    assert again.deadline == MORNING + 2 * HOUR


def test_an_undo_is_taken_back_and_its_window_still_closes_when_it_did() -> None:
    """A window counts from the action: no click gives it more time."""
    window = window_request()
    undone = voting.hold(cast(window, RITA, Undo()), window, timedelta(), MORNING + MINUTE)

    again = calling_off.take_back(undone, RITA, MORNING + HOUR)

    assert (again.state, again.deadline) == (window.state, window.deadline)


def test_others_are_told_whose_answer_it_is_and_whether_they_may_stop_it() -> None:
    for wait, stoppable in ((HOLD, True), (timedelta(), False)):
        with pytest.raises(NotYourAnswer) as refused:
            calling_off.take_back(held(a_request(), ALICE, wait=wait), BOB, LATER)
        assert (refused.value.voters, refused.value.stoppable) == ((ALICE,), stoppable)


def test_when_the_agent_has_it_nobody_is_told_that_it_can_be_stopped() -> None:
    with pytest.raises(NotYourAnswer) as refused:
        calling_off.take_back(lifecycle.attempted(held(a_request(), ALICE)), BOB, LATER)

    assert not refused.value.stoppable


def test_who_is_too_late_is_told_how_what_was_done_can_be_undone() -> None:
    offer = UndoOffer(request_id=RequestId("w1"), version=1, digest="d", until=LATER)
    done = replace(lifecycle.delivered(lifecycle.attempted(held(a_request(), ALICE)), LATER), undo=offer)

    with pytest.raises(TooLateToTakeBack) as late:
        calling_off.take_back(done, ALICE, LATER)

    assert late.value.undo == offer


def test_whoever_the_record_names_as_a_voter_without_a_vote_takes_back_the_last_stage() -> None:
    """A record of an earlier version may have lost the vote that settled it."""
    settled = replace(held(a_request(), ALICE), votes=())

    assert isinstance(calling_off.take_back(settled, ALICE, LATER).state, Pending)


# --- Stopped ------------------------------------------------------------------------------------


def test_a_stop_voids_the_answers_of_the_stage_and_names_who_stopped() -> None:
    settled = held(a_request(of=policy(quorum=2)), ALICE, BOB)

    again = calling_off.stop_delivery(settled, CAROL, LATER)

    assert (again.votes, again.objections, again.open.missing) == ((), (CAROL,), ())
    assert again.reopened == Reopened(by=CAROL, at=LATER, why=ReopenedBy.STOPPED)
    assert isinstance(again.state, Pending)


def test_a_stop_in_the_second_stage_leaves_the_first_as_it_is() -> None:
    settled = held(a_request(of=TWO_STAGES), ALICE, BOB, CAROL, DORA)

    again = calling_off.stop_delivery(settled, DORA, LATER)

    assert (again.stage_number, again.stage_votes, again.passed) == (1, (), settled.passed)


def test_after_a_stop_silence_never_approves_whoever_stopped_it() -> None:
    """Also if that was whoever had approved, and if the decision itself was silence."""
    asked = a_request(of=replace(policy(steps=(Step(after=2 * HOUR, action=Consent()),)), hold=HOLD))
    by_vote = held(asked, ALICE)
    by_silence = timeouts.next_step(asked, MORNING + 2 * HOUR).request

    for settled, person, now in ((by_vote, ALICE, LATER), (by_silence, BOB, MORNING + 2 * HOUR)):
        again = calling_off.stop_delivery(settled, person, now)
        silent = timeouts.next_step(again, now + 3 * HOUR).request
        assert silent.decision == Expired(at=now + 3 * HOUR)


def test_a_stop_after_the_deadline_gives_the_stage_its_whole_time_again() -> None:
    asked = a_request(of=replace(policy(steps=(Step(after=2 * HOUR, action=Consent()),)), hold=HOLD))
    now = MORNING + 2 * HOUR

    again = calling_off.stop_delivery(timeouts.next_step(asked, now).request, BOB, now + MINUTE)

    assert again.deadline == now + MINUTE + 2 * HOUR


@pytest.mark.parametrize(
    "settled",
    [
        a_request(),
        held(a_request(), ALICE, wait=timedelta()),
        timeouts.expired(a_request(), LATER),
        a_request(state=Superseded(at=LATER)),
        a_request(state=Delivered(decision=Expired(at=LATER), at=LATER)),
        cast(window_request(), RITA, Keep()),
    ],
    ids=["open", "not held", "expired", "superseded", "delivered", "window"],
)
def test_only_a_decision_that_is_held_can_be_stopped(settled: Request) -> None:
    with pytest.raises(NothingToStop):
        calling_off.stop_delivery(settled, BOB, LATER)


def test_a_held_decision_whose_delivery_has_begun_is_not_stopped() -> None:
    with pytest.raises(TooLateToTakeBack):
        calling_off.stop_delivery(lifecycle.attempted(held(a_request(), ALICE)), BOB, LATER)


# --- Words --------------------------------------------------------------------------------------


def test_a_message_that_gave_an_outvoted_answer_takes_nothing_back_of_a_later_stage() -> None:
    """Alice was outvoted by her message in the first stage, and has voted with a button in the second."""
    reply = MessageRef(channel=CHANNEL, ts=Ts("1.0"))
    (first,) = one_stage(("U-ALICE", "U-BOB"))
    stages = (replace(first, reject_quorum=2), *one_stage(("U-ALICE",)))
    request = a_request(of=Policy(name="two", stages=stages), asks=question(item(Verdict.APPROVE, Verdict.REJECT)))
    outvoted = replace(vote(ALICE, Reject(reason="no"), on=request), message=reply)
    request = voting.cast(request, outvoted, among(ALICE, BOB))
    request = voting.cast(request, vote(BOB, on=request), among(ALICE, BOB))
    given = replace(vote(ALICE, on=request), stage=1)
    settled = voting.hold(voting.cast(request, given, among(ALICE)), request, HOLD, LATER)

    with pytest.raises(TooLateToChange) as late:
        calling_off.unsaid(settled, outvoted, LATER)

    assert not late.value.taken
