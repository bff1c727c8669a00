"""All refusals and their reasons, as data: the one tree of errors that callers tell apart.

A refusal holds what happened as typed fields. The code that shows it to people writes the text for them:
`bot.slack.refusals` does so for Slack, with mentions, dates in the reader's time zone, and what to do next. `str()` is
the bare fact in plain text, for logs and terminals. It may repeat what anybody wrote, so it never goes to Slack
unescaped. The audit log keeps the name of the class (`why`) and the text that the person was shown (`said`). If a class
is renamed, its refusals stand in the log under both names.

Any exception that is not a `CountersignError` is a bug or an outage, and reaches the one error handler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from bot.approvals.model.decision import Answered, Decision, Expired, Outcome, WindowClosed, outcome_of
from bot.approvals.model.ids import JSON, Operator, Person, Program, RequestId, TaskId
from bot.approvals.model.undo_offer import UndoOffer


class CountersignError(Exception):
    """The base of all refusals."""


class SettingsError(CountersignError):
    """A setting is wrong or missing, so the bot does not start. The only argument is the sentence for the terminal: it
    names the file, the key, and what would be right."""


# --- Records and stores -------------------------------------------------------------------------


@dataclass(eq=False)
class NotFound(CountersignError):
    """There is no such task, request or token."""

    what: str
    """`task`, `request` or `token`."""
    id: str

    def __str__(self) -> str:
        return f"There is no {self.what} `{self.id}`."


@dataclass(eq=False)
class Unreachable(CountersignError):
    """Storage or Slack's directory did not answer. Nothing was changed."""

    what: str | None = None
    """Which of them did not answer, and what it said. None if that is not known."""

    def __str__(self) -> str:
        return f"Nothing was changed, because something did not answer: {self.what or 'it took too long'}."


@dataclass(eq=False)
class Conflict(CountersignError):
    """The record has changed since it was read. The caller has to read it again before changing it."""

    id: str

    def __str__(self) -> str:
        return f"{self.id} was changed by somebody else at the same moment."


# --- Starting a task ----------------------------------------------------------------------------


@dataclass(eq=False)
class AgentsNotLoaded(CountersignError):
    """No worker has published yet which agents it can run, so nothing can be started."""

    def __str__(self) -> str:
        return "The agents are still being loaded."


@dataclass(eq=False)
class UnknownGraph(CountersignError):
    """The name is not in langgraph.json."""

    name: str
    known: Sequence[str]

    def __str__(self) -> str:
        return f"There is no graph `{self.name}`. Known graphs: {', '.join(self.known) or 'none yet'}."


@dataclass(eq=False)
class GraphUnavailable(CountersignError):
    """The graph is named in langgraph.json but could not be loaded."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"The graph `{self.name}` cannot run here: {self.reason}"


@dataclass(eq=False)
class InvalidInputs(CountersignError):
    """The inputs do not fit the graph."""

    graph: str
    problems: Mapping[str, str]
    """What is wrong, by the input's name. The name '' stands for all inputs together."""
    example: str
    """A command that would start the graph."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The only values that an input takes, as people type them, by the input's name."""
    certain: bool = True
    """Whether the graph takes the example as it is. It does not if it looks for something that is not there, such as a
    file."""

    def __str__(self) -> str:
        wrong = "; ".join(f"{name} {problem}" if name else problem for name, problem in self.problems.items())
        return f"The inputs do not fit the graph `{self.graph}`: {wrong}"


@dataclass(eq=False)
class InvalidSchedule(CountersignError):
    """The text that somebody wrote is not a time of day, or does not name days."""

    words: str

    def __str__(self) -> str:
        return f"`{self.words}` is not a time and days."


# --- Answering a request ------------------------------------------------------------------------


@dataclass(eq=False)
class InvalidAnswer(CountersignError):
    """The graph would refuse this answer, so it is not recorded."""

    problem: str
    field: str = ""
    """The form field that has the problem. '' stands for the whole form."""
    item: int = 0
    """The item of the question that has the problem, counted from 0."""

    def __str__(self) -> str:
        return self.problem


@dataclass(eq=False)
class AlreadySettled(CountersignError):
    """The request was settled before this answer came."""

    request_id: RequestId
    decision: Decision | None
    """None if the graph moved on without a decision."""
    held_until: datetime | None = None
    """Until when the decision is kept from the agent, so that people can stop it. None if it is not."""

    def __str__(self) -> str:
        return f"Request {self.request_id} is settled already: {_settled(self.decision)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A value of a question that is another one now."""

    name: str
    """The name of the argument, or `question`, `text` or `choices`."""
    item: str = ""
    """The name of the action that the argument belongs to. Empty if the question has only one."""
    before: JSON = None
    """None if it was not there, or if nobody is to see it."""
    now: JSON = None


class Alike(StrEnum):
    """How little a question may have changed."""

    BUT_TIMES = "but times"
    """Only times of the clock differ, or values that differ each time it is asked."""
    IN_ALL = "in all"
    """Nothing of it differs, but it was asked again."""


