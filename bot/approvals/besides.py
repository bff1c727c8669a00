"""The rules of what people do to an open request besides answering it, pure: get more time, give their vote to a
colleague, take it back, ask the requester, have others reminded.

All of them leave the question and its version as they are, so nothing that is approved changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals import rules
from bot.approvals.errors import (
    AlreadyExtended,
    CannotDelegate,
    NoExtension,
    NothingToWithdraw,
    NotYours,
    NudgedLately,
)
from bot.approvals.ids import Person
from bot.approvals.notes import DELEGATE, Comment, Delegation, Extension, Then, Unreached
from bot.approvals.ports import Member
from bot.approvals.request import Pending, Request

NUDGE_EVERY = timedelta(hours=1)


def extend(request: Request, by: Person, now: datetime) -> Request:
    """Put the deadline off by the policy's measure, once. `AlreadySettled`, `NoExtension` or `AlreadyExtended`."""
    state = rules.still_open(request, request.version)
    if request.policy.extend is None or request.deadline is None:
        raise NoExtension(request.deadline)
    if request.extension is not None:
        raise AlreadyExtended(request.extension.by, request.deadline)
    extended = replace(request, extension=Extension(by=by, measure=request.policy.extend, at=now))
    return replace(extended, state=replace(state, due_at=rules.due_at(extended, state)))


def delegate(request: Request, by: Person, to: Member, approvers: Set[Person], now: datetime) -> Request:
    """Give one's own vote to a colleague, who may answer from now on in the giver's place.

    `approvers` is what the directory makes of `request.approvers` now, and `by` was found to be one who may answer.
    `AlreadySettled` or `CannotDelegate`.
    """
    refuse_used(request, by, approvers)
    if to.person == by:
        raise CannotDelegate("Your vote is yours already. Choose a colleague.")
    if barred := rules.barred(request, to):
        raise CannotDelegate(f"That account may not answer requests: {barred}. Choose somebody else.")
    if not rules.may_answer(request, to.person):
        raise CannotDelegate("They started this task, and may not answer as well. Choose somebody else.")
    if to.person in approvers or any(each.to == to.person for each in request.delegations):
        raise CannotDelegate("They may answer already, and one person answers once. Choose somebody else.")
    return replace(request, delegations=(*request.delegations, Delegation(by=by, to=to.person, at=now)))


def refuse_used(request: Request, by: Person, approvers: Set[Person]) -> None:
    """Return if the vote is this person's own, and not used yet; `AlreadySettled` or `CannotDelegate`."""
    rules.still_open(request, request.version)
    if by not in approvers:
        raise CannotDelegate("The vote that somebody gave you goes no further. Answer, or ask them to take it back.")
    if any(vote.person == by for vote in request.votes):
        raise CannotDelegate("You have answered already. Withdraw your answer first.")


def withdraw(request: Request, by: Person) -> Request:
    """Take back one's vote; or where a colleague has it, and has not used it, the delegation.

    `AlreadySettled` or `NothingToWithdraw`.
    """
    rules.still_open(request, request.version)
    kept = tuple(vote for vote in request.votes if vote.person != by)
    if len(kept) < len(request.votes):
        return replace(request, votes=kept)
    given = request.given_to(by)
    used = given if any(vote.person == given for vote in request.votes) else None
    if given is None or used is not None:
        raise NothingToWithdraw(used)
    return replace(request, delegations=tuple(each for each in request.delegations if each.by != by))


def comment(request: Request, by: Person, text: str, now: datetime) -> Request:
    """Ask the requester something. `AlreadySettled`."""
    rules.still_open(request, request.version)
    return replace(request, comments=(*request.comments, Comment(by=by, text=text, at=now)))


def refuse_others(request: Request, person: Person) -> None:
    """Return if it is open and this is its requester; `AlreadySettled` or `NotYours`."""
    rules.still_open(request, request.version)
    if person != request.requester:
        raise NotYours(request.task_id, request.requester)


def nudge(request: Request, by: Person, now: datetime) -> Request:
    """The requester has those reminded who have not answered, once an hour. `AlreadySettled`, `NotYours` or
    `NudgedLately`."""
    refuse_others(request, by)
    if request.nudged_at is not None and now < request.nudged_at + NUDGE_EVERY:
        raise NudgedLately(request.nudged_at + NUDGE_EVERY)
    return replace(request, nudged_at=now)


def missed(request: Request, missing: Sequence[Unreached], sent: Collection[Person], now: datetime) -> Request:
    """Note whom one step could not ask. Where it could ask nobody, the next escalation is due at once; where there is
    none, nothing else changes.

    `sent` are all whom the step sent the card, those among them whom it did not reach. The request itself is returned
    where all is noted already, or it is no longer open.
    """
    known = {(each.step, each.person) for each in request.unreached}
    new = tuple(each for each in missing if (each.step, each.person) not in known)
    if not new or not isinstance(request.state, Pending):
        return request
    step = new[0].step
    gone = {each.person for each in (*request.unreached, *new) if each.step == step}
    if step == DELEGATE or not gone.issuperset(sent):
        return replace(request, unreached=(*request.unreached, *new))
    following = rules.next_escalation(request, request.state)
    then = Then.END if following is None else Then.NEXT
    noted = replace(request, unreached=(*request.unreached, *(replace(each, then=then) for each in new)))
    if following is None:
        return noted
    return replace(noted, state=replace(request.state, hurried=following + 1, due_at=now))
