"""What an undo window says: an agent has acted, until when and by whom that can be undone, and what came of it. Pure.

Nothing is approved here. An undo that did not work is never told as one that did.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import Cancelled, Outcome
from bot.approvals.model.ids import Operator, Person, Program
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.rules import eligible, windows
from bot.slack import blocks, text
from bot.slack.blocks import Block
from bot.slack.cards import decision_words, programs
from bot.slack.text import moment

NOT_UNDONE: Final = "Not undone"
"""How an agent's report begins if it could not undo what it did (`graphs/undo.py`)."""
_MAX_NAMES: Final = 4
_MAX_REPORT_CHARACTERS: Final = 160


def is_not_undone(report: str) -> bool:
    """Whether an agent reports that it could not undo what it did."""
    return report.strip().startswith(NOT_UNDONE)


# --- While it is open ---------------------------------------------------------------------------


def who_may(request: Request, limit: int = _MAX_NAMES) -> str:
    """Who may undo it, as mrkdwn: the requester, then the policy's names. Empty if nobody may."""
    asked = [person for person in request.open.asked if eligible.may_answer(request, person)]
    own = request.asked_requester
    first = [text.mention(own)] if own is not None and (own in asked or not request.open.asked) else []
    if any(person != own for person in asked) or not (request.open.asked or request.open.short):
        first += map(text.approver, request.known(request.stage.approvers))
    return text.either(dict.fromkeys(first), limit)


def offer(request: Request) -> str:
    """Until when and by whom it can be undone, as mrkdwn without a full stop."""
    assert request.deadline is not None  # noqa: S101 - a window always closes
    end = moment(request.deadline)
    if not windows.can_undo(request):
        return f"This cannot be undone, so it stays; {programs.agent(request)} goes on {end}, or after *Keep*"
    who = who_may(request)
    if not who:
        return f"*Nobody may undo it*, so it stays; {programs.agent(request)} goes on {end}"
    return f"{who} can undo it until {end}"


def standing(request: Request) -> list[Block]:
    """How an open window stands; then what is wrong with the window that the agent gave, if anything is."""
    window = request.question.window
    after = "; if nobody does, it stays" if windows.can_undo(request) and who_may(request) else ""
    problem = text.sentence(window.problem, 200) if window is not None else ""
    return [
        blocks.section(f"{offer(request)}{after}"),
        *([blocks.context(f":warning: {problem}")] if problem else []),
    ]


# --- Once it is settled -------------------------------------------------------------------------


def sign(request: Request) -> str:
    """The state in one sign."""
    match request.state:
        case Pending():
            return decision_words.DONE
        case Decided(failure=failure) if failure is not None or request.gone is not None:
            return decision_words.FAILED
        case Superseded() if windows.wants_undo(request):
            return decision_words.FAILED
        case Delivered(outcome=report) if windows.wants_undo(request) and is_not_undone(report):
            return decision_words.FAILED
        case _:
            return decision_words.UNDONE if windows.wants_undo(request) else decision_words.KEPT


def ended(request: Request) -> str:
    """Why it stays, if nobody decided that: as mrkdwn. Empty if people or the end of the window did."""
    match request.state:
        case Superseded(decision=None, stopped=True):
            return "It stays: the task was stopped"
        case Superseded(decision=None):
            return f"It stays: {programs.agent(request)} went on without an answer"
        case (
            Superseded(decision=Cancelled(by=by))
            | Decided(decision=Cancelled(by=by))
            | Delivered(decision=Cancelled(by=by))
        ):
            return f"It stays: {_ended_by(by)}"
        case _:
            return ""


def followed(request: Request) -> str:
    """What came of the answer, as one mrkdwn line. Empty if it needs no words, or if the state is a failure."""
    if not windows.wants_undo(request):
        return ""
    match request.state:
        case Decided() if is_being_undone(request) and not is_of_caller(request.task_id):
            return "It is being undone"
        case Delivered(outcome=report) if report.strip():
            first = text.sentence(report.strip().partition("\n")[0], _MAX_REPORT_CHARACTERS).removesuffix(".")
            return f"*{first}*" if is_not_undone(report) else first
        case Delivered() if not is_of_caller(request.task_id):
            return "The agent was told to undo it"
        case Superseded():
            return not_reached(request)
        case _:
            return ""


def is_being_undone(request: Request) -> bool:
    """Whether people chose *Undo*, and the agent is at it or about to begin."""
    if not windows.wants_undo(request):
        return False
    match request.state:
        case Decided(failure=failure):
            return failure is None and request.gone is None
        case _:
            return False


def not_reached(request: Request) -> str:
    """That an *Undo* did not reach the agent, as mrkdwn. Empty if it did, or if nobody chose that."""
    if not windows.wants_undo(request):
        return ""
    match request.state:
        case Superseded(changed=True):
            return f"*{NOT_UNDONE}*: the agent asks something else now, and was not told"
        case Superseded() if is_of_caller(request.task_id):
            return f"*{NOT_UNDONE}*: the request was withdrawn before {programs.agent(request)} fetched that"
        case Superseded(stopped=True):
            return f"*{NOT_UNDONE}*: the task was stopped"
        case Superseded():
            return "*It may not have been undone*: the agent was stopped or had moved on"
        case _:
            return ""


# --- On the approval ----------------------------------------------------------------------------


def afterwards(request: Request) -> str:
    """On the card of an approval: how what it led to can be undone, or what became of that. Empty if the agent never
    offered it."""
    undo = request.undo
    if undo is None:
        return ""
    match undo.outcome:
        case None:
            return (
                "The agent has it, so the answer cannot be taken back. "
                f"What it did can be undone until {moment(undo.until)}"
            )
        case Outcome.UNDO:
            return "*Undo* was chosen later"
        case Outcome.KEEP:
            return "What it did was kept"
        case _:
            return "What it did stays"


def afterwards_in_short(request: Request) -> str:
    """The same for a list, of an offer that is open or was taken."""
    undo = request.undo
    if undo is None or undo.outcome not in (None, Outcome.UNDO):
        return ""
    return "*Undo* was chosen later" if undo.outcome else f"can be undone until {moment(undo.until)}"


def _ended_by(by: Person | Program | Operator) -> str:
    return f"{text.mention(by)} {'withdrew the request' if isinstance(by, Program) else 'cancelled the task'}"
