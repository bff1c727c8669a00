"""A decision is used as long as it is valid; afterwards, and when the world has changed, people are asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.approvals.model.decision import Reject
from bot.approvals.model.policy import Expire, Step
from bot.approvals.model.request import Before, Decided, NotUsed, Pending, Request
from bot.approvals.model.task import Failure
from bot.approvals.rules import lifecycle, voting
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, SECOND, a_request, policy
from tests.unit.approvals.rules.deciding import cast
from tests.unit.approvals.undoing import HOUR, PRICE, asked, asking

FAILURE = Failure(error_id="e1", summary="ValueError", at=MORNING)
TERMS = replace(policy(steps=(Step(after=4 * HOUR, action=Expire()),)), valid_for=HOUR)
TICK = timedelta(microseconds=1)
AT = MORNING + HOUR
"""When the answer is given."""


def approved(request: Request | None = None, wait: timedelta = timedelta()) -> Request:
    before = request or a_request(of=TERMS, asks=asking(PRICE))
    return voting.hold(cast(before, ALICE), before, wait, AT)


def test_a_decision_is_stale_from_the_end_of_its_time_on() -> None:
    decision = approved()

    assert not lifecycle.is_stale(decision, AT + HOUR - TICK)
    assert lifecycle.is_stale(decision, AT + HOUR)


def test_the_time_that_a_hold_takes_is_not_taken_from_the_validity() -> None:
    assert not lifecycle.is_stale(approved(wait=3 * HOUR), AT + 4 * HOUR - TICK)


def test_what_is_open_delivered_or_valid_for_ever_is_not_stale() -> None:
    told = lifecycle.delivered(lifecycle.attempted(approved()), AT)
    for_ever = approved(a_request())

    for request in (a_request(of=TERMS), told, for_ever):
        assert not lifecycle.is_stale(request, AT + 1000 * HOUR)


def test_until_when_a_decision_counts_is_known_after_its_delivery_too() -> None:
    told = lifecycle.delivered(lifecycle.attempted(approved()), AT)

    assert lifecycle.valid_until(approved()) == lifecycle.valid_until(told) == AT + HOUR
    assert lifecycle.valid_until(a_request(of=TERMS)) is None
    assert lifecycle.valid_until(None) is None


def test_no_retry_waits_beyond_the_end_of_a_decision() -> None:
    """People are asked again when it ends, and not when a retry would have come."""
    late = AT + HOUR - 10 * TICK
    for now, due in ((AT, AT + lifecycle.FIRST_RETRY), (late, AT + HOUR), (AT + 2 * HOUR, AT + 2 * HOUR)):
        failed = lifecycle.failed(lifecycle.attempted(approved()), FAILURE, now)

        assert isinstance(failed.state, Decided)
        assert failed.state.next_try == due


def test_a_failure_beside_a_held_decision_does_not_cut_its_hold_short() -> None:
    failed = lifecycle.failed(approved(wait=HOUR), FAILURE, AT)

    assert isinstance(failed.state, Decided)
    assert failed.state.next_try == AT + HOUR


def test_a_decision_is_held_until_its_moment_or_until_its_delivery_has_begun() -> None:
    held = approved(wait=HOUR)

    assert lifecycle.is_held(held, AT + HOUR - TICK)
    for request, now in (
        (held, AT + HOUR),
        (lifecycle.attempted(held), AT),
        (approved(), AT),
        (a_request(of=TERMS), AT),
    ):
        assert not lifecycle.is_held(request, now)


def test_a_retry_waits_for_the_end_of_a_hold_and_for_nothing_else() -> None:
    held = approved(wait=HOUR)

    for request, next_try in (
        (held, AT + HOUR),
        (lifecycle.attempted(held), AT + TICK),
        (approved(), AT + TICK),
    ):
        state = lifecycle.retried(request, AT + TICK).state
        assert isinstance(state, Decided)
        assert state.next_try == next_try


def test_the_same_is_asked_again_with_the_old_decision_in_view() -> None:
    stale = lifecycle.attempted(approved())
    now = AT + 2 * HOUR

    again = lifecycle.ask_after_stale(stale, now)

    assert again.state == Pending(due_at=now + 4 * HOUR)
    assert (again.version, again.votes, again.passed, again.opened_at) == (2, (), (), now)
    assert (again.question, again.digest) == (stale.question, stale.digest)
    assert stale.decision is not None
    assert again.before == Before(question=stale.question, decision=stale.decision, why=NotUsed.STALE)


def test_who_objected_before_a_decision_ran_out_has_objected() -> None:
    """After that, silence never approves."""
    request = a_request(of=replace(TERMS, stages=(replace(TERMS.stages[0], reject_quorum=2),)))
    objected = cast(request, ALICE, Reject(reason="no"))
    stale = replace(objected, state=approved().state)

    assert lifecycle.ask_after_stale(stale, AT + 2 * HOUR).objections == (ALICE,)


def test_what_changed_is_asked_as_a_new_version_of_the_same_request_at_another_place() -> None:
    taken = lifecycle.delivered(lifecycle.attempted(approved()), AT)
    changed = asking({"price": 12}, after=PRICE)
    now = AT + 2 * HOUR

    again = lifecycle.look_again(taken, asked(changed, SECOND, "act"), policy(quorum=2), now)

    assert (again.id, again.interrupt_id, again.place) == (taken.id, SECOND, "act")
    assert (again.question, again.proposed, again.policy) == (changed, changed, policy(quorum=2))
    assert (again.version, again.votes, again.passed, again.edits, again.opened_at) == (2, (), (), (), now)
    assert isinstance(again.state, Pending)
    assert taken.decision is not None
    assert again.before == Before(question=taken.question, decision=taken.decision, why=NotUsed.WORLD_CHANGED)


def test_decisions_in_a_row_that_were_not_used_are_counted() -> None:
    once = lifecycle.ask_after_stale(approved(), AT + 2 * HOUR)
    twice = lifecycle.look_again(approved(once), asked(asking({"price": 12}), SECOND), TERMS, AT + 3 * HOUR)

    assert twice.before is not None
    assert (twice.before.times, twice.before.why) == (2, NotUsed.WORLD_CHANGED)