@dataclass(eq=False)
class StaleVersion(CountersignError):
    """The question has changed since the vote was given."""

    request_id: RequestId
    changed: tuple[Difference, ...] | Alike = ()
    """What has changed since the person saw it. Empty if that is not known. It is never part of the audit log's `said`,
    as it may hold secrets: only code that masks it fills it in."""
    lags: bool = False
    """Whether the message that was clicked on does not show the change yet."""

    def __str__(self) -> str:
        return f"The question of request {self.request_id} has changed since it was shown."


@dataclass(eq=False)
class DrawnBefore(CountersignError):
    """An earlier version of this program rendered the button, which does not say what was shown beside it."""

    request_id: RequestId
    lags: bool = False
    """Whether the message that was clicked on is not drawn again yet."""

    def __str__(self) -> str:
        return f"A button of request {self.request_id} does not say what was shown beside it."


@dataclass(eq=False)
class VerdictNotOffered(CountersignError):
    """The item does not take this verdict, or there are not as many verdicts as items."""

    detail: str

    def __str__(self) -> str:
        return f"The request does not take this answer: {self.detail}."


@dataclass(eq=False)
class ReasonMissing(CountersignError):
    """The policy requires a reason for this verdict."""

    def __str__(self) -> str:
        return "The policy wants a reason for this answer."


@dataclass(eq=False)
class NothingToTakeBack(CountersignError):
    """The request is open, or was settled without an answer of people."""

    def __str__(self) -> str:
        return "There is no answer to take back."


@dataclass(eq=False)
class NotYourAnswer(CountersignError):
    """The decision that waits to be delivered was given by others."""

    voters: Sequence[Person]
    """Those who may take it back."""
    stoppable: bool = False
    """Whether an eligible approver may stop it instead."""

    def __str__(self) -> str:
        return "The answer is not this person's."


@dataclass(eq=False)
class TooLateToTakeBack(CountersignError):
    """The agent has the answer, or is about to get it."""

    request_id: RequestId
    undo: UndoOffer | None = None
    """How what it did can be undone. None if the agent does not offer that."""

    def __str__(self) -> str:
        return "The agent has the answer already."


@dataclass(eq=False)
class NothingToStop(CountersignError):
    """No decision is held that could be stopped."""

    request_id: RequestId

    def __str__(self) -> str:
        return "No decision is held that could be stopped."


@dataclass(eq=False)
class TooLateToChange(CountersignError):
    """Somebody changed or deleted the message that holds their answer, but the answer counts as it was given."""

    taken: bool
    """Whether the agent has the answer already."""

    def __str__(self) -> str:
        return "The agent has the answer already." if self.taken else "The answer cannot be changed any more."


@dataclass(eq=False)
class AnotherRule(CountersignError):
    """If this edit were made, other people might have to be asked."""

    why: str

    def __str__(self) -> str:
        return f"With this edit others may have to be asked: {self.why}."


# --- Policies -----------------------------------------------------------------------------------


@dataclass(eq=False)
class NoPolicy(CountersignError):
    """The policy that governs the request cannot be determined, so the request keeps the one that it has."""

    why: str

    def __str__(self) -> str:
        return f"No policy can be applied, and nothing was changed: {self.why}."


@dataclass(eq=False)
class RuleAnswers(CountersignError):
    """The rule that would govern the request answers without a person, but people have been asked already."""

    rule: str

    def __str__(self) -> str:
        return (
            f"The rule `{self.rule}` answers by itself, but people have been asked already. The request keeps its "
            "policy: nothing was changed."
        )


# --- Who may ------------------------------------------------------------------------------------


class MayNotVote(CountersignError):
    """The base of all refusals that depend on who wants to vote."""


@dataclass(eq=False)
class NotAnApprover(MayNotVote):
    """The policy does not name this person."""

    who_may: Sequence[Person]
    undoes: bool = False
    """Whether it is about undoing what was done, and not about an approval."""

    def __str__(self) -> str:
        return f"The policy does not name this person, but {_ids(self.who_may)}."


@dataclass(eq=False)
class NotThisWay(MayNotVote):
    """The policy does not take answers from this page, only in Slack and from the pages that it names."""

    through: str
    """The name of the page's token."""
    policy: str
    """The name of the policy."""

    def __str__(self) -> str:
        return f"The policy {self.policy} takes no answers through {self.through}."


@dataclass(eq=False)
class NotTold(MayNotVote):
    """Slack does not let the bot see whether the policy names this person."""

    why: Sequence[str]
    """The reasons, as complete sentences."""

    def __str__(self) -> str:
        return f"Slack does not say whether the policy means this person. {' '.join(self.why)}"


@dataclass(eq=False)
class OwnRequest(MayNotVote):
    """Requesters may not answer their own requests unless the policy allows it."""

    who_may: Sequence[Person]
    program: str = ""
    """The program that asks for the requester. Empty if the requester started the task in Slack."""

    def __str__(self) -> str:
        return f"The requester may not answer this, but {_ids(self.who_may)}."


