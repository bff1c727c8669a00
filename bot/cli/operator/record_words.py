"""What records say, in words for a terminal and as JSON: who somebody is, when something was, how a request stands.

All that somebody else wrote is made printable by `tables`, which every word passes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Keep,
    Outcome,
    Reject,
    Respond,
    Undo,
    WindowClosed,
)
from bot.approvals.model.ids import JSON, Operator, Person, Program
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.server import server_of_thread
from bot.approvals.model.task import Failure, Gone
from bot.approvals.rules import schedule
from bot.durations import spoken

_OUTCOMES: Final = {
    Outcome.APPROVE: "approved",
    Outcome.EDIT: "approved with changes",
    Outcome.REJECT: "rejected",
    Outcome.RESPOND: "answered",
    Outcome.CHOOSE: "answered",
    Outcome.MIXED: "answered one by one",
    Outcome.UNDO: "to be undone",
    Outcome.KEEP: "kept",
}


# --- Who and when -------------------------------------------------------------------------------


def who(one: Person | Program | Operator) -> str:
    match one:
        case Person(user_id=user_id):
            return user_id
        case Program(name=name):
            server = server_of_thread(one)
            return f"a thread on {server}" if server is not None else f"the program {name}"
        case Operator(login=login):
            return f"an operator ({login})"
        case _:
            assert_never(one)


def who_as_json(one: Person | Program | Operator) -> JSON:
    """Who it is: exactly one of `person`, `program` and `operator` is not null."""
    return {
        "person": one.user_id if isinstance(one, Person) else None,
        "team": one.team_id if isinstance(one, Person) else None,
        "program": one.name if isinstance(one, Program) else None,
        "operator": one.login if isinstance(one, Operator) else None,
    }


def people(several: Sequence[Person]) -> str:
    return listed([each.user_id for each in several])


def listed(words: Sequence[str]) -> str:
    return "".join(words) if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def moment_as_json(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def age(at: datetime, now: datetime) -> str:
    """How long ago it was, in its largest part: `3h`."""
    return _largest(max(now - at, timedelta()))


def away(at: datetime, now: datetime) -> str:
    """`in 20s`, or `now` if it is due."""
    return f"in {_largest(at - now)}" if at > now else "now"


def _largest(span: timedelta) -> str:
    return spoken(span).partition(" ")[0]


# --- What failed --------------------------------------------------------------------------------


def failed(failure: Failure) -> str:
    """`KeyError (error id 1a2b3c4d)`."""
    return f"{failure.summary} (error id {failure.error_id})"


def missing(gone: Gone) -> str:
    return f"its code has changed: the {gone.part} {gone.name} is missing".replace("  ", " ")


def failure_as_json(failure: Failure | None) -> JSON:
    if failure is None:
        return None
    return {
        "error_id": failure.error_id,
        "summary": failure.summary,
        "at": moment_as_json(failure.at),
        "missing": gone_as_json(failure.gone),
        "may_act_again": failure.unsaved,
    }


def gone_as_json(gone: Gone | None) -> JSON:
    return {"part": str(gone.part), "name": gone.name} if gone is not None else None


# --- What was decided ---------------------------------------------------------------------------


def decided(decision: Decision) -> str:
    """`approved by U1 and U2`."""
    match decision:
        case Answered(voters=(), ruled=ruled):
            return f"{_OUTCOMES[decision.outcome]} by its policy{f': {ruled}' if ruled else ''}"
        case Answered(voters=voters):
            return f"{_OUTCOMES[decision.outcome]} by {people(voters)}"
        case Expired():
            return "expired: nobody answered in time"
        case WindowClosed():
            return "left as it is: nobody undid it in time"
        case Cancelled(by=by, reason=reason):
            word = "withdrawn" if isinstance(by, Program) else "cancelled"
            return f"{word} by {who(by)}{f': {reason}' if reason else ''}"
        case _:
            assert_never(decision)


def verdict(given: ItemVerdict) -> str:
    match given:
        case Approve(reason=reason):
            return f"approved{f': {reason}' if reason else ''}"
        case Reject(reason=reason):
            return f"rejected{f': {reason}' if reason else ''}"
        case Respond(value=value):
            return f"answered: {written(value)}"
        case Choose(choice=choice):
            return f"chose: {choice}"
        case Undo():
            return "chose Undo"
        case Keep():
            return "chose Keep"
        case _:
            assert_never(given)


def written(value: JSON) -> str:
    """A value on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- How a request stands -------------------------------------------------------------------------


