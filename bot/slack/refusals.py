"""What people read when something is refused: each error of the domain in Slack's words, in one `match`.

The errors carry data and no sentences, so that every surface words them for its own readers. A sentence here says what
happened and what to do about it, in mrkdwn: people are mentions, moments are in the reader's time zone, and whatever
anybody else wrote is `literal`. The audit log keeps this sentence too, as `said`, because it is what the person was
told; `app` hands `worded` to the services for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.approvals.model import errors
from bot.approvals.model.decision import Answered, Cancelled, Decision, Expired, Outcome, WindowClosed, outcome_of
from bot.approvals.model.errors import CountersignError, NoDelegate
from bot.approvals.model.ids import JSON, Operator, Person, Program
from bot.approvals.model.server import server_of_thread
from bot.approvals.model.undo_offer import UndoOffer
from bot.slack import display, quotes, text
from bot.slack.text import literal, moment

MAX_PROBLEMS: Final = 6
"""How many of a line's problems are named at once."""
MAX_CHANGES: Final = 4
MAX_CHANGE_CHARACTERS: Final = 60
"""Of each side of a change."""


MAX_CHOICES: Final = 8
"""How many values of an input that takes only some are named."""


class Refused(CountersignError):
    """What the listeners themselves refuse, before any use case is asked; its one argument is the sentence."""


