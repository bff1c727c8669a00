"""The rules of an undo window: an agent has acted, and people may have that undone for a while. Pure functions.

A window is no approval. What it is about has happened, so silence leaves it as it is, one person is enough to undo it,
and the time counts from the action and not from the card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import Answered, Outcome, Reject, Undo, WindowClosed
from bot.approvals.model.ids import Person, Program
from bot.approvals.model.policy import CloseWindow, Group, Policy, Stage, Step
from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.undo_offer import UndoOffer


def under(policy: Policy, question: Question, requester: Person | Program) -> Policy:
    """The policy as it governs this question. For an undo window: who may undo, until the window closes. What the
    policy says about approving does not apply. Any other question is governed as the policy says."""
    window = question.window
    if window is None:
        return policy
    terms = policy.undo
    may = Group(approvers=terms.approvers, held=terms.held)
    if not terms.approvers and (isinstance(requester, Program) or not terms.requester):
        groups = [group for stage in policy.stages for group in stage.groups]
        may = Group(
            approvers=tuple(dict.fromkeys(ref for group in groups for ref in group.approvers)),
            held=tuple(dict.fromkeys(ref for group in groups for ref in group.held)),
        )
    return replace(
        policy,
        stages=(Stage(groups=(may,), steps=(Step(after=window.length, action=CloseWindow()),)),),
        self_approval=False,
        reasons=(),
        hours=None,
        confirm=False,
        auto=None,
        extend=None,
        max_rounds=None,
        hold=timedelta(),
        valid_for=None,
    )


def begun(request: Request, now: datetime) -> Request:
    """The request, with its window counted from the action. Any other request stays as it is.

    An agent goes by the clock of its machine. So it is how long ago it acted that counts, when it asked; a time that
    was later than that counts as no time at all. A program that asks through the API, and may wait until people are
    asked, is taken at its word.
    """
    window, asked = request.question.window, request.fingerprint
    if window is None:
        return request
    at = asked.at if asked is not None else now
    acted = min(window.at, at) if window.at is not None else at
    start = min(acted, now) if is_of_caller(request.task_id) else now - (at - acted)
    return replace(request, open=replace(request.open, opened_at=start))


def closed(request: Request, now: datetime) -> Request:
    """The request, settled if its window has closed and nobody has answered. Then what was done stays."""
    until = request.deadline
    if not request.is_window or not isinstance(request.state, Pending) or until is None or until > now:
        return request
    return replace(request, state=Decided(decision=WindowClosed(at=until), next_try=now), reopened=None)


# --- The approval that led to the action --------------------------------------------------------


def approval_of(requests: Sequence[Request]) -> Request | None:
    """The request whose approval led to what a task has done last: the one that was decided last, and of those of one
    moment the one that was opened last. None if none was, or if another one is still open beside it, as nobody can tell
    then which of them it was."""
    asked = [request for request in requests if not request.is_window]
    if any(isinstance(request.state, Pending) for request in asked):
        return None
    agreed = [request for request in reversed(asked) if _led_on(request)]
    last = max(agreed, key=_decided_at, default=None)
    return last if last is not None and last.undo is None else None


def lets_act(request: Request) -> bool:
    """Whether people, or the policy, gave an answer that lets the agent act: to one of its items at least, and not
    about what it has done already."""
    decision = request.decision
    if request.is_window or not isinstance(decision, Answered):
        return False
    return any(not isinstance(each, Reject) for each in decision.verdicts)


def can_undo(window: Request) -> bool:
    """Whether the agent offers to undo what it has done, and does not only say that it has done it."""
    return window.is_window and any(Verdict.UNDO in item.verdicts for item in window.question.items)


def offered(approval: Request, window: Request) -> Request:
    """The approval, with how what it led to can be undone, or with what became of that offer."""
    assert window.deadline is not None  # noqa: S101 - a window always closes
    offer = UndoOffer(
        request_id=window.id,
        version=window.version,
        digest=window.digest,
        until=window.deadline,
        outcome=became_of(window),
    )
    return replace(approval, undo=offer)


def withdrawn(approval: Request) -> Request:
    """The approval, if the agent asks something else where it had offered to undo what was done."""
    return replace(approval, undo=approval.undo and replace(approval.undo, outcome=Outcome.CLOSED))


def became_of(window: Request) -> Outcome | None:
    """What became of the offer: what people decided, if the agent was told or may have been, otherwise that it closed.
    None if it is still open, or if the agent was not told yet."""
    match window.state:
        case Delivered(decision=Answered() as decision):
            return decision.outcome
        case Superseded(decision=Answered() as decision, stopped=False, changed=False):
            return decision.outcome
        case Pending() | Decided():
            return None
        case _:
            return Outcome.CLOSED


def wants_undo(request: Request) -> bool:
    """Whether people decided to have undone what was done."""
    decision = request.decision
    return isinstance(decision, Answered) and any(isinstance(each, Undo) for each in decision.verdicts)


def _led_on(request: Request) -> bool:
    """Whether the agent got an answer that let it go on."""
    state = request.state
    taken = isinstance(state, Delivered) or (isinstance(state, Decided) and state.attempts > 0)
    return taken and lets_act(request)


def _decided_at(request: Request) -> datetime:
    assert request.decision is not None  # noqa: S101 - it led on
    return request.decision.at
