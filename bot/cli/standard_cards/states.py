"""What becomes of a standard card: its request in each state, as the domain's own rules make it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.caller import Consumed
from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Reject, Respond, Vote
from bot.approvals.model.ids import Person
from bot.approvals.model.policy import Stage
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Decided, Delegation, Pending, Request
from bot.approvals.model.task import Ended, Failed, Failure, Running, Task, TaskCancelled, in_short
from bot.approvals.rules import lifecycle, side_actions, timeouts, voting
from bot.cli.standard_cards.standard import NOW, Standard

REASON: Final = "already paid on Monday"
"""Why somebody rejects, whatever it is."""
_FIRST: Final = NOW + timedelta(minutes=12)
_SECOND: Final = NOW + timedelta(minutes=31)
_SOON: Final = timedelta(seconds=3)
_FAILURE: Final = Failure(error_id="e7f3a91c", summary="ConnectionError", at=_SECOND + _SOON)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One card at one moment."""

    name: str
    task: Task
    request: Request
    at: datetime = NOW
    """When it came to this, if that is later or sends a message of its own."""

    @property
    def pending(self) -> bool:
        return isinstance(self.request.state, Pending)


def states(of: Standard) -> tuple[State, ...]:
    """Every state that this card can come to, by the votes that its question takes."""
    return (*_open(of), *_agreed(of), *_refused(of), *_unanswered(of), *_of_program(of))


def asked(of: Standard) -> State:
    """The card as it is posted."""
    return State(name="asked", task=of.task, request=of.request)


def reminded(of: Standard) -> State:
    """The card when its first reminder is due."""
    return State(name="reminded", task=of.task, request=_reminded(of.request), at=_due(of.request))


def escalated(of: Standard) -> State:
    """The card after its first escalation: others are asked by DM."""
    request, at = of.request, NOW
    while not request.open.escalated_to:
        at = _due(request)
        request = timeouts.next_step(request, at).request
    return State(name="escalated", task=of.task, request=request, at=at)


def delegated(of: Standard) -> State:
    """The card after its first approver has given their vote to a colleague."""
    giver, _ = _two(of)
    member = replace(giver, user_id=type(giver.user_id)("U0GRACE"))
    delegation = Delegation(by=giver, to=member, at=_FIRST, stage=0)
    return State(name="delegated", task=of.task, request=replace(of.request, delegations=(delegation,)), at=_FIRST)


def commented(of: Standard) -> State:
    """The card after somebody asked the requester something."""
    by = _two(of)[0]
    request = side_actions.comment(of.request, by, "Is this still needed?", _FIRST)
    return State(name="commented", task=of.task, request=request, at=_FIRST)


# --- Open ---------------------------------------------------------------------------------------


def _open(of: Standard) -> Iterator[State]:
    yield asked(of)
    two = _by_two(of.request)
    first, _ = _two(of)
    yield State(name="one of two", task=of.task, request=_vote(of, two, first, _yes(of), _FIRST))
    if of.edits:
        yield State(name="edited", task=of.task, request=_edited(of, of.request))


def _edited(of: Standard, request: Request) -> Request:
    index, item = next(
        (n, each) for n, each in enumerate(request.question.items) if of.edits.keys() & each.arguments.keys()
    )
    changed = {**item.arguments, **of.edits}
    return lifecycle.revise(request, _two(of)[0], request.version, index, changed, _FIRST)


def _reminded(request: Request) -> Request:
    return timeouts.next_step(request, _due(request)).request


def _due(request: Request) -> datetime:
    """When the next step of its policy is due."""
    at = request.state.due_at if isinstance(request.state, Pending) else None
    assert at is not None  # noqa: S101 - the policies that ship remind and escalate
    return at


# --- Agreed -------------------------------------------------------------------------------------


def _agreed(of: Standard) -> Iterator[State]:
    waiting = _voted(of, of.request, _yes(of))
    told, done = _told(waiting, ""), _told(waiting, of.outcome)
    running = replace(of.task, state=Running())
    failed = lifecycle.failed(lifecycle.attempted(waiting), _FAILURE, _SECOND + _SOON)
    yield State(name="approved, waiting", task=running, request=waiting)
    yield State(name="approved, told", task=running, request=told)
    yield State(name="approved, done", task=_ended(of.task, of.outcome), request=done)
    yield State(
        name="approved, failed",
        task=replace(of.task, state=Failed(failure=_FAILURE, retryable=True)),
        request=failed,
    )
    yield State(name="approved, no outcome", task=_ended(of.task, ""), request=told)
    if of.edits:
        edited = _voted(of, _edited(of, of.request), _yes(of))
        yield State(
            name="approved with changes",
            task=_ended(of.task, of.outcome),
            request=_told(edited, of.outcome),
        )
    if len(of.request.question.items) > 1:
        mixed = tuple(Reject(reason=REASON) if n == 1 else Approve() for n in range(len(of.request.question.items)))
        yield State(
            name="one by one",
            task=_ended(of.task, of.outcome),
            request=_told(_voted(of, of.request, mixed), of.outcome),
        )


