"""What was decided earlier and is not used: an answer that was called off, or that the agent was not given. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, assert_never

from bot.approvals.model.decision import Answered, Cancelled, Decision, Expired, Outcome, WindowClosed, outcome_of
from bot.approvals.model.request import Before, NotUsed, Pending, ReopenedBy, Request
from bot.slack import text
from bot.slack.cards import decision_words, programs
from bot.slack.text import moment

_DECIDED: Final = {
    Outcome.APPROVE: "approved",
    Outcome.EDIT: "changed and approved",
    Outcome.REJECT: "rejected",
    Outcome.RESPOND: "answered",
    Outcome.CHOOSE: "answered",
    Outcome.MIXED: "answered",
    Outcome.UNDO: "chose to undo",
    Outcome.KEEP: "chose to keep",
}
_ASKED_ELSE: Final = "*The agent asks something else now.*"


def called_off(request: Request) -> str:
    """Who called the last answer off, and when, as mrkdwn: `@bob took the answer back · 14:00`. Empty unless that is
    why the request is open."""
    reopened = request.reopened
    if reopened is None or not isinstance(request.state, Pending):
        return ""
    match reopened.why:
        case ReopenedBy.TAKEN_BACK:
            did = "took the answer back"
        case ReopenedBy.STOPPED:
            did = f"stopped it before {programs.agent(request)} got it"
        case _ as never:
            assert_never(never)
    return f"{text.mention(reopened.by)} {did} · {moment(reopened.at)}"


def not_used(request: Request) -> str:
    """Which earlier decision was not used and why, as mrkdwn sentences. Empty if there is none, or if it is settled."""
    before = request.before
    if before is None or not isinstance(request.state, Pending):
        return ""
    match before.why:
        case NotUsed.ASKED_ELSE:
            return f"{_ASKED_ELSE} {_asked_before(before)} That was not used: nothing was run."
        case NotUsed.STALE:
            return (
                f"*It is asked again.* {text.upper(_by(before.decision))} this · {moment(before.decision.at)}. "
                f"{text.upper(programs.agent(request))} could not be given that{_within(request.policy.valid_for)}, "
                "so it was not used."
            )
        case NotUsed.WORLD_CHANGED:
            return (
                f"*Something changed after {_by(before.decision)} this* · {moment(before.decision.at)}, and before "
                f"{programs.agent(request)} acted. Nothing was done."
            )
        case _ as never:
            assert_never(never)


def ran_out(request: Request) -> str:
    """That the agent could not be given the decision in time, as mrkdwn without a full stop."""
    who = text.upper(programs.agent(request))
    return f"{who} could not be given that{_within(request.policy.valid_for)}, so it is not used"


def often(before: Before) -> str:
    """That decisions were not used again and again, as mrkdwn. Empty if it is the first time."""
    if before.times < 2:
        return ""
    match before.why:
        case NotUsed.ASKED_ELSE:
            return (
                f"It has asked something else {before.times:,} times in a row. If a value changes by itself, "
                "the agent's owner can leave it out under `bind` in the policy file."
            )
        case NotUsed.STALE | NotUsed.WORLD_CHANGED:
            return f"{before.times:,} decisions in a row were not used."
        case _ as never:
            assert_never(never)


def in_short(request: Request) -> str:
    """Why it is asked again, for the beginning of a notification. Empty if it is asked for the first time."""
    if called_off(request):
        return "Open again."
    if request.before is None or not isinstance(request.state, Pending):
        return ""
    match request.before.why:
        case NotUsed.ASKED_ELSE:
            return ""
        case NotUsed.STALE:
            return "Asked again."
        case NotUsed.WORLD_CHANGED:
            return "Something changed."
        case _ as never:
            assert_never(never)


def in_a_list(request: Request) -> str:
    """The same for the line of a request in a list, as mrkdwn: who called the answer off, or `asked again`."""
    return called_off(request) or text.lower(in_short(request)).removesuffix(".")


def look_again(request: Request) -> str:
    """Asks people to look at the card again, because something changed after the approval: as mrkdwn without a full
    stop. Empty if nothing did."""
    before = request.before
    if before is None or before.why is not NotUsed.WORLD_CHANGED:
        return ""
    return (
        f"Something changed after {_by(before.decision)} this, and before {programs.agent(request)} acted. "
        "Please look at the card again"
    )


# --- Within -------------------------------------------------------------------------------------


def _by(decision: Decision) -> str:
    """Who did what: `@bob approved`, `its policy approved`."""
    said = _DECIDED.get(outcome_of(decision), "decided")
    voters = decision.voters if isinstance(decision, Answered) else ()
    return f"{text.mentions(voters) if voters else 'its policy'} {said}"


def _within(valid_for: timedelta | None) -> str:
    return f" within {text.span(valid_for)}" if valid_for is not None else " in time"


def _asked_before(before: Before) -> str:
    """A sentence that says who decided what the agent asked before, and when."""
    match before.decision:
        case Answered(voters=voters, at=at) if voters:
            said = _DECIDED[outcome_of(before.decision)]
            return f"{text.mentions(voters)} {said} what it asked before · {moment(at)}."
        case decision:
            return f"What it asked before: {_settled(decision)}."


def _settled(decision: Decision) -> str:
    match decision:
        case Answered(at=at, ruled=ruled):
            why = f", because {text.sentence(ruled, 200)}" if ruled else ""
            return f"{_DECIDED[outcome_of(decision)]} by its policy{why}, {moment(at)}"
        case Expired(at=at):
            return f"nobody answered by {moment(at)}"
        case WindowClosed(at=at):
            return f"nobody undid it by {moment(at)}"
        case Cancelled(by=by, at=at, reason=reason):
            return f"{text.lower(decision_words.ended_by(by, reason))}, {moment(at)}"
        case _ as never:
            assert_never(never)
