"""A request's life as a pure function: edits, what its graph changes, and its delivery."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Cancelled, Expired
from bot.approvals.model.errors import AlreadySettled, StaleVersion, VerdictNotOffered
from bot.approvals.model.policy import Policy
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Decided, Delivered, Edit, Request, Superseded
from bot.approvals.model.task import Failure
from bot.approvals.rules import lifecycle
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, RITA, a_request, item, policy, question
from tests.unit.approvals.rules.deciding import DONE, cast

HOUR = timedelta(hours=1)
FAILURE = Failure(error_id="e1", summary="ValueError", at=MORNING)


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


def test_only_an_item_that_was_edited_can_be_approved_where_approving_is_not_offered() -> None:
    request = lifecycle.revise(
        a_request(asks=question(item(Verdict.EDIT), item(Verdict.EDIT))), ALICE, 1, 0, {"days": 1}, MORNING
    )

    with pytest.raises(VerdictNotOffered):
        cast(request, ALICE, Approve(), Approve())


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


# --- Delivery -----------------------------------------------------------------------------------


def decided(of: Policy | None = None) -> Request:
    return cast(a_request(of=of), ALICE)


def test_waits_between_deliveries_double_and_end_with_a_person() -> None:
    request, waits = decided(), []
    for _ in range(lifecycle.MAX_ATTEMPTS):
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


def test_only_what_people_answered_is_asked_again() -> None:
    with pytest.raises(AlreadySettled):
        lifecycle.asked_again(a_request(state=Decided(decision=Expired(at=MORNING))), "only yes or no", MORNING)
