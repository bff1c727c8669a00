"""The rules for what people do to an open request besides answering it: get more time, give their vote to a colleague,
take it back, ask the requester, have others reminded. Pure functions.

All of them leave the question and its version as they are, so nothing that is approved changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.model.errors import (
    AlreadyExtended,
    CannotDelegate,
    NoDelegate,
    NoExtension,
    NothingToWithdraw,
    NotYours,
    NudgedLately,
)
from bot.approvals.model.ids import Person
from bot.approvals.model.people import Member
from bot.approvals.model.request import Comment, Delegation, Extension, Pending, Request, Then, Unreached
from bot.approvals.rules import eligible, schedule
from bot.approvals.rules.eligible import EligibleApprovers

NUDGE_EVERY = timedelta(hours=1)


def extend(request: Request, by: Person, now: datetime) -> Request:
    """Extend the stage's deadline once, by the extra time that the policy allows. A warning that was already given is
    given again before the new deadline.

    Raises `AlreadySettled` if the request is not open, `NoExtension` if the policy allows no extra time or the stage
    has no deadline, or `AlreadyExtended`.
    """
    state = eligible.still_open(request, request.version)
    measure, deadline = request.policy.extend, request.deadline
    if measure is None or deadline is None:
        raise NoExtension(deadline)
    if request.open.extension is not None:
        raise AlreadyExtended(request.open.extension.by, deadline)
    extended = replace(request, open=replace(request.open, extension=Extension(by=by, measure=measure, at=now)))
    taken = tuple(number for number in state.taken if not request.stage.steps[number].moves)
    return replace(extended, state=schedule.due_next(extended, replace(state, taken=taken)))


def delegate(request: Request, by: Person, to: Member, approvers: EligibleApprovers, now: datetime) -> Request:
    """Give one's own vote to a colleague, who may from now on answer in the giver's place.

    The caller has checked that `by` may answer and is one of `approvers`. Raises `AlreadySettled` if the request is not
    open, or `CannotDelegate` with the reason.
    """
    refuse_used(request, by)
    person = to.person
    if person == by:
        raise CannotDelegate(NoDelegate.YOURSELF)
    if not eligible.is_eligible(to, approvers):
        raise CannotDelegate(NoDelegate.INELIGIBLE, to.ineligible)
    if not eligible.may_answer(request, person):
        raise CannotDelegate(NoDelegate.REQUESTER)
    taking_part = (*approvers.people, *(voter for stage in request.passed for voter in stage.voters))
    if person in taking_part or request.given_to(person) is not None:
        raise CannotDelegate(NoDelegate.TAKES_PART)
    return replace(
        request, delegations=(*request.delegations, Delegation(by=by, to=person, at=now, stage=request.stage_number))
    )


def refuse_used(request: Request, by: Person) -> None:
    """Return if this person can give their vote away: nobody gave it to them, and they have not used it.

    Raises `AlreadySettled` if the request is not open, or `CannotDelegate` if they cannot.
    """
    eligible.still_open(request, request.version)
    if any(each.to == by for each in request.stage_delegations):
        raise CannotDelegate(NoDelegate.GIVEN)
    if any(vote.person == by for vote in request.stage_votes):
        raise CannotDelegate(NoDelegate.USED)


def withdraw(request: Request, by: Person) -> Request:
    """Take back one's vote in the current stage; or the delegation, if a colleague has the vote and has not used it.

    Raises `AlreadySettled` if the request is not open, or `NothingToWithdraw` if there is neither.
    """
    eligible.still_open(request, request.version)
    mine = [vote for vote in request.stage_votes if vote.person == by]
    if mine:
        return replace(request, votes=tuple(vote for vote in request.votes if vote not in mine))
    given = request.given_to(by)
    used = given if any(vote.person == given for vote in request.stage_votes) else None
    if given is None or used is not None:
        raise NothingToWithdraw(used)
    taken = [each for each in request.stage_delegations if each.by == by]
    return replace(request, delegations=tuple(each for each in request.delegations if each not in taken))


def comment(request: Request, by: Person, text: str, now: datetime) -> Request:
    """Ask the requester something. Raises `AlreadySettled` if the request is not open."""
    eligible.still_open(request, request.version)
    return replace(request, comments=(*request.comments, Comment(by=by, text=text, at=now)))


def nudge(request: Request, by: Person, now: datetime) -> Request:
    """Have everybody reminded who has not answered. The requester can do this once an hour.

    Raises `AlreadySettled` if the request is not open, `NotYours` if `by` is not the requester, or `NudgedLately` if
    the last time is less than an hour ago.
    """
    refuse_others(request, by)
    if request.nudged_at is not None and now < request.nudged_at + NUDGE_EVERY:
        raise NudgedLately(request.nudged_at + NUDGE_EVERY)
    return replace(request, nudged_at=now)


def refuse_others(request: Request, person: Person) -> None:
    """Return if the request is open and this person is its requester. Raises `AlreadySettled` or `NotYours` if not."""
    eligible.still_open(request, request.version)
    if person != request.requester:
        raise NotYours(request.task_id, request.requester)


def missed(request: Request, missing: Sequence[Unreached], sent: Collection[Person | str]) -> Request:
    """Record who did not get the card. If nobody got it, the stage's next escalation is due at once. If the stage has
    no further escalation, nothing else changes: silence is no reason to end the request sooner.

    `missing` are those who should have got the card at one time but did not. `sent` are all who should have got it
    then, including these. A card that was sent by a delegation, in an earlier stage, or when this stage opened makes
    nothing due sooner. Returns the request itself if everything is recorded already or if it is no longer open.
    """
    state = request.state
    known = {(each.asked_at, each.whom) for each in request.unreached}
    new = [each for each in missing if (each.asked_at, each.whom) not in known]
    if not new or not isinstance(state, Pending):
        return request
    asked_at = new[0].asked_at
    gone = {each.whom for each in (*request.unreached, *new) if each.asked_at == asked_at}
    delegated = any((each.to, each.at) == (new[0].person, asked_at) for each in request.delegations)
    if delegated or asked_at <= request.open.opened_at or not gone.issuperset(sent):
        return replace(request, unreached=(*request.unreached, *new))
    following = schedule.next_escalation(request, state)
    then = Then.END if following is None else Then.NEXT
    noted = replace(request, unreached=(*request.unreached, *(replace(each, then=then) for each in new)))
    return replace(noted, state=schedule.due_next(noted, replace(state, hurried=following)))