def worded(refusal: CountersignError) -> str:
    """The sentence for the person who is refused.

    Raises AssertionError for a class without words; a test demands words for every class.
    """
    match refusal:
        case Refused() | quotes.Unbalanced():
            return str(refusal)
        case errors.SettingsError():
            return literal(str(refusal))
        case errors.NotFound():
            return f"There is no {refusal.what} `{literal(refusal.id)}`. `/task list` shows your tasks."
        case errors.Unreachable():
            detail = f" ({literal(refusal.what)})" if refusal.what else ""
            return f"That did not get through{detail}, and nothing was changed. Please try again in a moment."
        case errors.Conflict():
            return f"{literal(refusal.id)} was changed by somebody else at the same moment. Please try again."
        case errors.AgentsNotLoaded():
            return "The agents are still being loaded. Please try again in a moment."
        case errors.UnknownGraph():
            known = ", ".join(f"`{literal(graph)}`" for graph in refusal.known) or "none yet"
            return f"There is no graph `{literal(refusal.name)}`. Known graphs: {known}."
        case errors.GraphUnavailable():
            return f"The graph `{literal(refusal.name)}` cannot run here: {literal(refusal.reason)}"
        case errors.InvalidInputs():
            wrong = literal(_problems(refusal.problems).rstrip(".?"))
            line = suggestion(refusal.example, refusal.choices, certain=refusal.certain)
            return f"`{literal(refusal.graph)}` did not start: {wrong}. {line}"
        case errors.InvalidSchedule():
            return (
                f"`{literal(refusal.words)}` is not a time and days. Try: `/approvals summary 09:00 weekdays`, "
                "`/approvals summary 8:30 mon,thu`, `/approvals summary 18:00 daily`, or `/approvals summary off`."
            )
        case errors.InvalidAnswer():
            return literal(refusal.problem)
        case errors.AlreadySettled(decision=Answered() as decision, held_until=until) if until is not None:
            first = _who_was_first(decision).removesuffix(".")
            at = moment(until, seconds=True)
            return f"{first}; the agent gets it at {at}. Until then, people who may answer can *Stop* it."
        case errors.AlreadySettled():
            return _who_was_first(refusal.decision)
        case errors.StaleVersion(changed=errors.Alike() as alike):
            why = "Only the time of asking changed" if alike is errors.Alike.BUT_TIMES else "The same was asked again"
            return f"Your answer was not counted yet. {why}; {_press_again(refusal.lags)}"
        case errors.StaleVersion(changed=(_, *_) as changed):
            shown = "The card will show it in a moment." if refusal.lags else "The card shows it now."
            return f"Your answer was not counted, because this changed: {_changes(changed)}. {shown}"
        case errors.StaleVersion():
            return (
                "What you answered has changed since it was shown to you, so your answer was not counted. "
                "The card shows it as it is now."
            )
        case errors.DrawnBefore():
            return (
                "This was drawn before Countersign was updated, so it is not certain what you were shown, and your "
                f"answer was not counted. Please read the card again; {_press_again(refusal.lags)}"
            )
        case errors.VerdictNotOffered():
            return f"This request does not take that answer: {literal(refusal.detail)}."
        case errors.ReasonMissing():
            return "Please say why: the policy asks for a reason."
        case errors.NothingToTakeBack():
            return "There is no answer to take back: this is open, or was settled without one."
        case errors.NotYourAnswer(voters=voters, stoppable=stoppable):
            stop = " If you may answer, you can *Stop* it." if stoppable else ""
            return f"Only {text.mentions(voters)} can take this answer back.{stop}"
        case errors.TooLateToTakeBack(undo=undo):
            return f"It is too late to take the answer back: the agent has it.{_undo_instead(undo)}"
        case errors.NothingToStop():
            return "There is nothing to stop: no decision is held back at the moment."
        case errors.TooLateToChange(taken=True):
            return "Your answer was handed over already, as it was."
        case errors.TooLateToChange():
            return "This has been settled or has moved on, so your answer cannot be changed any more."
        case errors.AnotherRule():
            return (
                f"With this change others may have to be asked: {literal(refusal.why)}. Reject it and say what it "
                "should be, so that the agent asks again."
            )
        case errors.NoPolicy():
            return f"No policy can be applied, and nothing was changed: {literal(refusal.why)}."
        case errors.RuleAnswers():
            return (
                f"The rule `{literal(refusal.rule)}` answers by itself, but people have been asked already. The "
                "request keeps its policy: nothing was changed."
            )
        case errors.NotAnApprover(who_may=(), undoes=True):
            return "Nobody may undo this: the policy names no one who is in this workspace."
        case errors.NotAnApprover(who_may=who_may, undoes=True):
            return f"Only {text.either(map(text.mention, who_may))} can undo this, or decide to keep it."
        case errors.NotAnApprover():
            nobody = "nobody else: the policy names no one else who is in this workspace"
            return f"You may not answer this request. Who may: {_people(refusal.who_may, nobody)}."
        case errors.NotThisWay():
            return (
                f"An answer through *{text.program(refusal.through)}* does not count here: the policy "
                f"`{literal(refusal.policy)}` does not take it. Please answer in Slack."
            )
        case errors.NotTold():
            return (
                "Whether you may answer this cannot be seen, so your answer does not count. "
                f"{' '.join(map(literal, refusal.why))} Whoever runs the bot can fix that."
            )
        case errors.OwnRequest():
            own = f"*{text.program(refusal.program)}* asks this for you" if refusal.program else "You started this task"
            return f"{own}, so it is not yours to approve. Who may: {_people(refusal.who_may)}."
        case errors.AgreedBefore():
            return (
                "You agreed to this in an earlier stage, and this stage needs other people. "
                f"Who may: {_people(refusal.who_may)}."
            )
        case errors.NotEligible():
            return f"Your account may not answer requests: {literal(refusal.why)}."
        case errors.VoteGiven():
            return (
                f"You gave your vote to {text.mention(refusal.to)}, who answers in your place. To answer yourself, "
                "take it back: *Withdraw* on the card."
            )
        case errors.CannotDelegate():
            return _no_delegate(refusal)
        case errors.NothingToWithdraw(used=None):
            return "There is nothing of yours to withdraw: no answer of yours counts on what is asked now."
        case errors.NothingToWithdraw(used=Person() as colleague):
            return f"{text.mention(colleague)} has answered in your place, so only they can withdraw that."
        case errors.NoExtension(deadline=None):
            return "There is no deadline to extend: this request waits until somebody answers."
        case errors.NoExtension(deadline=deadline) if deadline is not None:
            return f"The policy of this request gives no more time. Please answer by {moment(deadline)}."
        case errors.AlreadyExtended():
            return (
                f"{text.mention(refusal.by)} has extended the deadline already, and that can be done once. "
                f"Please answer by {moment(refusal.deadline)}."
            )
        case errors.NudgedLately():
            return f"They can be reminded once an hour. You can remind them again from {moment(refusal.again)}."
        case errors.NotYours():
            owner = text.mention(refusal.requester)
            if server_of_thread(refusal.requester):
                return f"Task `{refusal.task_id}` belongs to {owner}, so nobody can do that here."
            only = "they" if isinstance(refusal.requester, Person) else "that program"
            return f"Task `{refusal.task_id}` belongs to {owner}; only {only} can do that."
        case errors.TaskFinished():
            return f"Task `{refusal.task_id}` has already ended."
        case errors.NothingToRetry():
            return f"Task `{refusal.task_id}` is not stopped by an error, so there is nothing to retry."
        case _:
            raise AssertionError(f"no words for {type(refusal).__name__}") from refusal


def suggestion(example: str, choices: Mapping[str, Sequence[str]], *, certain: bool = True) -> str:
    """A line to paste, and the values of the inputs that take only some. If the graph looks for something that may not
    be there (not `certain`), the line is only told as an example."""
    listed = [
        f" `{literal(name)}` is {_either(list(map(literal, values)))}." for name, values in choices.items() if values
    ]
    beginning = "Try:" if certain else "A line looks like this:"
    return f"{beginning} `{literal(example)}`{'.' if listed else ''}{''.join(listed[:MAX_PROBLEMS])}"


