"""The rules of an approval, pure: a record and what happened make the next record, or a refusal.

Every way to settle a request comes through here, and storage's compare-and-set lets the first one win.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.model import consent
from bot.approvals.model.decision import Answered, Cancelled, Decision, Vote
from bot.approvals.model.errors import (
    AlreadySettled,
    NothingToTakeBack,
    TooLateToChange,
    VerdictNotOffered,
)
from bot.approvals.model.fingerprint import Fingerprint
from bot.approvals.model.ids import JSON, MessageRef, Person
from bot.approvals.model.policy import Policy
from bot.approvals.model.question import Question, Verdict, with_arguments
from bot.approvals.model.request import Before, Decided, Delivered, Edit, Pending, Request, Superseded
from bot.approvals.model.task import Failure
from bot.approvals.rules import eligible, schedule, voting

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=30)
MAX_ATTEMPTS = 8
"""After this many failed runs, or failed deliveries of one answer, only a person's retry starts another."""


def revise(
    request: Request, person: Person, version: int, index: int, arguments: Mapping[str, JSON], now: datetime
) -> Request:
    """Replace one item's arguments: a new version, on which no vote has been given yet, in the first stage.

    Raises `AlreadySettled`, `StaleVersion` or `VerdictNotOffered`.
    """
    eligible.still_open(request, version)
    if not 0 <= index < len(request.question.items):
        raise VerdictNotOffered(f"it has no item {index + 1}")
    if Verdict.EDIT not in request.question.items[index].verdicts:
        raise VerdictNotOffered(f"`{request.question.items[index].name}` cannot be edited")
    revised = replace(
        request,
        question=with_arguments(request.question, index, arguments),
        version=request.version + 1,
        edits=(*request.edits, Edit(person=person, at=now)),
        objections=voting.objectors(request),
        votes=(),
        passed=(),
    )
    return schedule.enter_stage(revised, now) if request.passed else revised


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
    theirs = isinstance(state.decision, Answered) and person in state.decision.voters
    if not theirs or state.next_try is None or state.next_try <= now:
        raise NothingToTakeBack
    given = {(person, request.stage_number)}
    kept = tuple(vote for vote in request.votes if (vote.person, vote.stage) not in given)
    return replace(request, state=state.held, votes=kept)


def given_in(request: Request, message: MessageRef) -> Vote | None:
    """The vote that was given in the words of this message."""
    return next((vote for vote in request.votes if vote.message == message), None)


def unsaid(request: Request, vote: Vote, now: datetime) -> Request:
    """The request without a vote whose message says something else by now, or is gone; `TooLateToChange` if nobody can
    undo what came of it."""
    if isinstance(request.state, Pending) and vote.stage == request.stage_number:
        return replace(request, votes=tuple(each for each in request.votes if each != vote))
    try:
        return take_back(request, vote.person, now)
    except NothingToTakeBack:
        raise TooLateToChange(taken=_taken(request, vote)) from None


def _taken(request: Request, vote: Vote) -> bool:
    """Whether the agent has what this vote said, or is about to."""
    state = request.state
    if not isinstance(state, Decided | Delivered) or not isinstance(state.decision, Answered):
        return False
    return vote.person in state.decision.voters and any(verdict in state.decision.verdicts for verdict in vote.verdicts)


def takes_words(question: Question) -> bool:
    """Whether all that it wants is words, by its graph's own declaration: then a message may answer it."""
    return consent.takes_words(question)


def ask_anew(
    request: Request, question: Question, policy: Policy, now: datetime, asked: Fingerprint | None = None
) -> Request:
    """The graph asks something else under the same interrupt: a new version, without votes and edits, under the
    policy that governs it.

    After an upgrade of the bot the same question may be read differently: with other answers, say. That is a new
    version too, because votes are bound to what was shown. If nobody has acted on the earlier one, nobody is told that
    the agent asks something else.
    """
    if not isinstance(request.state, Pending) or request.proposed.asks_as(question):
        return request
    acted = request.votes or request.passed or request.edits
    same = question.payload == request.proposed.payload and question.shape == request.proposed.shape
    renewed = replace(
        request,
        proposed=question,
        question=question,
        fingerprint=asked,
        policy=policy,
        renewed_at=request.renewed_at if same and not acted else now,
        objections=voting.objectors(request),
        version=request.version + 1,
        votes=(),
        passed=(),
        edits=(),
    )
    return schedule.enter_stage(renewed, now) if request.passed or policy != request.policy else renewed


def put_under(request: Request, policy: Policy, unknown: Mapping[str, str], now: datetime) -> Request:
    """The same question under another policy, from its first stage on; all windows are counted from now.

    Votes were given on other terms, so they are void, which is a new version. `AlreadySettled` if it is not open.
    """
    eligible.still_open(request, request.version)
    voided = bool(request.votes or request.passed)
    moved = replace(
        request,
        policy=policy,
        unknown=unknown,
        amended_at=now,
        objections=voting.objectors(request),
        version=request.version + voided,
        votes=(),
        passed=(),
        open=replace(request.open, missing=()),
    )
    return schedule.enter_stage(moved, now)


