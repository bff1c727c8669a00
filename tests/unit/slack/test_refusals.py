"""What a refused person reads in Slack."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.approvals.model import call_errors, errors
from bot.approvals.model.decision import Cancelled, Decision, Outcome
from bot.approvals.model.errors import (
    AgreedBefore,
    Alike,
    AlreadySettled,
    CannotDelegate,
    CountersignError,
    Difference,
    InvalidInputs,
    InvalidSchedule,
    NoDelegate,
    NotAnApprover,
    NothingToWithdraw,
    NotYourAnswer,
    NotYours,
    OwnRequest,
    StaleVersion,
    TooLateToTakeBack,
    UnknownGraph,
)
from bot.approvals.model.ids import Operator, Program, TaskId
from bot.slack import quotes
from bot.slack.listeners import register  # noqa: F401 - all of the listeners' own refusals are known then
from bot.slack.refusals import Refused, worded
from tests.support.fakes.clock import MORNING
from tests.support.fakes.refusals import R1, REFUSALS, SETTLED, T1, leaves, offer
from tests.support.fakes.world import ALICE, BOB, RITA

OURS = [*REFUSALS, Refused("Try again."), quotes.Unbalanced('"', opened=True), quotes.Unbalanced('"', opened=False)]


@pytest.mark.parametrize("refusal", OURS, ids=lambda refusal: type(refusal).__name__)
def test_every_refusal_is_a_sentence_without_placeholders(refusal: CountersignError) -> None:
    sentence = worded(refusal)

    assert re.match(r"[A-Z`<]|r1 |policies", sentence), sentence
    assert re.search(r"[.`>:\w]$", sentence), sentence
    without_dates = re.sub(r"<!date\^\d+\^\{date_short_pretty\} \{time(_secs)?\}\|[^>]+>", "", sentence)
    assert not re.search(r"[{}]|None|\bobject at\b|Person\(|  |\.\.|\(\)", without_dates), sentence


def test_every_class_of_refusal_has_words() -> None:
    """A new class fails here until it has a `case`, and a sample. What programs are refused never reaches Slack."""
    known = {leaf for leaf in leaves(CountersignError) if leaf.__module__.startswith(("bot.approvals", "bot.slack"))}
    known = {leaf for leaf in known if leaf.__module__ != call_errors.__name__}
    own = {leaf for leaf in known if issubclass(leaf, Refused)}

    assert known - own == {type(refusal) for refusal in OURS} - {Refused}


def test_a_class_without_words_is_a_bug_and_no_silent_refusal() -> None:
    with pytest.raises(AssertionError, match="no words for CountersignError"):
        worded(CountersignError("anything"))


EVIL = "<!channel> <@U1> & <https://evil.example|here>\nsecond line"


@pytest.mark.parametrize(
    "refusal",
    [
        errors.SettingsError(EVIL),
        errors.NotFound("task", EVIL),
        errors.Unreachable(EVIL),
        errors.Conflict(EVIL),
        errors.UnknownGraph(EVIL, [EVIL]),
        errors.GraphUnavailable(EVIL, EVIL),
        errors.InvalidInputs(EVIL, {EVIL: EVIL, "": EVIL}, EVIL),
        errors.InvalidSchedule(EVIL),
        errors.InvalidAnswer(EVIL),
        errors.VerdictNotOffered(EVIL),
        errors.AnotherRule(EVIL),
        errors.NoPolicy(EVIL),
        errors.RuleAnswers(EVIL),
        errors.NotThisWay(EVIL, EVIL),
        errors.NotYours(TaskId("t1"), Program(name=EVIL)),
        errors.OwnRequest([], EVIL),
        errors.NotTold([EVIL]),
        errors.NotEligible(EVIL),
        errors.CannotDelegate(NoDelegate.INELIGIBLE, EVIL),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
def test_what_others_wrote_mentions_nobody_and_leads_nowhere(refusal: CountersignError) -> None:
    assert not re.search(r"[<>\n]", worded(refusal))


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
        (Cancelled(by=Program(name="billing"), at=MORNING), "*billing* withdrew this at "),
        (SETTLED[8], "This request is no longer open: the graph has moved on without an answer."),
        (SETTLED[9], "<@U-ALICE>, <@U-BOB> chose to undo this at "),
        (SETTLED[10], "<@U-ALICE>, <@U-BOB> chose to keep this at "),
        (SETTLED[11], "This can no longer be undone: the time for that ended at "),
    ],
)
def test_who_comes_late_is_told_who_was_first_and_when(decision: Decision | None, said: str) -> None:
    sentence = worded(AlreadySettled(R1, decision))

    assert sentence.startswith(said)
    if decision is not None:
        assert f"<!date^{int(MORNING.timestamp())}^" in sentence
        assert "|2026-03-02 09:00 UTC>" in sentence


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (NotAnApprover([ALICE, BOB]), "Who may: <@U-ALICE>, <@U-BOB>."),
        (NotAnApprover([]), "the policy names no one else"),
        (OwnRequest([ALICE]), "it is not yours to approve. Who may: <@U-ALICE>."),
        (OwnRequest([]), "Who may: nobody else."),
        (AgreedBefore([BOB]), "earlier stage, and this stage needs other people. Who may: <@U-BOB>."),
        (NotYours(T1, RITA), "<@U-RITA>; only they"),
        (NothingToWithdraw(BOB), "<@U-BOB> has answered in your place"),
        (NothingToWithdraw(), "no answer of yours counts"),
        (NotAnApprover([RITA], undoes=True), "Only <@U-RITA> can undo this, or decide to keep it."),
        (NotAnApprover([ALICE, BOB], undoes=True), "Only <@U-ALICE> or <@U-BOB> can undo this"),
        (NotAnApprover([], undoes=True), "Nobody may undo this"),
        (NotYourAnswer([BOB]), "Only <@U-BOB> can take this answer back."),
        (NotYourAnswer([BOB], stoppable=True), "If you may answer, you can *Stop* it."),
    ],
)
def test_people_are_mentioned(refusal: CountersignError, said: str) -> None:
    assert said in worded(refusal)


def test_who_comes_late_while_it_is_held_is_told_when_the_agent_gets_it_and_that_it_can_be_stopped() -> None:
    sentence = worded(AlreadySettled(R1, SETTLED[0], held_until=MORNING + timedelta(seconds=30)))

    assert sentence.startswith("<@U-ALICE>, <@U-BOB> approved this at ")
    assert "{time_secs}|2026-03-02 09:00:30 UTC>. Until then, people who may answer can *Stop* it." in sentence


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (None, "can be undone until <!date^"),
        (Outcome.UNDO, "the agent has it. *Undo* was chosen later."),
        (Outcome.CLOSED, "What it did stays: it can no longer be undone."),
    ],
)
def test_who_takes_back_too_late_is_told_whether_it_can_be_undone(outcome: Outcome | None, said: str) -> None:
    assert said in worded(TooLateToTakeBack(R1, offer(outcome)))
    assert worded(TooLateToTakeBack(R1)) == "It is too late to take the answer back: the agent has it."


@pytest.mark.parametrize("why", NoDelegate)
def test_who_cannot_give_their_vote_away_is_told_what_to_do(why: NoDelegate) -> None:
    assert re.search(r"\. (Choose|Answer|Withdraw)", worded(CannotDelegate(why)))


def test_what_is_wrong_with_an_account_is_said() -> None:
    assert "requests: it is a guest's." in worded(CannotDelegate(NoDelegate.INELIGIBLE, "it is a guest's"))


def test_an_unknown_graph_names_those_that_are_known() -> None:
    assert "`cleanup`, `pay`" in worded(UnknownGraph("clean", ["cleanup", "pay"]))


def test_a_time_that_is_none_is_answered_with_lines_that_work() -> None:
    assert "Try: `/approvals summary 09:00 weekdays`" in worded(InvalidSchedule("noon sharp"))


def test_wrong_inputs_are_named_with_a_line_that_works() -> None:
    sentence = worded(InvalidInputs("cleanup", {"days": "must be a number"}, "/task cleanup days=3"))

    assert "`days` must be a number. Try: `/task cleanup days=3`" in sentence


def test_of_a_line_with_everything_wrong_only_the_first_things_are_named() -> None:
    problems = {f"key{n}": "is not an input of it" for n in range(100)}

    sentence = worded(InvalidInputs("cleanup", problems, "/task cleanup"))

    assert sentence.count("is not an input of it") == 6
    assert "and 94 more. Try: " in sentence


def stale(*changed: Difference) -> str:
    return worded(StaleVersion(R1, changed))


def test_a_click_on_what_has_changed_is_told_what_changed() -> None:
    found = (Difference(name="amount", before=10, now=2000), Difference(name="to_iban", item="pay", now="DE89"))

    assert stale(*found) == (
        "Your answer was not counted, because this changed: Amount 10 → 2000; pay: To IBAN - → DE89. "
        "The card shows it now."
    )


def test_a_value_that_is_hidden_is_named_and_not_shown() -> None:
    assert "this changed: Password. The card" in stale(Difference(name="password"))


def test_long_and_many_changes_are_cut() -> None:
    many = [Difference(name=f"key {number}", before="x" * 500, now=["y"] * 100) for number in range(9)]

    sentence = stale(*many)

    assert "; and 5 more. The card" in sentence
    assert len(sentence) < 1000


def test_what_a_graph_wrote_mentions_nobody_and_hides_nothing() -> None:
    sentence = stale(Difference(name=EVIL, item=EVIL, before=EVIL, now="safe\u202egnp"))

    assert "<!channel>" not in sentence
    assert "\u202e" not in sentence
    assert "\n" not in sentence


def test_if_only_times_changed_one_more_click_is_enough() -> None:
    said = worded(StaleVersion(R1, Alike.BUT_TIMES))
    late = worded(StaleVersion(R1, Alike.BUT_TIMES, lags=True))

    assert said == (
        "Your answer was not counted yet. Only the time of asking changed; the card is up to date now: press the "
        "button once more."
    )
    assert late.endswith("the card is being updated: press the button once more in a moment.")


def test_whoever_comes_after_an_operator_is_told_that_they_cancelled_it() -> None:
    cancelled = AlreadySettled(R1, Cancelled(by=Operator(login="olga"), at=MORNING))

    assert worded(cancelled).startswith("An operator (olga) cancelled ")
    assert "cancelled by an operator (olga)" in str(cancelled)
