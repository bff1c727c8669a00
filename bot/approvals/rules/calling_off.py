"""A decision on its way to the agent: it may be kept from the agent for a while, and called off until the agent has it.
Pure functions.

Whoever answered can take the answer back. While the decision is held, every eligible approver can stop it. Both are
changes of the record that a delivery begins by changing, so either comes first, and the other is refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.approvals.model.decision import Answered, Vote
from bot.approvals.model.errors import (
    NothingToStop,
    NothingToTakeBack,
    NotYourAnswer,
    TooLateToChange,
    TooLateToTakeBack,
)
from bot.approvals.model.ids import MessageRef, Person
from bot.approvals.model.request import Decided, Delivered, Pending, Reopened, ReopenedBy, Request
from bot.approvals.rules import schedule, voting


def take_back(request: Request, person: Person, now: datetime) -> Request:
    """The request, open again without this person's answer. If they answered in an earlier stage, that stage is open
    again. Everybody else's answer of that stage still counts.

    Raises `NothingToTakeBack` if no answer of people settled it, `TooLateToTakeBack` if the agent has the answer, or is
    about to get it, or `NotYourAnswer` if others gave it.
    """
    given = _answer_of_people(request)
    if person not in given.voters:
        raise NotYourAnswer(given.voters, stoppable=_is_held(request))
    state = _revocable(request)
    stage = max(_stages_of(request, person))
    kept = tuple(vote for vote in request.votes if vote.stage <= stage and (vote.person, vote.stage) != (person, stage))
    reopened = replace(request, votes=kept, passed=request.passed[:stage], state=state.held or Pending(due_at=None))
    called_off = Reopened(by=person, at=now, why=ReopenedBy.TAKEN_BACK)
    return _reopened(reopened, called_off, now, restart=stage != request.stage_number)


def stop_delivery(request: Request, person: Person, now: datetime) -> Request:
    """The request, open again because this approver stopped the decision that was held. The answers of its stage do not
    count any more, and silence does not approve it.

    The caller has checked that the person may answer. Raises `NothingToStop` if nothing is held, or `TooLateToTakeBack`
    if the agent has the answer, or is about to get it.
    """
    state = request.state
    if not isinstance(state, Decided) or not isinstance(state.decision, Answered) or state.held_until is None:
        raise NothingToStop(request.id)
    state = _revocable(request)
    reopened = replace(
        request,
        votes=tuple(vote for vote in request.votes if vote.stage != request.stage_number),
        objections=tuple(dict.fromkeys((*voting.objectors(request), person))),
        open=replace(request.open, missing=()),
        state=state.held or Pending(due_at=None),
    )
    return _reopened(reopened, Reopened(by=person, at=now, why=ReopenedBy.STOPPED), now)


def _answer_of_people(request: Request) -> Answered:
    """The answer that settled the request. Raises `NothingToTakeBack` if people gave none."""
    decision = request.decision
    settled = isinstance(request.state, Decided | Delivered)
    if not settled or not isinstance(decision, Answered) or not decision.voters:
        raise NothingToTakeBack
    return decision


def _revocable(request: Request) -> Decided:
    """The decision, if nobody has begun to deliver it. Raises `TooLateToTakeBack` if somebody has."""
    state = request.state
    if not isinstance(state, Decided) or not state.revocable:
        raise TooLateToTakeBack(request.id, request.undo)
    return state


def _is_held(request: Request) -> bool:
    state = request.state
    return isinstance(state, Decided) and state.revocable and state.held_until is not None


def _stages_of(request: Request, person: Person) -> list[int]:
    """The stages in which this person answered."""
    return [vote.stage for vote in request.votes if vote.person == person] or [request.stage_number]


def _reopened(request: Request, called_off: Reopened, now: datetime, *, restart: bool = False) -> Request:
    """The request, which is open again. Its stage begins anew if it is another one, or if its time is over: whoever
    called the answer off wants to answer otherwise."""
    reopened = replace(request, reopened=called_off)
    over = not request.is_window and reopened.deadline is not None and reopened.deadline <= now
    return schedule.enter_stage(reopened, now) if restart or over else reopened


def given_in(request: Request, message: MessageRef) -> Vote | None:
    """The vote that this message gave in its text. Returns None if it gave none."""
    return next((vote for vote in request.votes if vote.message == message), None)


def unsaid(request: Request, vote: Vote, now: datetime) -> Request:
    """The request without this vote, because its message was edited or deleted. Raises `TooLateToChange` if nobody can
    undo what the vote led to."""
    if isinstance(request.state, Pending) and vote.stage == request.stage_number:
        return replace(request, votes=tuple(each for each in request.votes if each != vote))
    if vote.stage != max(_stages_of(request, vote.person)):
        raise TooLateToChange(taken=_taken(request, vote))
    try:
        return take_back(request, vote.person, now)
    except (NothingToTakeBack, NotYourAnswer, TooLateToTakeBack):
        raise TooLateToChange(taken=_taken(request, vote)) from None


def _taken(request: Request, vote: Vote) -> bool:
    """Whether the agent has received what this vote said, or is about to receive it."""
    state = request.state
    if not isinstance(state, Decided | Delivered) or not isinstance(state.decision, Answered):
        return False
    return vote.person in state.decision.voters and any(verdict in state.decision.verdicts for verdict in vote.verdicts)