def asked_again(request: Request, objection: str, now: datetime) -> Request:
    """The graph did not take the answer: the question is open again from now on, and says first what was wrong."""
    state = _decided(request)
    if not isinstance(state.decision, Answered):
        raise AlreadySettled(request.id, state.decision)
    text = "\n\n".join(part for part in (objection, request.proposed.text) if part)
    question = replace(request.question, text=text)
    reopened = replace(
        request,
        question=question,
        objections=voting.objectors(request),
        version=request.version + 1,
        votes=(),
        passed=(),
        opened_at=now,
    )
    return schedule.enter_stage(reopened, now)


def ask_instead(
    request: Request, question: Question, asked: Fingerprint | None, policy: Policy, now: datetime
) -> Request:
    """The agent asks something else by now than what was decided: that decision is not used, and this is asked as a
    new version, which shows the difference."""
    before = before_asking(request)
    renewed = replace(
        request,
        proposed=question,
        question=question,
        fingerprint=asked,
        policy=policy,
        version=request.version + 1,
        before=before,
        objections=voting.objectors(request),
        votes=(),
        passed=(),
        edits=(),
        opened_at=now,
    )
    return schedule.enter_stage(renewed, now)


def before_asking(request: Request) -> Before:
    """What was decided of this request, for the one that is asked in its place."""
    assert request.decision is not None  # noqa: S101 - it was decided: that is why another is asked
    times = request.before.times + 1 if request.before is not None else 1
    return Before(question=request.question, decision=request.decision, times=times)


def not_taken(request: Request, now: datetime) -> Request:
    """The agent asked something else when it was to take the answer, and did not get it."""
    return replace(request, state=Superseded(at=now, decision=_decided(request).decision, changed=True))


def answered_differently(request: Request, now: datetime) -> Request:
    """The agent raised on the answer, and nothing has run after it: the question is open again, to be answered anew.
    Raises `AlreadySettled` if that is not so."""
    state = _decided(request)
    if not state.answerable_again:
        raise AlreadySettled(request.id, state.decision)
    reopened = replace(request, version=request.version + 1, votes=(), passed=(), opened_at=now)
    return schedule.enter_stage(reopened, now)


def cancel(request: Request, by: Person, now: datetime) -> Request:
    """Settle an open request as cancelled; `AlreadySettled` where it is not open."""
    eligible.still_open(request, request.version)
    return _decide(request, Cancelled(by=by, at=now), now)


def supersede(request: Request, now: datetime) -> Request:
    """The interrupt is gone without an answer of ours. Harmless to a request that is over."""
    if isinstance(request.state, Delivered | Superseded):
        return request
    return replace(request, state=Superseded(at=now, decision=request.decision), gone=None)


def stopped(request: Request, now: datetime) -> Request:
    """The task was stopped before its agent could be told anything."""
    return replace(request, state=Superseded(at=now, decision=request.decision, stopped=True), gone=None)


# --- Delivery -----------------------------------------------------------------------------------


def attempted(request: Request) -> Request:
    """A resume is about to begin. Recorded first, so that an interrupt found gone later was ours to answer."""
    state = _decided(request)
    return replace(request, state=replace(state, attempts=state.attempts + 1))


def failed(request: Request, failure: Failure, now: datetime, *, final: bool = False) -> Request:
    """The graph raised on the answer: put off the next try, doubling, or leave it to a person: at last, or at once if
    this is `final`, or if code is missing."""
    state = _decided(request)
    if failure.gone is not None:
        return replace(request, state=replace(state, failure=failure, next_try=None), gone=failure.gone)
    doublings = min(max(state.attempts - 1, 0), MAX_ATTEMPTS)  # a person may retry any number of times
    wait = min(FIRST_RETRY * 2**doublings, LAST_RETRY)
    next_try = now + wait if state.attempts < MAX_ATTEMPTS and not final else None
    return replace(request, state=replace(state, failure=failure, next_try=next_try))


def retried(request: Request, now: datetime) -> Request:
    """Somebody asked for another try now."""
    return replace(request, state=replace(_decided(request), next_try=now))


def delivered(request: Request, now: datetime, *, stopped: bool = False) -> Request:
    """The interrupt was seen to be gone after a resume of ours; or the task was stopped there, as was decided."""
    return replace(request, state=Delivered(decision=_decided(request).decision, at=now, stopped=stopped), gone=None)


# --- Within -------------------------------------------------------------------------------------


def _decided(request: Request) -> Decided:
    if not isinstance(request.state, Decided):
        raise AlreadySettled(request.id, request.decision)
    return request.state


def _decide(request: Request, decision: Decision, now: datetime) -> Request:
    return replace(request, state=Decided(decision=decision, next_try=now))