def _yes(of: Standard) -> tuple[ItemVerdict, ...]:
    """What agrees with each item, or answers it."""
    said = of.said

    def verdict(offered: tuple[Verdict, ...]) -> ItemVerdict:
        if Verdict.APPROVE in offered:
            return Approve()
        return Choose(choice=str(said)) if Verdict.CHOOSE in offered else Respond(value=said)

    return tuple(verdict(item.verdicts) for item in of.request.question.items)


# --- Refused ------------------------------------------------------------------------------------


def _refused(of: Standard) -> Iterator[State]:
    by = of.request.requester
    cancelled = lifecycle.cancel(of.request, by, _FIRST)
    if all(Verdict.REJECT in item.verdicts for item in of.request.question.items):
        no = tuple(Reject(reason=REASON) for _ in of.request.question.items)
        waiting = _voted(of, of.request, no)
        told = _told(waiting, of.refused, stopped=_stops(of))
        yield State(name="rejected, waiting", task=replace(of.task, state=Running()), request=waiting)
        yield State(
            name="stopped" if _stops(of) else "rejected",
            task=_ended(of.task, of.refused, stopped=_stops(of)),
            request=told,
        )
    yield State(
        name="cancelled",
        task=replace(of.task, state=TaskCancelled(by=by, at=_FIRST)),
        request=lifecycle.delivered(cancelled, _FIRST + _SOON),
    )
    yield State(
        name="superseded",
        task=replace(of.task, state=Running()),
        request=lifecycle.supersede(of.request, _SECOND),
    )


def _stops(of: Standard) -> bool:
    """Whether a rejection stops the task, because there is nobody to tell."""
    return of.request.question.shape == "breakpoint"


# --- Unanswered ---------------------------------------------------------------------------------


def _unanswered(of: Standard) -> Iterator[State]:
    at = of.request.deadline
    assert at is not None  # noqa: S101 - the policies that ship have a deadline
    expired = timeouts.expired(of.request, at)
    outcome = of.refused.partition("\n")[0]
    told = _told(expired, outcome, at + _SOON, stopped=_stops(of))
    ended = replace(of.task, state=Ended(outcome=outcome, at=at + _SOON, stopped=_stops(of)))
    yield State(name="expired", task=ended, request=told, at=at + _SOON)


# --- Of a program -------------------------------------------------------------------------------


def _of_program(of: Standard) -> Iterator[State]:
    """A program takes the decision when it wants to, and people may vote on a page of their company's."""
    caller = of.task.caller
    if caller is None:
        return
    one, other = _two(of)
    first = _vote(of, _by_two(of.request), one, _yes(of), _FIRST, through="portal")
    both = _vote(of, first, other, _yes(of), _SECOND)
    told = _told(both, "")
    ended = _ended(of.task, of.outcome)
    taken = replace(ended, caller=replace(caller, consumed=Consumed(at=_SECOND + 2 * _SOON, execution="4711")))
    yield State(name="one of two, elsewhere", task=of.task, request=first)
    yield State(name="approved elsewhere", task=ended, request=told)
    yield State(name="approved, taken", task=taken, request=told)


def _told(decided: Request, outcome: str, at: datetime = _SECOND + _SOON, *, stopped: bool = False) -> Request:
    """The request after the agent took the answer and, if it says something, ended."""
    said = "" if stopped else in_short(outcome)
    return lifecycle.delivered(lifecycle.attempted(decided), at, stopped=stopped, outcome=said)


# --- Votes --------------------------------------------------------------------------------------


def _two(of: Standard) -> tuple[Person, Person]:
    first, second, *_ = of.voters
    return first, second


def _by_two(request: Request) -> Request:
    """The request under its policy, with a quorum of two if it needs only one."""

    def stage(each: Stage) -> Stage:
        return replace(each, groups=tuple(replace(group, needed=max(group.needed, 2)) for group in each.groups))

    return replace(request, policy=replace(request.policy, stages=tuple(map(stage, request.policy.stages))))


def _voted(of: Standard, request: Request, verdicts: tuple[ItemVerdict, ...]) -> Request:
    """The request after as many people have said this as it needs."""
    for person, at in zip(_two(of), (_FIRST, _SECOND), strict=True):
        if not isinstance(request.state, Decided):
            request = _vote(of, request, person, verdicts, at)
    return request


def _vote(
    of: Standard, request: Request, by: Person, verdicts: tuple[ItemVerdict, ...], at: datetime, through: str = ""
) -> Request:
    vote = Vote(person=by, verdicts=verdicts, version=request.version, digest=request.digest, at=at, through=through)
    return voting.cast(request, vote, of.approvers)


def _ended(task: Task, outcome: str, *, stopped: bool = False) -> Task:
    return replace(task, state=Ended(outcome=outcome, at=_SECOND + 2 * _SOON, stopped=stopped))
