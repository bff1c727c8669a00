"""The rules of a request's life as pure functions: a record and an event go in, the next record or a refusal comes out.

Every way to settle a request goes through here. Storage's compare-and-set lets the first one win.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.model import consent
from bot.approvals.model.agent import Asked
from bot.approvals.model.decision import Answered, Cancelled, Decision
from bot.approvals.model.errors import AlreadySettled, VerdictNotOffered
from bot.approvals.model.fingerprint import Fingerprint
from bot.approvals.model.ids import JSON, Operator, Person, Program
from bot.approvals.model.policy import Policy
from bot.approvals.model.question import Question, Verdict, with_arguments
from bot.approvals.model.request import (
    Before,
    Decided,
    Delivered,
    Earlier,
    Edit,
    NotUsed,
    Pending,
    Request,
    Superseded,
)
from bot.approvals.model.task import Failure
from bot.approvals.rules import eligible, schedule, voting, windows

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=30)
MAX_ATTEMPTS = 8
"""After this many failed runs, or failed deliveries of one answer, only a person's retry starts another."""
MAX_DEADLY = 3
"""After this many runs that ended with their process, the last two in a process of their own, only a person's retry
starts another."""


def revise(
    request: Request, person: Person, version: int, index: int, arguments: Mapping[str, JSON], now: datetime
) -> Request:
    """Replace one item's arguments. The result is a new version without votes, in the first stage.

    Raises `AlreadySettled` if the request is not open, `StaleVersion` if `version` is not the current one, or
    `VerdictNotOffered` if the item does not exist or cannot be edited.
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


def takes_words(question: Question) -> bool:
    """Whether the question asks only for text, as its graph declares. If so, a message can answer it."""
    return consent.takes_words(question)


def ask_anew(
    request: Request, question: Question, policy: Policy, now: datetime, asked: Fingerprint | None = None
) -> Request:
    """The request after its graph asks something else under the same interrupt: a new version, without votes and edits,
    under the policy that governs the new question.

    After an upgrade of the bot the same question may be read differently, for example with other answers. That is a new
    version too, because votes are bound to what was shown. If nobody has acted on the earlier version, nobody is told
    that the agent asks something else.
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
    anew = request.passed or policy != request.policy or question.window != request.proposed.window
    return schedule.enter_stage(windows.begun(renewed, now), now) if anew else renewed


