"""Each error of the domain as a problem document, in one `match`: what happened, what it means, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model import call_errors, errors
from bot.approvals.model.decision import Outcome
from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import Person
from bot.approvals.model.undo_offer import UndoOffer
from bot.http import problems
from bot.http.problems import Fault, Kind, Refused, later

RETRY_SECONDS: Final = 2
"""When to try again what could not be done at the moment."""
NOTHING: Final = "Nothing was done"
_TAKEN: Final = "Whoever asked has the decision already, or is about to get it, so it cannot be called off any more."


def refused(error: CountersignError) -> Refused:
    """The problem document's content. Raises AssertionError for a class without words; a test demands words for every
    class."""
    match error:
        case errors.NotFound():
            return not_found(error.what, error.id)
        case errors.Unreachable():
            why = f" ({error.what})" if error.what else ""
            return _later(f"Storage or Slack did not answer{why}, so {NOTHING.lower()}. Send the same call again.")
        case errors.AgentsNotLoaded():
            return _later(f"The agents are still being loaded, so {NOTHING.lower()}. Send the same call again.")
        case errors.Conflict():
            return Refused(
                problems.CONFLICT, f"Others changed {error.id} at the same moment. {NOTHING}: send the same call again."
            )
        case errors.SettingsError():
            return Refused(problems.INTERNAL, f"A setting of the bot is wrong: {error}")
        case errors.NotYourAnswer():
            stop = " Whoever may answer the request can stop the decision, as it is held." if error.stoppable else ""
            return Refused(
                problems.NOT_YOUR_ANSWER,
                f"This answer can be taken back by {_people(error.voters)} alone.{stop} Nothing was changed.",
            )
        case errors.MayNotVote() | errors.NotYours():
            return Refused(problems.MAY_NOT_VOTE, f"{_may_not(error)} Nothing was changed.")
        case errors.UnknownGraph():
            known = ", ".join(f"`{name}`" for name in error.known) or "none yet"
            return _unknown("body.graph", f"There is no graph `{error.name}`. Known graphs: {known}.")
        case errors.GraphUnavailable():
            return _unknown("body.graph", f"The graph `{error.name}` cannot run here: {error.reason}")
        case errors.InvalidInputs():
            return _invalid_inputs(error)
        case _:
            return _of_call(error) or _of_state(error)


def not_found(what: str, id: str) -> Refused:
    """The same for an id that does not exist and for one of another source."""
    return Refused(
        problems.NOT_FOUND,
        f"There is no {what} `{id}` for this token. Its id may be wrong, its records may be past their retention, or "
        "it belongs to a source that the token does not speak for.",
    )


# --- What a caller asked for --------------------------------------------------------------------


def _of_call(error: CountersignError) -> Refused | None:
    match error:
        case call_errors.NotYourSource():
            may = _either(error.sources)
            return _not_here(
                "body.source.name", f"The token speaks for {may}, and not for the source `{error.source}`."
            )
        case call_errors.ChannelNotAllowed():
            may = _either(error.channels)
            return _not_here("body.channel", f"The token may ask in {may}, and not in `{error.ref}`.")
        case call_errors.KeyUsedOtherwise():
            return Refused(
                problems.KEY_REUSED,
                f"The key `{error.key}` was used before, with another body. {NOTHING}. Use a new key for a new wish, "
                "or send exactly the same body as before: all of its keys count.",
            )
        case call_errors.NoSuchRequester():
            why = error.why or "is no account that Slack knows"
            return _unknown(
                "body.requester", f"The requester `{error.ref}` {why}. Name an id (U...) or an e-mail address."
            )
        case call_errors.NoSuchChannel():
            why = error.why or "is no channel that the bot can see"
            return _unknown("body.channel", f"`{error.ref}` {why}. Name it as #name or by its id, and invite the bot.")
        case call_errors.ChannelMissing():
            return _unknown("body.channel", "Neither the call nor its token names a channel. Name one in `channel`.")
        case call_errors.Ungoverned():
            return _invalid("body", f"No policy could be chosen for this question: {error.why}")
        case call_errors.InvalidCursor():
            return _invalid("query.cursor", "The cursor is not one that a list has returned. Begin without one.")
        case call_errors.OfAgent():
            return Refused(
                problems.OF_GRAPH,
                f"The request belongs to the graph of task `{error.task_id}`, which takes the decision itself. "
                f"{NOTHING}. To end it, cancel the task: POST /v1/tasks/{error.task_id}/cancel.",
            )
        case call_errors.NotSettled():
            return Refused(
                problems.NOT_SETTLED,
                "There is no decision to consume yet: people are still being asked, or can still call their decision "
                f"off. Wait for it: GET /v1/requests/{error.request_id}?wait=60.",
            )
        case call_errors.DecisionStale():
            return Refused(
                problems.STALE_DECISION,
                f"The decision was valid until {error.until:%Y-%m-%d %H:%M:%S} UTC, and nobody had taken it by then. "
                "Do not act on it. If it is still wanted, ask again with a new key.",
            )
        case call_errors.AlreadyConsumed():
            return Refused(
                problems.ALREADY_CONSUMED,
                f"The execution `{error.execution}` consumed the decision at {error.at:%Y-%m-%d %H:%M:%S} UTC, and a "
                "decision is handed to one execution. This one must not act on it.",
            )
        case _:
            return None


def _invalid_inputs(error: errors.InvalidInputs) -> Refused:
    faults = [
        Fault(path=f"body.inputs.{name}" if name else "body.inputs", problem=problem)
        for name, problem in error.problems.items()
    ]
    choices = " ".join(f"`{name}` is {_either(values)}." for name, values in error.choices.items() if values)
    detail = f"The inputs do not fit the graph `{error.graph}`, so it was not started. `errors` says what is wrong."
    return Refused(problems.INVALID, f"{detail} {choices}".rstrip(), faults=faults)


# --- What the state of things does not allow ----------------------------------------------------


def _of_state(error: CountersignError) -> Refused:
    match error:
        case errors.AlreadySettled(held_until=until) if until is not None:
            return Refused(
                problems.ALREADY_SETTLED,
                f"People have answered, and their decision is held until {until:%Y-%m-%d %H:%M:%S} UTC. Nothing was "
                "changed. Until then, whoever may answer can stop it, which opens the request again: "
                f"POST /v1/requests/{error.request_id}/stop.",
            )
        case errors.AlreadySettled() | errors.TaskFinished() | errors.TooLateToChange():
            return Refused(problems.ALREADY_SETTLED, f"{error} Nothing was changed. Read it again to see how it ended.")
        case errors.StaleVersion() | errors.DrawnBefore():
            return Refused(
                problems.STALE,
                "The question has changed since this version, so the vote was not counted. Read the request again, "
                "show it to the person, and send the new `version` and `digest`.",
            )
        case errors.TooLateToTakeBack():
            return Refused(problems.TOO_LATE, f"{_TAKEN} {_undone(error.undo)} Nothing was changed.")
        case errors.NothingToTakeBack():
            return Refused(
                problems.NOTHING_TO_CALL_OFF,
                "There is no answer to take back: the request is open, or was settled without an answer of people. "
                "Nothing was changed.",
            )
        case errors.NothingToStop():
            return Refused(
                problems.NOTHING_TO_CALL_OFF,
                "No decision is held that could be stopped: the request is open, or its decision is on its way. "
                "Nothing was changed.",
            )
        case errors.VerdictNotOffered():
            return _not_taken("body.verdict", f"The request does not take this answer: {error.detail}.")
        case errors.ReasonMissing():
            return _not_taken("body.reason", "The policy asks for a reason. Say why in `reason`.")
        case errors.InvalidAnswer():
            return _not_taken("body.value", f"The value does not fit: {error.problem}")
        case errors.InvalidSchedule():
            return _invalid("body", str(error))
        case (
            errors.AnotherRule()
            | errors.NoPolicy()
            | errors.RuleAnswers()
            | errors.NothingToWithdraw()
            | errors.CannotDelegate()
            | errors.NoExtension()
            | errors.AlreadyExtended()
            | errors.NudgedLately()
            | errors.NothingToRetry()
        ):
            return Refused(problems.CONFLICT, f"{error} Nothing was changed.")
        case _:
            raise AssertionError(f"no words for {type(error).__name__}") from error


def _undone(offer: UndoOffer | None) -> str:
    """Whether what follows from the decision can be undone."""
    match offer:
        case None:
            return "Whoever asked has not offered to undo what follows from it."
        case UndoOffer(outcome=None):
            return (
                f"What followed from it can be undone until {offer.until:%Y-%m-%d %H:%M:%S} UTC: vote `undo` on "
                f"`{offer.request_id}`."
            )
        case UndoOffer(outcome=Outcome.UNDO):
            return "People have chosen to undo what followed from it."
        case _:
            return "What followed from it stays: the time in which it could be undone is over."


def _may_not(error: CountersignError) -> str:
    match error:
        case errors.NotAnApprover():
            return f"The policy does not name this person. Who may answer: {_people(error.who_may)}."
        case errors.OwnRequest():
            return f"The requester may not answer their own request. Who may: {_people(error.who_may)}."
        case errors.AgreedBefore():
            return f"This person agreed in an earlier stage, and this one needs others: {_people(error.who_may)}."
        case errors.NotTold():
            return f"Slack does not say whether the policy means this person. {' '.join(error.why)}"
        case errors.NotThisWay():
            return (
                f"The rule `{error.policy}` takes no answers through the token `{error.through}`. To allow it, the "
                f"operator adds `via: [{error.through}]` to the rule; requests that are open already keep their policy."
            )
        case errors.NotEligible():
            return f"The account may not answer requests: {error.why}."
        case errors.VoteGiven():
            return f"This person gave their vote to {error.to.user_id}, who answers in their place."
        case _:
            return str(error)


# --- In words -----------------------------------------------------------------------------------


def _later(detail: str) -> Refused:
    return later(problems.UNAVAILABLE, detail, RETRY_SECONDS)


def _at(kind: Kind, path: str, what: str) -> Refused:
    return Refused(kind, f"{what} {NOTHING}.", faults=[Fault(path=path, problem=what)])


def _not_here(path: str, what: str) -> Refused:
    return _at(problems.NOT_ALLOWED_HERE, path, what)


def _unknown(path: str, what: str) -> Refused:
    return _at(problems.UNKNOWN_NAME, path, what)


def _invalid(path: str, what: str) -> Refused:
    return _at(problems.INVALID, path, what)


def _not_taken(path: str, what: str) -> Refused:
    return Refused(problems.NOT_TAKEN, f"{what} Nothing was counted.", faults=[Fault(path=path, problem=what)])


def _either(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words) or "none"


def _people(people: Sequence[Person]) -> str:
    return ", ".join(person.user_id for person in people) or "nobody else"
