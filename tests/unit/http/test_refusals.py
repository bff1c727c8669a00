"""What callers read when the domain refuses."""

from __future__ import annotations

import json
import re

import pytest

from bot.approvals.model import call_errors
from bot.approvals.model.decision import Answered, Outcome
from bot.approvals.model.errors import (
    AlreadySettled,
    CountersignError,
    NothingToStop,
    NotYourAnswer,
    TooLateToTakeBack,
)
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.undo_offer import UndoOffer
from bot.http import problems
from bot.http.refusals import refused
from tests.support.fakes.clock import MORNING
from tests.support.fakes.refusals import REFUSALS, SETTLED, leaves
from tests.support.fakes.world import ALICE, BOB

R1, T1 = RequestId("req_1"), TaskId("t1")
OF_CALLS = (
    call_errors.NotYourSource("shop", ["billing", "crm"]),
    call_errors.KeyUsedOtherwise("order-1"),
    call_errors.NoSuchRequester("U0NOBODY"),
    call_errors.NoSuchRequester("rita@example.com", "cannot be looked up: the bot's app lacks a scope"),
    call_errors.ChannelMissing(),
    call_errors.NoSuchChannel("#nowhere"),
    call_errors.NoSuchChannel("#secret", "cannot be looked up: the bot's app lacks a scope"),
    call_errors.ChannelNotAllowed("#other", ["#ops"]),
    call_errors.Ungoverned("The rule `large` could not be evaluated."),
    call_errors.OfAgent(R1, T1),
    call_errors.NotSettled(R1),
    call_errors.AlreadyConsumed(R1, "worker-1", MORNING),
    call_errors.DecisionStale(R1, MORNING),
    call_errors.InvalidCursor("nonsense"),
)
OFFERS = [
    UndoOffer(request_id=R1, version=1, digest="d", until=MORNING, outcome=outcome)
    for outcome in (None, Outcome.UNDO, Outcome.KEEP, Outcome.CLOSED)
]
OF_CALLING_OFF = (
    NotYourAnswer([ALICE, BOB]),
    NotYourAnswer([ALICE], stoppable=True),
    *(TooLateToTakeBack(R1, offer) for offer in (None, *OFFERS)),
    NothingToStop(R1),
)
SAMPLES = (*REFUSALS, *OF_CALLS, *OF_CALLING_OFF)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_every_refusal_is_a_problem_in_whole_sentences(error: CountersignError) -> None:
    response = refused(error).response()

    document = json.loads(bytes(response.body))
    assert response.media_type == "application/problem+json"
    assert document["status"] == response.status_code
    assert document["type"] in {kind.type for kind in problems.ALL}
    detail = document["detail"]
    assert re.match(r"[A-Z`0-9]|r1 |t1 ", detail), detail
    assert detail.endswith((".", "`.", "60.")), detail
    detail = detail.replace("(U...)", "")
    assert not re.search(r"[{}]|None|\bobject at\b|Person\(| {3}|\.\.|\(\)|<[@!]", detail), detail
    assert ("Retry-After" in response.headers) == (response.status_code == 503)


def test_every_class_of_the_domain_has_words() -> None:
    """A new class fails here until it has a `case`, and a sample."""
    known = {leaf for leaf in leaves(CountersignError) if leaf.__module__.startswith("bot.approvals")}

    assert known == {type(error) for error in SAMPLES}


def test_a_vote_on_a_held_decision_is_not_told_what_was_decided() -> None:
    """A held decision is told to nobody, so the refusal says only that there is one, until when, and how to stop it."""
    decision = next(each for each in SETTLED if isinstance(each, Answered))

    detail = refused(AlreadySettled(R1, decision, held_until=MORNING)).detail

    assert "held until" in detail
    assert "POST /v1/requests/req_1/stop" in detail
    assert "approved" not in detail


def test_a_class_without_words_is_a_bug_and_no_silent_refusal() -> None:
    with pytest.raises(AssertionError, match="no words for CountersignError"):
        refused(CountersignError("anything"))
