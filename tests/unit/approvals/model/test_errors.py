"""Refusals are data: typed fields, and a bare fact in plain text for logs and terminals."""

from __future__ import annotations

import re

import pytest

from bot.approvals.model.decision import Cancelled
from bot.approvals.model.errors import (
    AlreadySettled,
    CountersignError,
    InvalidAnswer,
    InvalidInputs,
    NotAnApprover,
    TooLateToChange,
    Unreachable,
)
from bot.approvals.model.ids import Operator, RequestId
from tests.support.fakes.clock import MORNING
from tests.support.fakes.refusals import REFUSALS, leaves
from tests.support.fakes.world import ALICE, BOB


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_every_refusal_is_a_plain_fact_without_markup_or_placeholders(refusal: CountersignError) -> None:
    fact = str(refusal)

    assert re.match(r"[\w`]", fact), fact
    assert not re.search(r"[{}<>]|None|\bobject at\b|Person\(|  |\.\.|\(\)", fact), fact


def test_every_class_of_refusal_is_among_them() -> None:
    mine = {leaf for leaf in leaves(CountersignError) if leaf.__module__ == "bot.approvals.model.errors"}

    assert mine == {type(refusal) for refusal in REFUSALS}


def test_who_may_is_kept_as_people_and_told_by_their_ids() -> None:
    refusal = NotAnApprover([ALICE, BOB])

    assert refusal.who_may == [ALICE, BOB]
    assert "U-ALICE, U-BOB" in str(refusal)


def test_what_did_not_answer_is_told_if_it_is_known() -> None:
    assert "storage" in str(Unreachable("storage"))
    assert Unreachable().what is None


def test_an_answer_that_does_not_fit_says_which_field() -> None:
    refusal = InvalidAnswer("must be a number", "amount")

    assert (refusal.field, refusal.item, str(refusal)) == ("amount", 0, "must be a number")


def test_wrong_inputs_are_kept_by_their_names() -> None:
    refusal = InvalidInputs("cleanup", {"days": "must be a number", "": "There is no `day`."}, "/task cleanup days=3")

    assert refusal.problems["days"] == "must be a number"
    assert str(refusal).endswith("`cleanup`: days must be a number; There is no `day`.")


def test_an_answer_that_comes_too_late_says_whether_the_agent_has_it() -> None:
    assert str(TooLateToChange(taken=True)) != str(TooLateToChange(taken=False))


def test_an_operator_is_told_by_the_name_of_their_user() -> None:
    """They have no id in Slack."""
    settled = AlreadySettled(RequestId("r1"), Cancelled(by=Operator(login="olga"), at=MORNING))

    assert "an operator (olga)" in str(settled)
