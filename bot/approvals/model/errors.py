"""What can be refused, each with a sentence that may be shown to the person whom it refuses.

Anything that is not a `CountersignError` is a bug or an outage, and reaches the one error handler.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.approvals.model.decision import Answered, Decision, Expired, Outcome, outcome_of
from bot.approvals.model.ids import Person, RequestId, TaskId


class CountersignError(Exception):
    """The base of all refusals. `str()` is the sentence; in it `<@U...>` stands for a person and
    `<!date^...>` for a moment, as Slack writes them."""


def literal(words: str) -> str:
    """Words that somebody or something else wrote, as part of such a sentence: one line, in which they stand for
    nobody and lead nowhere (Slack: escaping text)."""
    return " ".join(words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())


class SettingsError(CountersignError):
    """A setting is wrong or missing: the bot does not start. Says the file, the key, and what would be right."""


class NotFound(CountersignError):
    """There is no such task or request."""

    def __init__(self, what: str, id: str) -> None:
        super().__init__(f"There is no {what} `{literal(id)}`. `/task list` shows your tasks.")


class Unreachable(CountersignError):
    """Storage or Slack's directory did not answer; nothing was changed."""

    def __init__(self, what: str = "") -> None:
        detail = f" ({what})" if what else ""
        super().__init__(f"That did not get through{detail}, and nothing was changed. Please try again in a moment.")


class Conflict(CountersignError):
    """The record changed since it was read; whoever wants to change it has to read it again."""

    def __init__(self, id: str) -> None:
        super().__init__(f"{id} was changed by somebody else at the same moment. Please try again.")


class UnknownGraph(CountersignError):
    """The name is not in langgraph.json."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.known = tuple(known)
        listed = ", ".join(f"`{literal(graph)}`" for graph in known) or "none yet"
        super().__init__(f"There is no graph `{literal(name)}`. Known graphs: {listed}.")


class GraphUnavailable(CountersignError):
    """The graph is named in langgraph.json but could not be loaded."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The graph `{literal(name)}` cannot run here: {literal(reason)}")


MOST_PROBLEMS = 6
"""Of one line, named at once."""


class InvalidInputs(CountersignError):
    """The inputs do not fit the graph. `problems` maps an input's name ('' for all of them) to what is wrong."""

    def __init__(self, graph: str, problems: dict[str, str], example: str) -> None:
        self.problems = problems
        said = [f"`{name}` {problem}" if name else problem for name, problem in problems.items()]
        if len(said) > MOST_PROBLEMS:
            said[MOST_PROBLEMS:] = [f"and {len(said) - MOST_PROBLEMS} more"]
        listed = literal("; ".join(said).rstrip(".?"))
        super().__init__(f"`{literal(graph)}` did not start: {listed}. A right line: `{literal(example)}`")


class InvalidAnswer(CountersignError):
    """The graph would refuse this answer, so it is not recorded. `field` is the form's field, '' for the whole; `item`
    is the question's item that it is about."""

    def __init__(self, problem: str, field: str = "", item: int = 0) -> None:
        self.field = field
        self.item = item
        self.problem = problem
        super().__init__(literal(problem))


class InvalidSchedule(CountersignError):
    """What somebody wrote is no time of day, or no days."""

    def __init__(self, words: str) -> None:
        super().__init__(
            f"`{literal(words)}` is not a time and days. Right lines: `/approvals digest 09:00 weekdays`, "
            "`/approvals digest 8:30 mon,thu`, `/approvals digest 18:00 daily`, `/approvals digest off`."
        )


class AlreadySettled(CountersignError):
    """Somebody was first."""

    def __init__(self, request_id: RequestId, decision: Decision | None) -> None:
        self.request_id = request_id
        self.decision = decision
        super().__init__(_told(decision))


class StaleVersion(CountersignError):
    """The vote was given on a question that has changed since."""

    def __init__(self, request_id: RequestId) -> None:
        self.request_id = request_id
        super().__init__(
            "What you answered has changed since it was shown to you, so your answer was not counted. "
            "The card shows it as it is now."
        )


class DrawnBefore(CountersignError):
    """The button is of an earlier version of this program, and does not say what exactly it was shown beside."""

    def __init__(self, request_id: RequestId) -> None:
        self.request_id = request_id
        super().__init__(
            "This was drawn before Countersign was updated, so it is not certain what you were shown, and your answer "
            "was not counted. The card is being drawn again: please read it, and answer once more."
        )


class VerdictNotOffered(CountersignError):
    """The item does not take this verdict, or the count of verdicts is not the count of items."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"This request does not take that answer: {literal(detail)}.")


class ReasonMissing(CountersignError):
    """The policy wants this verdict to say why."""

    def __init__(self) -> None:
        super().__init__("Please say why: the reason goes to the requester and to the graph.")


class NothingToTakeBack(CountersignError):
    """The answer is not this person's, or it is with the agent already."""

    def __init__(self) -> None:
        super().__init__("There is no answer of yours to take back: the agent may have it already.")


class TooLateToChange(CountersignError):
    """An answer whose message was changed counts as it was. `taken` says whether the agent has it."""

    def __init__(self, *, taken: bool) -> None:
        self.taken = taken
        super().__init__(
            "The agent already has your answer as it was."
            if taken
            else "This has been settled or has moved on, so your answer cannot be changed any more."
        )


