"""The rules of an approval, pure: a record and what happened make the next record, or a refusal.

Every way to settle a request comes through here, and storage's compare-and-set lets the first one win.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from bot.approvals.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Reject,
    Respond,
    Vote,
)
from bot.approvals.errors import (
    AlreadySettled,
    NotAnApprover,
    NotEligible,
    NothingToTakeBack,
    OwnRequest,
    ReasonMissing,
    StaleVersion,
    VerdictNotOffered,
)
from bot.approvals.ids import JSON, Person
from bot.approvals.policy import Escalate, Expire, Remind
from bot.approvals.ports import Member
from bot.approvals.question import Item, Question, Verdict, with_arguments
from bot.approvals.request import Decided, Delivered, Edit, Pending, Request, Superseded
from bot.approvals.task import Failure

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=30)
MOST_ATTEMPTS = 8
"""After so many failed deliveries only a person's retry starts another."""


def may_vote(request: Request, member: Member, approvers: Set[Person]) -> None:
    """Return if this member may answer; else raise `NotEligible`, `NotAnApprover` or `OwnRequest`.

    `approvers` is what the directory makes of `request.approvers` now, not what it was at the opening.
    """
    if member.ineligible:
        raise NotEligible(member.ineligible)
    others = sorted(person.user_id for person in approvers if may_answer(request, person))
    who_may = [f"<@{user_id}>" for user_id in others]
    if not may_answer(request, member.person):
        raise OwnRequest(who_may)
    if member.person not in approvers:
        raise NotAnApprover(who_may)


def may_answer(request: Request, person: Person) -> bool:
    """Whether an approver is not kept out by being the requester."""
    return person != request.requester or request.policy.self_approval


def still_open(request: Request, version: int, digest: str | None = None) -> Pending:
    """The pending state, if the request can still be answered on this version; `AlreadySettled` or `StaleVersion`."""
    if not isinstance(request.state, Pending):
        raise AlreadySettled(request.id, request.decision)
    if version != request.version or (digest is not None and digest != request.digest):
        raise StaleVersion(request.id)
    return request.state


def cast(request: Request, vote: Vote) -> Request:
    """Count a vote, and settle the request if it was the last one needed.

    A person's later vote takes the place of their earlier one. The caller has asked `may_vote` before.
    Raises `AlreadySettled`, `StaleVersion`, `VerdictNotOffered` or `ReasonMissing`.
    """
    still_open(request, vote.version, vote.digest)
    _check_verdicts(request, vote.verdicts)
    others = tuple(cast_before for cast_before in request.votes if cast_before.person != vote.person)
    return _settle(replace(request, votes=(*others, vote)), vote.at)


def revise(
    request: Request, person: Person, version: int, index: int, arguments: Mapping[str, JSON], now: datetime
) -> Request:
    """Replace one item's arguments: a new version, on which no vote has been given yet.

    Raises `AlreadySettled`, `StaleVersion` or `VerdictNotOffered`.
    """
    still_open(request, version)
    if not 0 <= index < len(request.question.items):
        raise VerdictNotOffered(f"it has no item {index + 1}")
    if Verdict.EDIT not in request.question.items[index].verdicts:
        raise VerdictNotOffered(f"`{request.question.items[index].name}` cannot be edited")
    return replace(
        request,
        question=with_arguments(request.question, index, arguments),
        version=request.version + 1,
        edits=(*request.edits, Edit(person=person, at=now)),
        votes=(),
    )


def hold(request: Request, before: Request, wait: timedelta, now: datetime) -> Request:
    """Keep an answer that has settled the request from the graph for so long, in which it may be taken back."""
    if not isinstance(request.state, Decided) or not isinstance(before.state, Pending):
        return request
    return replace(request, state=replace(request.state, next_try=now + wait, held=before.state))


