"""An objection is a fact about the request: it survives stages, edits and new versions. Silence never overrules it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Choose, Expired, Reject, Vote
from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Action, Consent, Expire, Pick, Policy, Stage, Step, one_stage
from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.request import Passed, Request
from bot.approvals.rules import lifecycle, side_actions, timeouts, voting
from bot.approvals.rules.eligible import EligibleApprovers
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, CAROL, a_request, item, question

HOUR = timedelta(hours=1)
EVERYBODY = EligibleApprovers(groups=(frozenset({ALICE, BOB, CAROL}),))
NO, YES = Reject(reason="no"), Approve()


def stage(action: Action, needed: int = 1, reject_quorum: int = 2) -> Stage:
    names = tuple(each.user_id for each in (ALICE, BOB, CAROL))
    (made,) = one_stage(names, needed, (Step(after=HOUR, action=action),), reject_quorum=reject_quorum)
    return made


def asked(*stages: Stage, asks: Question | None = None) -> Request:
    return a_request(of=Policy(name="p", stages=stages, reasons=()), asks=asks)


def vote(request: Request, by: Person, *verdicts: Approve | Reject | Choose) -> Request:
    given = Vote(person=by, verdicts=verdicts, version=request.version, digest=request.digest, at=MORNING)
    return voting.cast(request, given, EVERYBODY)


def in_silence(request: Request) -> object:
    """What the request comes to if nobody says anything more."""
    decision = timeouts.next_step(request, request.open.opened_at + HOUR).request.decision
    return type(decision)


def edited(request: Request) -> Request:
    return lifecycle.revise(request, CAROL, request.version, 0, {"path": "/new"}, MORNING)


def asked_anew(request: Request) -> Request:
    return lifecycle.ask_anew(request, question(title="Delete two?"), request.policy, MORNING)


def asked_again(request: Request) -> Request:
    settled = vote(vote(request, ALICE, YES), CAROL, YES)
    assert settled.decision is not None
    return lifecycle.asked_again(settled, "The graph did not take it.", MORNING)


def test_an_objection_in_one_stage_holds_in_the_next() -> None:
    request = vote(vote(asked(stage(Expire()), stage(Consent())), BOB, NO), CAROL, YES)

    assert request.stage_number == 1
    assert voting.objectors(request) == (BOB,)
    assert in_silence(request) is Expired


def test_without_an_objection_the_policys_silence_holds_in_the_next_stage() -> None:
    assert in_silence(vote(asked(stage(Expire()), stage(Consent())), CAROL, YES)) is Answered


@pytest.mark.parametrize("becomes", [edited, asked_anew, asked_again])
def test_an_objection_survives_every_new_version(becomes: Callable[[Request], Request]) -> None:
    request = becomes(vote(asked(stage(Consent(), needed=2)), BOB, NO))

    assert request.votes == ()
    assert voting.objectors(request) == (BOB,)
    assert in_silence(request) is Expired


@pytest.mark.parametrize("becomes", [edited, asked_anew, asked_again])
def test_without_one_a_new_version_is_under_the_same_silence(becomes: Callable[[Request], Request]) -> None:
    assert in_silence(becomes(asked(stage(Consent(), needed=2)))) is Answered


def test_silence_chooses_nothing_after_an_objection() -> None:
    asks = question(item(Verdict.CHOOSE, Verdict.REJECT), choices=("left", "right"))
    request = asked(stage(Expire()), stage(Pick(choice="left")), asks=asks)
    passed = vote(vote(request, BOB, NO), CAROL, Choose(choice="left"))

    assert in_silence(passed) is Expired
    assert in_silence(vote(request, CAROL, Choose(choice="left"))) is Answered


def test_an_objection_to_one_item_is_one_to_the_request() -> None:
    request = asked(stage(Expire(), reject_quorum=1), stage(Consent()), asks=question(item(), item()))

    assert in_silence(vote(request, BOB, YES, NO)) is Expired


@pytest.mark.parametrize(
    "changed", [lambda request: side_actions.withdraw(request, BOB), lambda request: vote(request, BOB, YES)]
)
def test_who_objected_may_take_it_back_while_the_vote_stands(changed: Callable[[Request], Request]) -> None:
    request = changed(vote(asked(stage(Consent(), needed=2)), BOB, NO))

    assert voting.objectors(request) == ()
    assert in_silence(request) is Answered


def test_what_was_rejected_in_an_earlier_version_is_not_taken_back_by_another_vote() -> None:
    request = edited(vote(asked(stage(Consent(), needed=2)), BOB, NO))

    for later in (
        vote(request, BOB, YES),
        vote(vote(request, BOB, NO), BOB, YES),
        side_actions.withdraw(vote(request, BOB, YES), BOB),
    ):
        assert voting.objectors(later) == (BOB,)
        assert in_silence(later) is Expired


def test_another_persons_withdrawal_is_not_the_objectors() -> None:
    request = vote(vote(asked(stage(Consent(), needed=3)), BOB, NO), CAROL, YES)

    assert voting.objectors(side_actions.withdraw(request, CAROL)) == (BOB,)


def test_somebody_objects_once_however_often_they_say_it() -> None:
    request = vote(vote(asked(stage(Consent(), needed=2)), BOB, NO), BOB, Reject(reason="still no"))

    assert voting.objectors(request) == (BOB,)


def test_records_of_earlier_versions_tell_of_objections_by_their_votes_alone() -> None:
    request = vote(asked(stage(Expire()), stage(Consent())), BOB, NO)
    passed = Passed(verdicts=(NO,), voters=(ALICE,), at=MORNING)

    assert voting.objectors(request) == (BOB,)
    assert in_silence(request) is Expired
    assert voting.objectors(replace(request, votes=(), passed=(passed,))) == (ALICE,)
    assert edited(request).objections == (BOB,)


# --- The same question, read differently ----------------------------------------------------------


def test_an_upgrade_that_reads_the_same_question_differently_does_not_say_that_the_agent_asks_something_else() -> None:
    request = asked(stage(Consent(), needed=2))
    read_anew = replace(request.proposed, items=(item(Verdict.APPROVE, Verdict.RESPOND),))

    silently = lifecycle.ask_anew(request, read_anew, request.policy, MORNING)
    openly = lifecycle.ask_anew(vote(request, BOB, YES), read_anew, request.policy, MORNING)

    assert (silently.version, silently.renewed_at) == (2, None)
    assert (openly.version, openly.renewed_at, openly.votes) == (2, MORNING, ())
    assert lifecycle.ask_anew(silently, read_anew, request.policy, MORNING) is silently
