"""A decision in words: the sign of its state, and who decided what. Pure.

Card, channel, thread, lists and notifications all take both from here, so that they never differ. A word for the deed
itself is not used: what somebody approved with *Send* is not sent yet.
"""

from __future__ import annotations

from typing import Final, assert_never

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Decision,
    Expired,
    Keep,
    Outcome,
    Reject,
    Undo,
    Vote,
    WindowClosed,
    outcome_of,
)
from bot.approvals.model.ids import Operator, Person, Program
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request
from bot.approvals.rules import windows
from bot.slack import text, wording
from bot.slack.text import moment

WAITING: Final = "⏳"
WORKING: Final = "▶️"
APPROVED: Final = "✅"
REJECTED: Final = "⛔"
EXPIRED: Final = "⌛"
STOPPED: Final = "🛑"
FAILED: Final = "⚠️"
DONE: Final = "☑️"
"""Something that an agent has done, as long as it can be undone."""
UNDONE: Final = "↩️"
KEPT: Final = "✅"
NOT_NEEDED: Final = "🚫"
"""Cancelled, or no longer asked."""

MAX_REASON_CHARACTERS: Final = 200
"""Of an operator's reason."""
MAX_NAMES: Final = 10
"""Of the people who decided; how many more there are is said."""
_VERDICTS: Final = {
    Outcome.APPROVE: Verdict.APPROVE,
    Outcome.EDIT: Verdict.APPROVE,
    Outcome.REJECT: Verdict.REJECT,
    Outcome.RESPOND: Verdict.RESPOND,
}
"""Outcomes for which a graph may have a word of its own."""


def sign(decision: Decision) -> str:
    """The decision in one sign. A mixed one counts as approved if any action was approved or nobody rejected one."""
    match decision:
        case Answered(verdicts=verdicts):
            if any(isinstance(each, Undo) for each in verdicts):
                return UNDONE
            if any(isinstance(each, Keep) for each in verdicts):
                return KEPT
            rejected = any(isinstance(each, Reject) for each in verdicts)
            approved = any(isinstance(each, Approve) for each in verdicts)
            return REJECTED if rejected and not approved else APPROVED
        case Expired():
            return EXPIRED
        case Cancelled():
            return NOT_NEEDED
        case WindowClosed():
            return KEPT
        case _ as never:
            assert_never(never)


def said(request: Request, decision: Decision, names: int = MAX_NAMES) -> str:
    """Who decided what, as mrkdwn: `Ignored by bob`, in the graph's own word if we know how it is called once it is
    given. If we do not, `bob answered "Send"`. At most `names` people are named, with the page that they did it on if
    that is not Slack: `Approved by bob, through *portal*`."""
    match decision:
        case Answered():
            return _answered(request, decision, names)
        case Expired(at=at):
            return f"Expired: nobody answered by {moment(at)}"
        case Cancelled(by=by, reason=reason):
            return ended_by(by, reason)
        case WindowClosed() if not windows.can_undo(request):
            return "It stays: it cannot be undone"
        case WindowClosed(at=at):
            return f"It stays: nobody undid it by {moment(at)}"
        case _ as never:
            assert_never(never)


def ended_by(by: Person | Program | Operator, reason: str = "") -> str:
    """Who ended it before it was decided: `Cancelled by bob`, `Withdrawn by *billing-service*`. If an operator gave a
    reason, with that: `Cancelled by an operator (alice): “the server is gone”`."""
    why = text.sentence(reason, MAX_REASON_CHARACTERS)
    done = "Withdrawn" if isinstance(by, Program) else "Cancelled"
    return f"{done} by {text.mention(by)}{f': “{why}”' if why else ''}"


def through(vote: Vote) -> str:
    """The page that the vote came from, as mrkdwn: `through *portal*`. Empty if it was given in Slack."""
    return f"through *{text.program(vote.through)}*" if vote.through else ""


def _answered(request: Request, decision: Answered, names: int) -> str:
    question, by = request.question, _voters(request, decision, names)
    match outcome := outcome_of(decision):
        case Outcome.MIXED:
            return f"{_counted(decision)} by {by}"
        case Outcome.CHOOSE:
            return f"Answered by {by}"
        case Outcome.UNDO:
            return f"{by}{',' if ', through ' in by else ''} chose *Undo*"
        case Outcome.KEEP:
            return f"Kept by {by}"
    verdict = _VERDICTS[outcome]
    if word := wording.settled(question, verdict):
        return f"{word}{' with changes' if outcome is Outcome.EDIT else ''} by {by}"
    changed = "changed it and " if outcome is Outcome.EDIT else ""
    return f'{by} {changed}answered "{text.sentence(wording.label(question, verdict), 40)}"'


def _voters(request: Request, decision: Answered, names: int) -> str:
    """The people who decided it. If all of them did it on the same page outside of Slack, it is said once."""
    if not decision.voters:
        return "its policy"
    ways = {vote.person: through(vote) for vote in request.votes}
    way, *others = dict.fromkeys(ways.get(person, "") for person in decision.voters)
    if not others:
        return f"{text.mentions(decision.voters, names)}{f', {way}' if way else ''}"
    named = [(text.mention(person), ways.get(person, "")) for person in decision.voters]
    return text.listed([f"{person} ({way})" if way else person for person, way in named], names)


def _counted(decision: Answered) -> str:
    """`2 of 3 approved`; `Answered one by one` if nobody rejected anything."""
    if not any(isinstance(each, Reject) for each in decision.verdicts):
        return "Answered one by one"
    approved = sum(isinstance(each, Approve) for each in decision.verdicts)
    return f"{approved} of {len(decision.verdicts)} approved"