def take_back(request: Request, person: Person, now: datetime) -> Request:
    """The request as it stood before this person's answer, which is held; else `NothingToTakeBack`."""
    state = request.state
    if not isinstance(state, Decided) or state.held is None or not state.revocable:
        raise NothingToTakeBack
    if state.next_try is None or state.next_try <= now or all(vote.person != person for vote in request.votes):
        raise NothingToTakeBack
    return replace(request, state=state.held, votes=tuple(vote for vote in request.votes if vote.person != person))


def takes_words(question: Question) -> bool:
    """Whether all that it wants is words: then a message may answer it. An action is never approved by words."""
    form = question.form
    words = form is None or (isinstance(form, dict) and form.get("type") == "string" and "enum" not in form)
    verdicts = {verdict for item in question.items for verdict in item.verdicts}
    return (
        words
        and len(question.items) == 1
        and verdicts <= {Verdict.RESPOND, Verdict.REJECT}
        and not (question.choices)
        and Verdict.RESPOND in verdicts
    )


def ask_anew(request: Request, question: Question) -> Request:
    """The graph asks something else under the same interrupt: a new version, without votes and edits."""
    if not isinstance(request.state, Pending) or question == request.proposed:
        return request
    return replace(request, proposed=question, question=question, version=request.version + 1, votes=(), edits=())


def asked_again(request: Request, objection: str, now: datetime) -> Request:
    """The graph did not take the answer: the question is open again from now on, and says first what was wrong."""
    state = _decided(request)
    if not isinstance(state.decision, Answered):
        raise AlreadySettled(request.id, state.decision)
    text = "\n\n".join(part for part in (objection, request.proposed.text) if part)
    question = replace(request.question, text=text)
    reopened = replace(request, question=question, version=request.version + 1, votes=(), opened_at=now)
    return replace(reopened, state=first_due(reopened))


def cancel(request: Request, by: Person, now: datetime) -> Request:
    """Settle an open request as cancelled; `AlreadySettled` where it is not open."""
    still_open(request, request.version)
    return _decide(request, Cancelled(by=by, at=now), now)


def supersede(request: Request, now: datetime) -> Request:
    """The interrupt is gone without an answer of ours. Harmless to a request that is over."""
    if isinstance(request.state, Delivered | Superseded):
        return request
    return replace(request, state=Superseded(at=now, decision=request.decision))


# --- Time ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What a look at the clock made of a request."""

    request: Request
    remind: bool = False
    escalate: tuple[str, ...] = ()
    """Whom to send the card, as the policy names them."""


def first_due(request: Request) -> Pending:
    """The state of a request that has just been opened."""
    steps = request.policy.steps
    return Pending(due_at=request.opened_at + steps[0].after if steps else None)


def next_step(request: Request, now: datetime) -> Due:
    """Take every step of the policy whose time has come.

    After a downtime several may be due at once: an expiry then makes the others pointless, and a reminder is
    dropped where a later step is due too. Nothing happens to a request that is not pending.
    """
    if not isinstance(request.state, Pending):
        return Due(request=request)
    steps, taken = request.policy.steps, request.state.next_step
    passed = [step for step in steps[taken:] if request.opened_at + step.after <= now]
    if not passed:
        return Due(request=request)
    if any(isinstance(step.action, Expire) for step in passed):
        return Due(request=_decide(request, Expired(at=now), now))
    taken += len(passed)
    due_at = request.opened_at + steps[taken].after if taken < len(steps) else None
    escalate = tuple(ref for step in passed if isinstance(step.action, Escalate) for ref in step.action.to)
    return Due(
        request=replace(
            request,
            state=Pending(due_at=due_at, next_step=taken),
            escalated_to=tuple(dict.fromkeys((*request.escalated_to, *escalate))),
        ),
        remind=isinstance(passed[-1].action, Remind),
        escalate=escalate,
    )


# --- Delivery -----------------------------------------------------------------------------------


def attempted(request: Request) -> Request:
    """A resume is about to begin. Recorded first, so that an interrupt found gone later was ours to answer."""
    state = _decided(request)
    return replace(request, state=replace(state, attempts=state.attempts + 1))