def is_overdue(request: Request, now: datetime) -> bool:
    """Whether people are still asked although the deadline has passed."""
    late = request.deadline is not None and request.deadline <= now
    return isinstance(request.state, Pending) and (late or schedule.is_overdue(request))


def state(request: Request) -> str:
    """One of `pending`, `undelivered`, `delivered`, `superseded` and `stopped`, which scripts rely on."""
    match request.state:
        case Pending():
            return "pending"
        case Decided():
            return "undelivered"
        case Delivered(stopped=stopped) | Superseded(stopped=stopped):
            return "stopped" if stopped else "delivered" if isinstance(request.state, Delivered) else "superseded"
        case _ as never:
            assert_never(never)


def asks(request: Request) -> str:
    """Whom the stage asks, as the policy names them."""
    return listed(request.approvers) or "nobody"


def stands(request: Request, now: datetime) -> str:
    """How it stands, in a sentence without its end."""
    match request.state:
        case Pending():
            return _pending(request, now)
        case Decided(decision=Cancelled() as decision) | Delivered(decision=Cancelled() as decision):
            return decided(decision)
        case Decided(decision=decision) as given:
            return f"{decided(decision)}; {undelivered(given, now)}"
        case Delivered(decision=decision, stopped=True):
            return f"{decided(decision)}; the task was stopped there, and the agent was not told"
        case Delivered(decision=decision, at=at):
            return f"{decided(decision)}; the agent took it {moment(at)}"
        case Superseded(decision=None, stopped=stopped):
            return "no longer needed: the task was stopped" if stopped else "no longer needed: the agent moved on"
        case Superseded(decision=decision, changed=True):
            assert decision is not None  # noqa: S101 - only a decision can be left unused
            return f"{decided(decision)}; not used, because the agent asks something else now"
        case Superseded(decision=decision, stale=True):
            assert decision is not None  # noqa: S101
            return f"{decided(decision)}; not used, because it could not be delivered in time"
        case Superseded(decision=decision):
            assert decision is not None  # noqa: S101 - the first case takes the others
            return f"{decided(decision)}; the task was stopped, and the agent may not have been told"
        case _ as never:
            assert_never(never)


def _pending(request: Request, now: datetime) -> str:
    until = request.deadline
    if request.is_window:
        return f"can be undone by {asks(request)}{f' until {moment(until)}' if until else ''}"
    asked = f"asks {asks(request)}"
    if until is None:
        return asked
    return f"{asked}, overdue since {moment(until)}" if is_overdue(request, now) else f"{asked}, by {moment(until)}"


def undelivered(given: Decided, now: datetime) -> str:
    """Why the agent does not have the decision yet."""
    tries = f"after {given.attempts} {'try' if given.attempts == 1 else 'tries'}"
    if given.next_try is None:
        return f"not delivered {tries}, and not tried again by itself" if given.attempts else "not delivered"
    if given.revocable and given.held_until is not None and given.held_until > now:
        return f"held until {moment(given.held_until)}, so that it can be taken back"
    if given.failure is not None:
        return f"not delivered {tries}; tried again {away(given.next_try, now)}"
    return "not delivered yet" if given.next_try > now - timedelta(minutes=1) else f"due since {moment(given.next_try)}"


def request_in_short_as_json(request: Request, now: datetime) -> dict[str, JSON]:
    """What lists say of a request."""
    given = request.state if isinstance(request.state, Decided) else None
    return {
        "id": request.id,
        "task": request.task_id,
        "graph": request.graph,
        "state": state(request),
        "overdue": is_overdue(request, now),
        "outcome": str(request.decision.outcome) if request.decision is not None else None,
        "approvers": [*request.approvers],
        "rule": request.policy.name,
        "opened_at": moment_as_json(request.opened_at),
        "deadline": moment_as_json(request.deadline),
        "attempts": given.attempts if given is not None else None,
        "next_try": moment_as_json(given.next_try) if given is not None else None,
        "given_up": given is not None and given.next_try is None,
        "failure": failure_as_json(given.failure) if given is not None else None,
        "missing": gone_as_json(request.gone),
    }
