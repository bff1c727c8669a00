"""What a refused person reads."""

import re

import pytest

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Reject,
    Respond,
)
from bot.approvals.model.errors import (
    AgreedBefore,
    AlreadyExtended,
    AlreadySettled,
    AnotherRule,
    CannotDelegate,
    Conflict,
    CountersignError,
    DrawnBefore,
    GraphUnavailable,
    InvalidAnswer,
    InvalidInputs,
    InvalidSchedule,
    NoExtension,
    NoPolicy,
    NotAnApprover,
    NotEligible,
    NotFound,
    NothingToRetry,
    NothingToTakeBack,
    NothingToWithdraw,
    NotTold,
    NotYours,
    NudgedLately,
    OwnRequest,
    ReasonMissing,
    RuleAnswers,
    SettingsError,
    StaleVersion,
    TaskFinished,
    TooLateToChange,
    UnknownGraph,
    Unreachable,
    VerdictNotOffered,
    VoteGiven,
)
from bot.approvals.model.ids import RequestId, TaskId
from tests.fakes.clock import MORNING
from tests.fakes.world import ALICE, BOB, RITA

R1, T1 = RequestId("r1"), TaskId("t1")


def answered(*verdicts: ItemVerdict, edited: bool = False) -> Decision:
    return Answered(verdicts=verdicts, voters=(ALICE, BOB), edited=edited, at=MORNING)


SETTLED = [
    answered(Approve()),
    answered(Approve(), edited=True),
    answered(Reject(reason="no")),
    answered(Respond(value="42")),
    answered(Choose(choice="left")),
    answered(Approve(), Reject(reason="no")),
    Expired(at=MORNING),
    Cancelled(by=RITA, at=MORNING),
    None,
]

REFUSALS: list[CountersignError] = [
    NotFound("task", "t1"),
    Unreachable(),
    Unreachable("Slack did not say who you are"),
    Conflict("r1"),
    UnknownGraph("clean", ["cleanup", "pay"]),
    UnknownGraph("clean", []),
    GraphUnavailable("cleanup", "its module has an error."),
    InvalidInputs("cleanup", {"days": "must be a number", "": "There is no input `day`"}, "/task cleanup days=3"),
    InvalidAnswer("The amount must be a number."),
    InvalidSchedule("noon sharp"),
    DrawnBefore(R1),
    StaleVersion(R1),
    VerdictNotOffered("`delete` cannot be edited"),
    ReasonMissing(),
    NotAnApprover(["<@U1>", "<@U2>"]),
    NotAnApprover([]),
    OwnRequest(["<@U1>"]),
    OwnRequest([]),
    AgreedBefore(["<@U1>"]),
    AgreedBefore([]),
    AnotherRule("the rule `a` cannot be worked out"),
    NotEligible("it is a guest's"),
    NoPolicy("the rule `large` cannot be worked out: there is no key 'amount'"),
    RuleAnswers("reads"),
    NotTold(["@ops cannot be looked up: the bot's app lacks a scope (usergroups:read)."]),
    VoteGiven(BOB),
    CannotDelegate("You have answered already. Withdraw your answer first."),
    NothingToWithdraw(),
    NothingToWithdraw(BOB),
    NoExtension(None),
    NoExtension(MORNING),
    AlreadyExtended(BOB, MORNING),
    NudgedLately(MORNING),
    NotYours(T1, RITA),
    TaskFinished(T1),
    NothingToRetry(T1),
    NothingToTakeBack(),
    TooLateToChange(taken=True),
    TooLateToChange(taken=False),
    SettingsError("policies.yaml, line 3: `approvers` must be a list."),
    *(AlreadySettled(R1, decision) for decision in SETTLED),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_every_refusal_is_a_sentence_without_placeholders(refusal: CountersignError) -> None:
    sentence = str(refusal)

    assert re.match(r"[A-Z`<]|r1 |policies", sentence), sentence
    assert re.search(r"[.`>:\w]$", sentence), sentence
    without_dates = re.sub(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|[^>]+>", "", sentence)
    assert not re.search(r"[{}]|None|\bobject at\b|Person\(|  |\.\.|\(\)", without_dates), sentence


def test_every_class_of_refusal_has_its_sentence_tested() -> None:
    def leaves(of: type[CountersignError]) -> set[type[CountersignError]]:
        below = {leaf for child in of.__subclasses__() for leaf in leaves(child)}
        return below or {of}

    mine = {leaf for leaf in leaves(CountersignError) if leaf.__module__ == "bot.approvals.model.errors"}

    assert mine == {type(refusal) for refusal in REFUSALS}


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (SETTLED[0], "<@U-ALICE>, <@U-BOB> approved this at "),
        (SETTLED[1], "<@U-ALICE>, <@U-BOB> approved this with changes at "),
        (SETTLED[2], "<@U-ALICE>, <@U-BOB> rejected this at "),
        (SETTLED[3], "<@U-ALICE>, <@U-BOB> answered this at "),
        (SETTLED[4], "<@U-ALICE>, <@U-BOB> chose an answer to this at "),
        (SETTLED[5], "<@U-ALICE>, <@U-BOB> answered this at "),
        (SETTLED[6], "Nobody answered in time: this expired at "),
        (SETTLED[7], "<@U-RITA> cancelled this at "),
        (SETTLED[8], "This request is no longer open: the graph has moved on without an answer."),
    ],
)
def test_who_comes_late_is_told_who_was_first_and_when(decision: Decision | None, said: str) -> None:
    sentence = str(AlreadySettled(R1, decision))

    assert sentence.startswith(said)
    if decision is not None:
        assert f"<!date^{int(MORNING.timestamp())}^" in sentence
        assert "|2026-03-02 09:00 UTC>" in sentence


def test_an_unknown_graph_names_those_that_are_known() -> None:
    assert "`cleanup`, `pay`" in str(UnknownGraph("clean", ["cleanup", "pay"]))


def test_wrong_inputs_are_named_with_a_line_that_is_right() -> None:
    sentence = str(InvalidInputs("cleanup", {"days": "must be a number"}, "/task cleanup days=3"))

    assert "`days` must be a number" in sentence
    assert "`/task cleanup days=3`" in sentence


def test_an_answer_that_does_not_fit_says_which_field() -> None:
    assert InvalidAnswer("must be a number", "amount").field == "amount"


def test_of_a_line_with_everything_wrong_only_the_first_things_are_named() -> None:
    sentence = str(InvalidInputs("cleanup", {f"key{n}": "is not an input of it" for n in range(100)}, "/task cleanup"))

    assert sentence.count("is not an input of it") == 6
    assert "and 94 more. A right line" in sentence
