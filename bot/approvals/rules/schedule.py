"""When each step of a stage is due. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.approvals.model.hours import moment
from bot.approvals.model.policy import Escalate, Overdue, Remind, Step
from bot.approvals.model.request import Pending, Request


def enter_stage(request: Request, now: datetime) -> Request:
    """The request at the beginning of its stage: all times are counted from now, the deadline is not extended, and
    nobody has been added yet. An undo window stays as it is (`windows.begun`)."""
    start = request.open.opened_at if request.is_window else now
    entered = replace(
        request, open=replace(request.open, opened_at=start, escalated_to=(), escalated_held=(), extension=None)
    )
    return replace(entered, state=first_due(entered))


def first_due(request: Request) -> Pending:
    """The pending state of a request whose stage has just been opened."""
    return due_next(request, Pending(due_at=None))


def due_next(request: Request, state: Pending) -> Pending:
    """The state, with the time of the next step or reminder."""
    found = next_moment(replace(request, state=state))
    return replace(state, due_at=found[0] if found is not None else None)


def next_moment(request: Request) -> tuple[datetime, Step] | None:
    """The next step or reminder, and when it is due. Returns None if no more are due."""
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
    """The index of the stage's next step that asks others. Returns None if no such step is left."""
    return next(
        (
            number
            for number, step in enumerate(request.stage.steps)
            if number not in state.taken and isinstance(step.action, Escalate)
        ),
        None,
    )


def next_reminder(request: Request, state: Pending) -> datetime | None:
    """When the next regular reminder is due, counted from the last one and not from fixed times of day. Returns None if
    the stage has no regular reminders."""
    every = request.stage.remind_every
    if every is None:
        return None
    return moment(state.reminded_at or request.open.opened_at, every, request.policy.hours, request.open.zones)


def is_overdue(request: Request) -> bool:
    """Whether the request still waits although its deadline has passed."""
    steps = request.stage.steps
    return isinstance(request.state, Pending) and any(
        isinstance(steps[number].action, Overdue) for number in request.state.taken
    )