@dataclass(eq=False)
class AgreedBefore(MayNotVote):
    """The person agreed in an earlier stage. Nobody counts in two stages."""

    who_may: Sequence[Person]

    def __str__(self) -> str:
        return f"This person agreed in an earlier stage; this one takes {_ids(self.who_may)}."


@dataclass(eq=False)
class NotEligible(MayNotVote):
    """Guests, bots, deactivated accounts and people of other workspaces may not answer."""

    why: str

    def __str__(self) -> str:
        return f"The account may not answer requests: {self.why}."


@dataclass(eq=False)
class VoteGiven(MayNotVote):
    """Somebody else has this person's vote."""

    to: Person

    def __str__(self) -> str:
        return f"This person gave their vote to {self.to.user_id}."


# --- Side actions -------------------------------------------------------------------------------


class NoDelegate(StrEnum):
    """Why a vote cannot be given to somebody."""

    YOURSELF = "the vote is theirs already"
    UNKNOWN = "Slack knows no such account"
    INELIGIBLE = "the account may not answer requests"
    REQUESTER = "they started this task"
    TAKES_PART = "they have or had a vote of their own, and one person answers once"
    GIVEN = "a vote that somebody was given goes no further"
    USED = "whoever gives it has answered already"


@dataclass(eq=False)
class CannotDelegate(CountersignError):
    """This vote cannot be given to this person."""

    why: NoDelegate
    ineligible: str | None = None
    """The value of `Member.ineligible`, if the account is the reason."""

    def __str__(self) -> str:
        return f"The vote cannot be given: {self.why}{f' ({self.ineligible})' if self.ineligible else ''}."


@dataclass(eq=False)
class NothingToWithdraw(CountersignError):
    """The person has no vote on the current version."""

    used: Person | None = None
    """The colleague to whom this person gave the vote, if they have used it."""

    def __str__(self) -> str:
        return f"{self.used.user_id} has used the vote." if self.used else "This person has no vote to withdraw."


@dataclass(eq=False)
class NoExtension(CountersignError):
    """The policy gives no more time."""

    deadline: datetime | None
    """None if there is no deadline to extend."""

    def __str__(self) -> str:
        return "There is no deadline." if self.deadline is None else f"The policy ends it at {_time(self.deadline)}."


@dataclass(eq=False)
class AlreadyExtended(CountersignError):
    """The deadline has been extended already, and that is possible only once."""

    by: Person
    deadline: datetime

    def __str__(self) -> str:
        return f"{self.by.user_id} has extended the deadline already, to {_time(self.deadline)}."


@dataclass(eq=False)
class NudgedLately(CountersignError):
    """The requester has sent a reminder within the last hour."""

    again: datetime
    """When the next reminder may be sent."""

    def __str__(self) -> str:
        return f"They were reminded within the hour; again from {_time(self.again)}."


# --- Tasks --------------------------------------------------------------------------------------


@dataclass(eq=False)
class NotYours(CountersignError):
    """Only the requester may do this to a task."""

    task_id: TaskId
    requester: Person | Program

    def __str__(self) -> str:
        return f"Task {self.task_id} belongs to {_ids([self.requester])}."


@dataclass(eq=False)
class TaskFinished(CountersignError):
    """The task has ended. Nothing about it can be changed any more."""

    task_id: TaskId

    def __str__(self) -> str:
        return f"Task {self.task_id} has ended."


@dataclass(eq=False)
class NothingToRetry(CountersignError):
    """No error has stopped the task, so a retry would do nothing."""

    task_id: TaskId

    def __str__(self) -> str:
        return f"Task {self.task_id} is not stopped by an error."


# --- In plain text ------------------------------------------------------------------------------


def _settled(decision: Decision | None) -> str:
    if decision is None:
        return "the graph has moved on without an answer"
    if isinstance(decision, Expired):
        return f"expired at {_time(decision.at)}"
    if isinstance(decision, WindowClosed):
        return f"left as it is, because the time to undo it ended at {_time(decision.at)}"
    people = decision.voters if isinstance(decision, Answered) else (decision.by,)
    return f"{_SETTLED[outcome_of(decision)]} by {_ids(people)} at {_time(decision.at)}"


_SETTLED: Final[Mapping[Outcome, str]] = {
    Outcome.APPROVE: "approved",
    Outcome.EDIT: "approved with changes",
    Outcome.REJECT: "rejected",
    Outcome.RESPOND: "answered",
    Outcome.CHOOSE: "answered",
    Outcome.UNDO: "undo was chosen",
    Outcome.KEEP: "kept",
    Outcome.MIXED: "decided",
    Outcome.CANCELLED: "cancelled",
}


def _ids(people: Sequence[Person | Program | Operator]) -> str:
    return ", ".join(map(_id, people)) or "nobody"


def _id(who: Person | Program | Operator) -> str:
    match who:
        case Person(user_id=user_id):
            return user_id
        case Program(name=name):
            return name
        case Operator(login=login):
            return f"an operator ({login})"
        case _ as never:
            assert_never(never)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