def _either(words: list[str]) -> str:
    """`low, medium or high`; of many, the first and how many more there are."""
    if len(words) > MAX_CHOICES:
        return f"{', '.join(words[:MAX_CHOICES])} or one of {len(words) - MAX_CHOICES:,} more"
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _press_again(lags: bool) -> str:
    if lags:
        return "the card is being updated: press the button once more in a moment."
    return "the card is up to date now: press the button once more."


def _changes(changed: Sequence[errors.Difference]) -> str:
    """What changed, from what to what."""
    told = []
    for each in changed[:MAX_CHANGES]:
        name = literal(text.label(display.label(each.name), MAX_CHANGE_CHARACTERS))
        where = f"{literal(text.label(each.item, MAX_CHANGE_CHARACTERS))}: " if each.item else ""
        before, now = (_value(side) for side in (each.before, each.now))
        told.append(f"{where}{name}" + (f" {before} → {now}" if (before, now) != ("-", "-") else ""))
    if len(changed) > MAX_CHANGES:
        told.append(f"and {len(changed) - MAX_CHANGES} more")
    return "; ".join(told)


def _value(value: JSON) -> str:
    words = text.pretty(value) if isinstance(value, dict | list) else display.words(value)
    return literal(text.label(words, MAX_CHANGE_CHARACTERS))


def _problems(problems: Mapping[str, str]) -> str:
    named = [f"`{name}` {problem}" if name else problem for name, problem in problems.items()]
    if len(named) > MAX_PROBLEMS:
        named[MAX_PROBLEMS:] = [f"and {len(named) - MAX_PROBLEMS} more"]
    return "; ".join(named)


def _people(people: Sequence[Person | Program | Operator], nobody: str = "nobody else") -> str:
    return ", ".join(map(text.mention, people)) or nobody


def _no_delegate(refusal: errors.CannotDelegate) -> str:
    match refusal.why:
        case NoDelegate.YOURSELF:
            return "Your vote is yours already. Choose a colleague."
        case NoDelegate.UNKNOWN:
            return "Slack knows no such account here. Choose somebody else."
        case NoDelegate.INELIGIBLE:
            why = literal(refusal.ineligible or "it is no ordinary member's")
            return f"That account may not answer requests: {why}. Choose somebody else."
        case NoDelegate.REQUESTER:
            return "This is asked for them, so they may not answer as well. Choose somebody else."
        case NoDelegate.TAKES_PART:
            return "They have or had a vote of their own, and one person answers once. Choose somebody else."
        case NoDelegate.GIVEN:
            return "The vote that somebody gave you goes no further. Answer, or ask them to take it back."
        case NoDelegate.USED:
            return "You have answered already. Withdraw your answer first."


_DECIDED: Final[Mapping[Outcome, str]] = {
    Outcome.APPROVE: "approved this",
    Outcome.EDIT: "approved this with changes",
    Outcome.REJECT: "rejected this",
    Outcome.RESPOND: "answered this",
    Outcome.CHOOSE: "chose an answer to this",
    Outcome.UNDO: "chose to undo this",
    Outcome.KEEP: "chose to keep this",
    Outcome.MIXED: "answered this",
    Outcome.CANCELLED: "cancelled this",
}


def _undo_instead(offer: UndoOffer | None) -> str:
    """How what the agent did can be undone, or what became of that offer. Empty if the agent never made one."""
    if offer is None:
        return ""
    match offer.outcome:
        case None:
            return f" What it did can be undone until {moment(offer.until)}: press *Undo…* on this card."
        case Outcome.UNDO:
            return " *Undo* was chosen later."
        case _:
            return " What it did stays: it can no longer be undone."


def _who_was_first(decision: Decision | None) -> str:
    if decision is None:
        return "This request is no longer open: the graph has moved on without an answer."
    if isinstance(decision, Expired):
        return f"Nobody answered in time: this expired at {moment(decision.at)}."
    if isinstance(decision, WindowClosed):
        return f"This can no longer be undone: the time for that ended at {moment(decision.at)}, and it stays as it is."
    if isinstance(decision, Cancelled) and isinstance(decision.by, Program):
        return f"{text.mention(decision.by)} withdrew this at {moment(decision.at)}."
    people = decision.voters if isinstance(decision, Answered) else (decision.by,)
    return text.upper(f"{_people(people)} {_DECIDED[outcome_of(decision)]} at {moment(decision.at)}.")