class AnotherRule(CountersignError):
    """As it was edited, other people would have to be asked."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"With this change others may have to be asked: {literal(why)}. Reject it and say what it should be, "
            "so that it is asked anew."
        )


class NoPolicy(CountersignError):
    """No policy can be told to govern the request, so it keeps the one that it has."""

    def __init__(self, why: str) -> None:
        super().__init__(f"No policy can be applied, and nothing was changed: {literal(why)}.")


class RuleAnswers(CountersignError):
    """The rule that would govern the request answers without a person, and people have been asked already."""

    def __init__(self, rule: str) -> None:
        super().__init__(
            f"The rule `{literal(rule)}` answers by itself, and this request is put to people already. It keeps its "
            "policy: nothing was changed."
        )


class MayNotVote(CountersignError):
    """The base of the refusals that are about who asks."""


class NotAnApprover(MayNotVote):
    """The policy does not name this person."""

    def __init__(self, who_may: Sequence[str]) -> None:
        listed = ", ".join(who_may) or "nobody else: the policy names no one else who is in this workspace"
        super().__init__(f"You may not answer this request. Who may: {listed}.")


class NotTold(MayNotVote):
    """Slack does not let the bot see whether the policy means this person. `why` are finished sentences."""

    def __init__(self, why: Sequence[str]) -> None:
        super().__init__(
            f"Whether you may answer this cannot be seen, so your answer does not count. {' '.join(map(literal, why))} "
            "Whoever runs the bot can mend that."
        )


class OwnRequest(MayNotVote):
    """A requester may not answer their own request unless the policy says so."""

    def __init__(self, who_may: Sequence[str]) -> None:
        listed = ", ".join(who_may) or "nobody else"
        super().__init__(f"You started this task, so it is not yours to approve. Who may: {listed}.")


class AgreedBefore(MayNotVote):
    """One person is not several: who agreed in one stage does not count in the next."""

    def __init__(self, who_may: Sequence[str]) -> None:
        listed = ", ".join(who_may) or "nobody else"
        super().__init__(f"You have agreed to this in an earlier stage; it now takes others. Who may: {listed}.")


class NotEligible(MayNotVote):
    """Guests, bots, deactivated accounts and people of other workspaces may not answer."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Your account may not answer requests: {why}.")


class VoteGiven(MayNotVote):
    """Somebody else has this person's vote."""

    def __init__(self, to: Person) -> None:
        super().__init__(
            f"You gave your vote to <@{to.user_id}>, who answers in your place. To answer yourself, take it back: "
            "*Withdraw* on the card."
        )


class CannotDelegate(CountersignError):
    """This vote cannot be given to this person. `why` is a finished sentence or two, with what to do."""

    def __init__(self, why: str) -> None:
        super().__init__(why)


class NothingToWithdraw(CountersignError):
    """The person has no vote on the version that stands; or `used` the vote that they were given has been."""

    def __init__(self, used: Person | None = None) -> None:
        super().__init__(
            f"<@{used.user_id}> has answered in your place, so only they can withdraw that."
            if used is not None
            else "There is nothing of yours to withdraw: no answer of yours counts on what is asked now."
        )


class NoExtension(CountersignError):
    """The policy gives no more time, or there is no deadline to put off."""

    def __init__(self, deadline: datetime | None) -> None:
        super().__init__(
            "There is no deadline to put off: this request waits for as long as it takes."
            if deadline is None
            else f"The policy of this request gives no more time. Please answer by {moment(deadline)}."
        )


class AlreadyExtended(CountersignError):
    """A deadline is put off once."""

    def __init__(self, by: Person, deadline: datetime) -> None:
        super().__init__(
            f"<@{by.user_id}> has put the deadline off already, and that can be done once. "
            f"Please answer by {moment(deadline)}."
        )


class NudgedLately(CountersignError):
    """The requester has had people reminded within the hour."""

    def __init__(self, again: datetime) -> None:
        super().__init__(f"They have just been reminded; that can be done once an hour, so again from {moment(again)}.")


class NotYours(CountersignError):
    """Only the requester may do this to a task."""

    def __init__(self, task_id: TaskId, requester: Person) -> None:
        super().__init__(f"Task `{task_id}` belongs to <@{requester.user_id}>; only they can do that.")


class TaskFinished(CountersignError):
    """The task has ended; nothing can be changed any more."""

    def __init__(self, task_id: TaskId) -> None:
        super().__init__(f"Task `{task_id}` has already ended.")


class NothingToRetry(CountersignError):
    """The task is not stopped by an error."""

    def __init__(self, task_id: TaskId) -> None:
        super().__init__(f"Task `{task_id}` is not stopped by an error, so there is nothing to retry.")


def moment(at: datetime) -> str:
    """A moment in the reader's own time zone, as Slack writes it (Slack: date formatting)."""
    fallback = f"{at:%Y-%m-%d %H:%M} UTC"
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


_SAID = {
    Outcome.APPROVE: "approved this",
    Outcome.EDIT: "approved this with changes",
    Outcome.REJECT: "rejected this",
    Outcome.RESPOND: "answered this",
    Outcome.CHOOSE: "chose an answer to this",
    Outcome.MIXED: "answered this",
    Outcome.CANCELLED: "cancelled this",
}


def _told(decision: Decision | None) -> str:
    if decision is None:
        return "This request is no longer open: the graph has moved on without an answer."
    if isinstance(decision, Expired):
        return f"Nobody answered in time: this expired at {moment(decision.at)}."
    people = decision.voters if isinstance(decision, Answered) else (decision.by,)
    names = ", ".join(f"<@{person.user_id}>" for person in people)
    return f"{names} {_SAID[outcome_of(decision)]} at {moment(decision.at)}."
