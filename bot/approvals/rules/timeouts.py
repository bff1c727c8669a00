"""What happens to a request that nobody answers in time. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bot.approvals.model.decision import Approve, Choose, Expired, ItemVerdict
from bot.approvals.model.policy import Consent, Escalate, Expire, Overdue, Pick, Remind, Warn
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.rules import schedule, voting, windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A request after the steps that were due, and what these steps call for."""

    request: Request
    remind: bool = False
    escalate: tuple[Escalate, ...] = ()
    """Who is sent the card, and how."""


def next_step(request: Request, now: datetime) -> Due:
    """Take every step of the stage that is due.

    After a downtime several may be due at once. A deadline that settles the request makes the others pointless, and a
    reminder is dropped if a later step is due too. A request that is not pending stays as it is.
    """
    if not isinstance(request.state, Pending):
        return Due(request=request)
    state = request.state
    passed = {
        number: step
        for number, step in enumerate(request.stage.steps)
        if number not in state.taken and (number == state.hurried or request.comes(step) <= now)
    }
    regular = schedule.next_reminder(request, state)
    reminds = regular is not None and regular <= now
    if not passed and not reminds:
        return Due(request=request)
    if request.is_window:
        return Due(request=windows.closed(request, now))
    actions = [step.action for step in passed.values()]
    for action in actions:
        if isinstance(action, Expire | Consent | Pick):
            return Due(request=_at_deadline(request, action, now))
    escalate = tuple(action for action in actions if isinstance(action, Escalate))
    added = [ref for escalation in escalate if escalation.adds for ref in escalation.to]
    own = {ref for escalation in escalate if escalation.adds for ref in escalation.to if ref not in escalation.held}
    own |= {ref for ref in request.open.escalated_to if ref not in request.open.escalated_held}
    asked = tuple(dict.fromkeys((*request.open.escalated_to, *added)))
    moved = replace(
        request,
        open=replace(request.open, escalated_to=asked, escalated_held=tuple(ref for ref in asked if ref not in own)),
    )
    taken = Pending(due_at=None, taken=(*state.taken, *passed), reminded_at=now if reminds else state.reminded_at)
    return Due(
        request=replace(moved, state=schedule.due_next(moved, taken)),
        remind=isinstance(actions[-1], Remind | Warn | Overdue) if actions else reminds,
        escalate=escalate,
    )


def expired(request: Request, now: datetime) -> Request:
    """Settle the request as expired: nobody answered, and nothing else follows from that."""
    return replace(request, state=Decided(decision=Expired(at=now), next_try=now), reopened=None)


def _at_deadline(request: Request, action: Expire | Consent | Pick, now: datetime) -> Request:
    """The request after what the policy says about silence. It expires if somebody has ever objected, or if the
    question does not take the policy's answer."""
    objected = bool(voting.objectors(request))
    match action:
        case Consent() if not objected:
            said: ItemVerdict = Approve()
            ruled = "nobody answered in time, and the policy takes that for a yes"
        case Pick(choice=choice) if not objected:
            said = Choose(choice=choice)
            ruled = "nobody answered in time, and the policy chooses this then"
        case _:
            return expired(request, now)
    verdicts = tuple(said for _ in request.question.items)
    if not voting.takes(request, verdicts):
        return expired(request, now)
    return voting.hold(voting.agree(request, verdicts, (), now, ruled=ruled), request, request.policy.hold, now)