def failed(request: Request, failure: Failure, now: datetime) -> Request:
    """The graph raised on the answer: put off the next try, doubling, or leave it to a person at last."""
    state = _decided(request)
    doublings = min(max(state.attempts - 1, 0), MOST_ATTEMPTS)  # a person may retry any number of times
    wait = min(FIRST_RETRY * 2**doublings, LAST_RETRY)
    next_try = now + wait if state.attempts < MOST_ATTEMPTS else None
    return replace(request, state=replace(state, failure=failure, next_try=next_try))


def retried(request: Request, now: datetime) -> Request:
    """Somebody asked for another try now."""
    return replace(request, state=replace(_decided(request), next_try=now))


def delivered(request: Request, now: datetime) -> Request:
    """The interrupt was seen to be gone after a resume of ours."""
    return replace(request, state=Delivered(decision=_decided(request).decision, at=now))


# --- Within -------------------------------------------------------------------------------------


def _decided(request: Request) -> Decided:
    if not isinstance(request.state, Decided):
        raise AlreadySettled(request.id, request.decision)
    return request.state


def _decide(request: Request, decision: Decision, now: datetime) -> Request:
    return replace(request, state=Decided(decision=decision, next_try=now))


def _check_verdicts(request: Request, verdicts: tuple[ItemVerdict, ...]) -> None:
    items = request.question.items
    if len(verdicts) != len(items):
        raise VerdictNotOffered(f"it has {len(items)} items, and {len(verdicts)} verdicts were given")
    for item, proposed, verdict in zip(items, request.proposed.items, verdicts, strict=True):
        _check_verdict(request, item, verdict, edited=item != proposed)


def _check_verdict(request: Request, item: Item, verdict: ItemVerdict, *, edited: bool) -> None:
    needed = _NEEDS[type(verdict)]
    as_edited = isinstance(verdict, Approve) and edited and Verdict.EDIT in item.verdicts
    if needed not in item.verdicts and not as_edited:
        offered = ", ".join(item.verdicts)
        raise VerdictNotOffered(f"`{item.name}` takes {offered}, not {needed}")
    if isinstance(verdict, Choose) and verdict.choice not in request.question.choices:
        raise VerdictNotOffered(f"`{verdict.choice}` is not among its choices")
    if isinstance(verdict, Reject) and request.policy.reason_required and not verdict.reason.strip():
        raise ReasonMissing


_NEEDS: Mapping[type[ItemVerdict], Verdict] = {
    Approve: Verdict.APPROVE,
    Reject: Verdict.REJECT,
    Respond: Verdict.RESPOND,
    Choose: Verdict.CHOOSE,
}


def _settle(request: Request, now: datetime) -> Request:
    """Decide as soon as every item is settled: by one rejection, or by a quorum of equal verdicts."""
    settled = tuple(_tally(request, index) for index in range(len(request.question.items)))
    verdicts = tuple(verdict for verdict in settled if verdict is not None)
    if len(verdicts) < len(settled):
        return request
    voters = tuple(
        vote.person
        for vote in request.votes
        if any(map(operator.eq, map(_canonical, vote.verdicts), map(_canonical, verdicts)))
    )  # those whose word it was: a rejection is not laid at the door of one who had approved
    return _decide(request, Answered(verdicts=verdicts, voters=voters, edited=request.edited, at=now), now)


def _tally(request: Request, index: int) -> ItemVerdict | None:
    given = [vote.verdicts[index] for vote in request.votes]
    rejection = next((verdict for verdict in given if isinstance(verdict, Reject)), None)
    if rejection is not None:
        return rejection
    words = [_canonical(verdict) for verdict in given]
    quorum = request.policy.quorum
    return next((verdict for verdict, word in zip(given, words, strict=True) if words.count(word) >= quorum), None)


def _canonical(verdict: ItemVerdict) -> str:
    """The verdict to the letter: true, 1 and 1.0 are equal to Python and are not the same answer."""
    return f"{type(verdict).__name__} {json.dumps(asdict(verdict), sort_keys=True)}"
