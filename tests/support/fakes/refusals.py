"""One of each refusal of the domain, and of each decision that somebody may come too late for."""

from __future__ import annotations

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Keep,
    Outcome,
    Reject,
    Respond,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import (
    AgentsNotLoaded,
    AgreedBefore,
    Alike,
    AlreadyExtended,
    AlreadySettled,
    AnotherRule,
    CannotDelegate,
    Conflict,
    CountersignError,
    Difference,
    DrawnBefore,
    GraphUnavailable,
    InvalidAnswer,
    InvalidInputs,
    InvalidSchedule,
    NoDelegate,
    NoExtension,
    NoPolicy,
    NotAnApprover,
    NotEligible,
    NotFound,
    NothingToRetry,
    NothingToStop,
    NothingToTakeBack,
    NothingToWithdraw,
    NotThisWay,
    NotTold,
    NotYourAnswer,
    NotYours,
    NudgedLately,
    OwnRequest,
    ReasonMissing,
    RuleAnswers,
    SettingsError,
    StaleVersion,
    TaskFinished,
    TooLateToChange,
    TooLateToTakeBack,
    UnknownGraph,
    Unreachable,
    VerdictNotOffered,
    VoteGiven,
)
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.undo_offer import UndoOffer
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, RITA

R1, T1 = RequestId("r1"), TaskId("t1")
OFFER = UndoOffer(request_id=RequestId("r2"), version=1, digest="d2", until=MORNING)


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
    answered(Undo()),
    answered(Keep()),
    WindowClosed(at=MORNING),
]


def offer(outcome: Outcome | None) -> UndoOffer:
    return UndoOffer(request_id=RequestId("r2"), version=1, digest="d", until=MORNING, outcome=outcome)


REFUSALS: list[CountersignError] = [
    NotFound("task", "t1"),
    Unreachable(),
    Unreachable("Slack did not say who you are"),
    Conflict("r1"),
    AgentsNotLoaded(),
    UnknownGraph("clean", ["cleanup", "pay"]),
    UnknownGraph("clean", []),
    GraphUnavailable("cleanup", "its module has an error."),
    InvalidInputs("cleanup", {"days": "must be a number", "": "There is no input `day`"}, "/task cleanup days=3"),
    InvalidAnswer("The amount must be a number."),
    InvalidSchedule("noon sharp"),
    DrawnBefore(R1),
    DrawnBefore(R1, lags=True),
    StaleVersion(R1),
    *(StaleVersion(R1, alike, lags) for alike in Alike for lags in (True, False)),
    *(StaleVersion(R1, (Difference(name="amount", before=10, now=20),), lags) for lags in (True, False)),
    VerdictNotOffered("`delete` cannot be edited"),
    ReasonMissing(),
    NotAnApprover([ALICE, BOB]),
    NotAnApprover([]),
    NotAnApprover([RITA], undoes=True),
    NotAnApprover([ALICE, BOB], undoes=True),
    NotAnApprover([], undoes=True),
    NotThisWay("portal", "payments"),
    OwnRequest([ALICE]),
    OwnRequest([]),
    AgreedBefore([ALICE]),
    AgreedBefore([]),
    AnotherRule("the rule `a` cannot be worked out"),
    NotEligible("it is a guest's"),
    NoPolicy("the rule `large` cannot be worked out: there is no key 'amount'"),
    RuleAnswers("reads"),
    NotTold(["@ops cannot be looked up: the bot's app lacks a scope (usergroups:read)."]),
    VoteGiven(BOB),
    *(CannotDelegate(why) for why in NoDelegate),
    CannotDelegate(NoDelegate.INELIGIBLE, "it is a guest's"),
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
    NothingToStop(R1),
    NotYourAnswer([BOB]),
    NotYourAnswer([ALICE, BOB], stoppable=True),
    TooLateToTakeBack(R1),
    *(TooLateToTakeBack(R1, offer(outcome)) for outcome in (None, Outcome.UNDO, Outcome.KEEP, Outcome.CLOSED)),
    TooLateToChange(taken=True),
    TooLateToChange(taken=False),
    SettingsError("policies.yaml, line 3: `approvers` must be a list."),
    *(AlreadySettled(R1, decision) for decision in SETTLED),
    AlreadySettled(R1, SETTLED[0], held_until=MORNING),
]


def leaves(of: type[CountersignError]) -> set[type[CountersignError]]:
    """The classes below it that have none below themselves; it, if there are none. One of the process, such as a wrong
    setting with more to say, is told as the one of the domain that it is."""
    told = [child for child in of.__subclasses__() if not child.__module__.startswith("bot.runtime")]
    below = {leaf for child in told for leaf in leaves(child)}
    return below or {of}