def put_under(request: Request, policy: Policy, unknown: Mapping[str, str], now: datetime) -> Request:
    """Put the same question under another policy, from its first stage on. All time windows are counted from now.

    Votes were given on other terms, so they are void; if there were any, the request gets a new version. Raises
    `AlreadySettled` if the request is not open.
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
    """Reopen the question because the graph did not accept the answer. The text now begins with what was wrong."""
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
    """Ask people again, because the agent now asks something else than what was decided. The decision is not used. The
    new question is a new version, which shows the difference."""
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
    return schedule.enter_stage(windows.begun(renewed, now), now)


def before_asking(request: Request, why: NotUsed = NotUsed.ASKED_ELSE) -> Before:
    """What this request asked and what was decided, for what is asked in its place."""
    assert request.decision is not None  # noqa: S101 - another is asked only after a decision
    times = request.before.times + 1 if request.before is not None else 1
    return Before(question=request.question, decision=request.decision, times=times, why=why)


def is_held(request: Request, now: datetime) -> bool:
    """Whether the decision is still kept from the agent."""
    state = request.state
    return isinstance(state, Decided) and not state.attempts and state.held_until is not None and now < state.held_until


def is_stale(request: Request, now: datetime) -> bool:
    """Whether the decision was not delivered as long as it was valid, so that it is not used any more."""
    state = request.state
    return isinstance(state, Decided) and state.valid_until is not None and state.valid_until <= now


def valid_until(request: Request | None) -> datetime | None:
    """Until when the decision may be used. None if that has no end, or if nothing is decided."""
    match request:
        case Request(state=Decided(valid_until=until) | Delivered(valid_until=until)):
            return until
        case _:
            return None


def ask_after_stale(request: Request, now: datetime) -> Request:
    """Ask the same again, as a new version, because the decision was not delivered as long as it was valid."""
    renewed = replace(
        request,
        version=request.version + 1,
        before=before_asking(request, NotUsed.STALE),
        objections=voting.objectors(request),
        votes=(),
        passed=(),
        opened_at=now,
    )
    return schedule.enter_stage(renewed, now)


def look_again(request: Request, asked: Asked, policy: Policy, now: datetime) -> Request:
    """Ask again what was approved, as a new version, because the agent looked again before it acted and found that
    something had changed. The agent asks that at another place of its code."""
    taken = isinstance(request.state, Delivered)
    before = Earlier(interrupt_id=request.interrupt_id, fingerprint=request.fingerprint, taken=taken)
    renewed = replace(
        request,
        earlier=(*request.earlier, before),
        interrupt_id=asked.interrupt_id,
        place=asked.place,
        fingerprint=asked.fingerprint,
        proposed=asked.question,
        question=asked.question,
        policy=policy,
        version=request.version + 1,
        before=before_asking(request, NotUsed.WORLD_CHANGED),
        objections=voting.objectors(request),
        votes=(),
        passed=(),
        edits=(),
        opened_at=now,
    )
    return schedule.enter_stage(windows.begun(renewed, now), now)


def not_taken(request: Request, now: datetime) -> Request:
    """Supersede a decided request. The agent asked something else when the answer was due, so it did not get the
    answer."""
    return replace(request, state=Superseded(at=now, decision=_decided(request).decision, changed=True))


def answered_differently(request: Request, now: datetime) -> Request:
    """Reopen the question for a new answer, because the agent raised an error on the last answer and nothing has run
    since.

    Raises `AlreadySettled` if that is not the case, or if it is an undo window: half of it may be undone by now, so
    only a retry makes sense.
    """
    state = _decided(request)
    if request.is_window or not state.answerable_again:
        raise AlreadySettled(request.id, state.decision)
    reopened = replace(request, version=request.version + 1, votes=(), passed=(), opened_at=now)
    return schedule.enter_stage(reopened, now)


def cancel(request: Request, by: Person | Program | Operator, now: datetime, reason: str = "") -> Request:
    """Settle an open request as cancelled. Raises `AlreadySettled` if it is not open."""
    eligible.still_open(request, request.version)
    return _decide(request, Cancelled(by=by, at=now, reason=reason), now)


def supersede(request: Request, now: datetime) -> Request:
    """Supersede the request, because its interrupt is gone without an answer from us. A request that is already
    delivered or superseded stays as it is."""
    if isinstance(request.state, Delivered | Superseded):
        return request
    return replace(request, state=Superseded(at=now, decision=request.decision), gone=None)


def stopped(request: Request, now: datetime, *, stale: bool = False) -> Request:
    """Supersede the request, because its task was stopped. If its delivery had begun, nobody can say whether the agent
    was told. `stale`: it was stopped because the decision was not delivered as long as it was valid."""
    begun = isinstance(request.state, Decided) and request.state.attempts > 0
    state = Superseded(at=now, decision=request.decision, stopped=stale or not begun, stale=stale)
    return replace(request, state=state, gone=None)


# --- Delivery -----------------------------------------------------------------------------------


def attempted(request: Request) -> Request:
    """Count a resume that is about to begin. This is stored first, so that if the interrupt is gone later, we know that
    our answer resumed it."""
    state = _decided(request)
    return replace(request, state=replace(state, attempts=state.attempts + 1))


def failed(request: Request, failure: Failure, now: datetime, *, final: bool = False) -> Request:
    """Record that the graph raised an error on the answer, and put off the next try. The wait doubles each time, but
    ends when the answer is no longer valid, so that people are asked again then. The next try is left to a person after
    `MAX_ATTEMPTS`, or at once if this failure is `final` or if code is missing."""
    state = _decided(request)
    if failure.gone is not None:
        return replace(request, state=replace(state, failure=failure, next_try=None), gone=failure.gone)
    doublings = min(max(state.attempts - 1, 0), MAX_ATTEMPTS)  # a person may retry any number of times
    wait = min(FIRST_RETRY * 2**doublings, LAST_RETRY)
    if state.valid_until is not None:
        wait = min(wait, max(state.valid_until - now, timedelta()))
    if is_held(request, now) and state.held_until is not None:
        wait = max(wait, state.held_until - now)
    next_try = now + wait if state.attempts < MAX_ATTEMPTS and not final else None
    return replace(request, state=replace(state, failure=failure, next_try=next_try))


def retried(request: Request, now: datetime) -> Request:
    """Make the next try due now, because somebody asked for it. A decision that is held stays held until its time."""
    state = _decided(request)
    is_held = state.held_until is not None and not state.attempts
    return replace(request, state=replace(state, next_try=max(now, state.held_until or now) if is_held else now))


def delivered(request: Request, now: datetime, *, stopped: bool = False, outcome: str = "") -> Request:
    """Mark the answer as delivered: the interrupt was gone after our resume, or the task was stopped there as
    decided. `outcome` is what the task reported, if the answer was its last."""
    decided = _decided(request)
    decision, valid_until = decided.decision, decided.valid_until
    state = Delivered(decision=decision, at=now, stopped=stopped, outcome=outcome, valid_until=valid_until)
    return replace(request, state=state, gone=None)


# --- Within -------------------------------------------------------------------------------------


def _decided(request: Request) -> Decided:
    if not isinstance(request.state, Decided):
        raise AlreadySettled(request.id, request.decision)
    return request.state


def _decide(request: Request, decision: Decision, now: datetime) -> Request:
    return replace(request, state=Decided(decision=decision, next_try=now), reopened=None)
