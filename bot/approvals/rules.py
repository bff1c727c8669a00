"""The rules of an approval, pure: a record and what happened make the next record, or a refusal.

Every way to settle a request comes through here, and storage's compare-and-set lets the first one win.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals import tally, windows
from bot.approvals.decision import Answered, Cancelled, Decision, Vote
from bot.approvals.electorate import Electorate
from bot.approvals.errors import (
    AgreedBefore,
    AlreadySettled,
    NotAnApprover,
    NotEligible,
    NothingToTakeBack,
    OwnRequest,
    StaleVersion,
    VerdictNotOffered,
    VoteGiven,
)
from bot.approvals.ids import JSON, Person
from bot.approvals.policy import Policy
from bot.approvals.ports import Member
from bot.approvals.question import Question, Verdict, with_arguments
from bot.approvals.request import Decided, Delivered, Edit, Pending, Request, Superseded
from bot.approvals.task import Failure

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=30)
MOST_ATTEMPTS = 8
"""After this many failed runs, or failed deliveries of one answer, only a person's retry starts another."""


def may_vote(request: Request, member: Member, electorate: Electorate) -> None:
    """Return if this member may answer; else raise `NotEligible`, `NotAnApprover`, `OwnRequest`, `VoteGiven` or
    `AgreedBefore`.

    `electorate` is what the directory makes of the request's stage now, not what it was at the opening.
    """
    person = member.person
    if not eligible(member, electorate):
        raise NotEligible(member.ineligible)
    others = sorted(each.user_id for each in electorate.people if tally.counts(request, each, electorate))
    who_may = [f"<@{user_id}>" for user_id in others]
    if not tally.may_answer(request, person):
        raise OwnRequest(who_may)
    if (given := request.given_to(person)) is not None:
        raise VoteGiven(given)
    if person not in electorate.people:
        raise NotAnApprover(who_may)
    if not tally.counts(request, person, electorate):
        raise AgreedBefore(who_may)


def eligible(member: Member, electorate: Electorate) -> bool:
    """Whether this account may answer anything, or is one that the policy names although it would not."""
    return not member.ineligible or (member.nameable and member.person in electorate.named)


def still_open(request: Request, version: int, digest: str | None = None) -> Pending:
    """The pending state, if the request can still be answered on this version; `AlreadySettled` or `StaleVersion`."""
    if not isinstance(request.state, Pending):
        raise AlreadySettled(request.id, request.decision)
    if version != request.version or (digest is not None and digest != request.digest):
        raise StaleVersion(request.id)
    return request.state


def cast(request: Request, vote: Vote, electorate: Electorate) -> Request:
    """Count a vote; where it was the last one needed, its stage is passed or the request settled.

    A person's later vote takes the place of their earlier one. The caller has asked `may_vote` before.
    Raises `AlreadySettled`, `StaleVersion`, `VerdictNotOffered` or `ReasonMissing`.
    """
    still_open(request, vote.version, vote.digest)
    tally.check(request, vote.verdicts)
    counted = replace(vote, stage=request.stage_number)
    others = tuple(each for each in request.votes if (each.person, each.stage) != (counted.person, counted.stage))
    return tally.settled(replace(request, votes=(*others, counted)), electorate, vote.at)


def revise(
    request: Request, person: Person, version: int, index: int, arguments: Mapping[str, JSON], now: datetime
) -> Request:
    """Replace one item's arguments: a new version, on which no vote has been given yet, in the first stage.

    Raises `AlreadySettled`, `StaleVersion` or `VerdictNotOffered`.
    """
    still_open(request, version)
    if not 0 <= index < len(request.question.items):
        raise VerdictNotOffered(f"it has no item {index + 1}")
    if Verdict.EDIT not in request.question.items[index].verdicts:
        raise VerdictNotOffered(f"`{request.question.items[index].name}` cannot be edited")
    revised = replace(
        request,
        question=with_arguments(request.question, index, arguments),
        version=request.version + 1,
        edits=(*request.edits, Edit(person=person, at=now)),
        votes=(),
        passed=(),
    )
    return windows.enter_stage(revised, now) if request.passed else revised


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
    if state.next_try is None or state.next_try <= now or all(vote.person != person for vote in request.stage_votes):
        raise NothingToTakeBack
    theirs = {(person, request.stage_number)}
    kept = tuple(vote for vote in request.votes if (vote.person, vote.stage) not in theirs)
    return replace(request, state=state.held, votes=kept)


def takes_words(question: Question) -> bool:
    """Whether all that it wants is words: then a message may answer it. An action is never approved by words."""
    form = question.form
    words = form is None or (isinstance(form, dict) and form.get("type") == "string" and "enum" not in form)
    verdicts = {verdict for item in question.items for verdict in item.verdicts}
    return (
        words
        and len(question.items) == 1
        and verdicts <= {Verdict.RESPOND, Verdict.REJECT}
        and not question.choices
        and Verdict.RESPOND in verdicts
    )


def ask_anew(request: Request, question: Question, policy: Policy, now: datetime) -> Request:
    """The graph asks something else under the same interrupt: a new version, without votes and edits, under the
    policy that governs it."""
    if not isinstance(request.state, Pending) or question == request.proposed:
        return request
    renewed = replace(
        request,
        proposed=question,
        question=question,
        policy=policy,
        renewed_at=now,
        version=request.version + 1,
        votes=(),
        passed=(),
        edits=(),
    )
    return windows.enter_stage(renewed, now) if request.passed or policy != request.policy else renewed


def asked_again(request: Request, objection: str, now: datetime) -> Request:
    """The graph did not take the answer: the question is open again from now on, and says first what was wrong."""
    state = _decided(request)
    if not isinstance(state.decision, Answered):
        raise AlreadySettled(request.id, state.decision)
    text = "\n\n".join(part for part in (objection, request.proposed.text) if part)
    question = replace(request.question, text=text)
    reopened = replace(request, question=question, version=request.version + 1, votes=(), passed=(), opened_at=now)
    return windows.enter_stage(reopened, now)


def cancel(request: Request, by: Person, now: datetime) -> Request:
    """Settle an open request as cancelled; `AlreadySettled` where it is not open."""
    still_open(request, request.version)
    return _decide(request, Cancelled(by=by, at=now), now)


def supersede(request: Request, now: datetime) -> Request:
    """The interrupt is gone without an answer of ours. Harmless to a request that is over."""
    if isinstance(request.state, Delivered | Superseded):
        return request
    return replace(request, state=Superseded(at=now, decision=request.decision))


# --- Delivery -----------------------------------------------------------------------------------


def attempted(request: Request) -> Request:
    """A resume is about to begin. Recorded first, so that an interrupt found gone later was ours to answer."""
    state = _decided(request)
    return replace(request, state=replace(state, attempts=state.attempts + 1))


def failed(request: Request, failure: Failure, now: datetime, *, final: bool = False) -> Request:
    """The graph raised on the answer: put off the next try, doubling, or leave it to a person: at last, or at once if
    this is `final`."""
    state = _decided(request)
    doublings = min(max(state.attempts - 1, 0), MOST_ATTEMPTS)  # a person may retry any number of times
    wait = min(FIRST_RETRY * 2**doublings, LAST_RETRY)
    next_try = now + wait if state.attempts < MOST_ATTEMPTS and not final else None
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
