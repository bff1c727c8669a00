"""A stage's windows: when each of its steps comes, pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.approvals.model.hours import moment
from bot.approvals.model.policy import Escalate, Overdue, Remind, Step
from bot.approvals.model.request import Pending, Request


def enter_stage(request: Request, now: datetime) -> Request:
    """The request at the beginning of its stage: all windows are counted from now, nothing is put off, and nobody has
    been added yet."""
    entered = replace(
        request, open=replace(request.open, opened_at=now, escalated_to=(), escalated_held=(), extension=None)
    )
    return replace(entered, state=first_due(entered))


def first_due(request: Request) -> Pending:
    """The state of a request whose stage has just been opened."""
    return due_next(request, Pending(due_at=None))


def due_next(request: Request, state: Pending) -> Pending:
    """The state, with the time of what comes next."""
    found = next_moment(replace(request, state=state))
    return replace(state, due_at=found[0] if found is not None else None)


def next_moment(request: Request) -> tuple[datetime, Step] | None:
    """When the clock brings something next, and what; None where it brings nothing any more."""
    if not isinstance(request.state, Pending):
        return None
    coming = [
        (request.open.opened_at if number == request.state.hurried else request.comes(step), step)
        for number, step in enumerate(request.stage.steps)
        if number not in request.state.taken
    ]
    every = request.stage.remind_every
    if (reminder := next_reminder(request, request.state)) is not None and every is not None:
        coming.append((reminder, Step(after=every, action=Remind())))
    return min(coming, key=lambda each: each[0], default=None)


def next_escalation(request: Request, state: Pending) -> int | None:
    """The stage's next step that asks others, by its place; None where no other is to come."""
    return next(
        (
            number
            for number, step in enumerate(request.stage.steps)
            if number not in state.taken and isinstance(step.action, Escalate)
        ),
        None,
    )


def next_reminder(request: Request, state: Pending) -> datetime | None:
    """When the next regular reminder comes: they are counted from the last one, not from a grid."""
    every = request.stage.remind_every
    if every is None:
        return None
    return moment(state.reminded_at or request.open.opened_at, every, request.policy.hours, request.open.zones)


def is_overdue(request: Request) -> bool:
    """Whether it waits on although its deadline has passed."""
    steps = request.stage.steps
    return isinstance(request.state, Pending) and any(
        isinstance(steps[number].action, Overdue) for number in request.state.taken
    )
