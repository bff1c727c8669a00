"""What becomes of a decision: it is held, called off, too old, or no longer right; and what was done is undone.

As in `states`, everything is made by the domain's own rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.agent import Asked
from bot.approvals.model.decision import Answered, ItemVerdict, Keep, Outcome, Undo, Vote
from bot.approvals.model.ids import InterruptId, Person
from bot.approvals.model.question import Item
from bot.approvals.model.request import Decided, Request
from bot.approvals.model.task import Ended, Failed, Failure, Running, in_short
from bot.approvals.model.undo_offer import UndoOffer
from bot.approvals.rules import calling_off, lifecycle, voting, windows
from bot.cli.standard_cards.standard import NOW, Standard
from bot.cli.standard_cards.states import State

_HELD: Final = timedelta(seconds=30)
_VALID: Final = timedelta(hours=1)
_ACTED: Final = NOW + timedelta(minutes=2)
_SOON: Final = timedelta(seconds=3)
NOT_UNDONE: Final = "Not undone: 14 files could not be moved back from /srv/files/.trash/5b1e7c52."
_FAILURE: Final = Failure(error_id="e7f3a91c", summary="PermissionError", at=_ACTED + _SOON)


def of_approval(of: Standard, approved: Request) -> Iterator[State]:
    """What can become of this approval before and after the agent has it. `approved` is decided, and not delivered."""
    before = of.request
    decided = replace(approved, policy=replace(approved.policy, valid_for=_VALID))
    voter = _voters(decided)[0]
    at = decided.decision.at if decided.decision is not None else NOW
    running = replace(of.task, state=Running())
    held = voting.hold(decided, before, _HELD, at)
    yield State(name="held", task=running, request=held, at=at)
    waiting = voting.hold(decided, before, timedelta(), at)
    yield State(name="not delivered yet", task=running, request=waiting, at=at)
    taken_back = calling_off.take_back(held, voter, at + _SOON)
    yield State(name="taken back", task=of.task, request=taken_back, at=at + _SOON)
    stopped = calling_off.stop_delivery(held, of.voters[-1], at + _SOON)
    yield State(name="stopped while held", task=of.task, request=stopped, at=at + _SOON)
    later = at + 2 * _VALID
    yield State(name="too old", task=of.task, request=lifecycle.ask_after_stale(held, later), at=later)
    delivered = lifecycle.delivered(lifecycle.attempted(decided), at, outcome=in_short(of.outcome))
    yield State(name="changed since", task=of.task, request=_changed(delivered, at + _SOON), at=at + _SOON)
    offer = UndoOffer(request_id=before.id, version=1, digest="0" * 64, until=at + timedelta(minutes=10))
    for name, outcome in (("can be undone", None), ("undone later", Outcome.UNDO), ("stays", Outcome.CLOSED)):
        after = replace(delivered, undo=replace(offer, outcome=outcome))
        yield State(name=name, task=running, request=after, at=at + _SOON)


def of_window(of: Standard) -> Iterator[State]:
    """What can become of an undo window."""
    asked, at = of.request, _ACTED
    yield State(name="asked", task=of.task, request=asked)
    if windows.can_undo(asked):
        yield from _undone(of, at)
    kept = _answered(of, Keep(), at)
    ended = Ended(outcome=of.outcome, at=at + _SOON)
    yield State(name="kept", task=replace(of.task, state=ended), request=_delivered(kept, of.outcome, at), at=at)
    until = asked.deadline or at
    closed = windows.closed(asked, until)
    told = _delivered(closed, of.outcome, until)
    late = Ended(outcome=of.outcome, at=until + _SOON)
    yield State(name="closed", task=replace(of.task, state=late), request=told, at=until)
    cancelled = lifecycle.cancel(asked, asked.requester, at)
    yield State(name="cancelled", task=of.task, request=lifecycle.delivered(cancelled, at + _SOON), at=at)
    yield State(
        name="superseded", task=replace(of.task, state=Running()), request=lifecycle.supersede(asked, at), at=at
    )


def _undone(of: Standard, at: datetime) -> Iterator[State]:
    undo, running = _answered(of, Undo(), at), replace(of.task, state=Running())
    yield State(name="being undone", task=running, request=undo, at=at)
    yield State(name="undone, more follows", task=running, request=_delivered(undo, "", at), at=at)
    for name, outcome in (("undone", of.refused), ("not undone", NOT_UNDONE), ("undone, no report", "finished")):
        ended = replace(of.task, state=Ended(outcome=outcome, at=at + _SOON))
        yield State(name=name, task=ended, request=_delivered(undo, outcome, at), at=at)
    failed = lifecycle.failed(lifecycle.attempted(undo), _FAILURE, _FAILURE.at)
    stuck = replace(of.task, state=Failed(failure=_FAILURE, retryable=True))
    yield State(name="undo failed", task=stuck, request=failed, at=at)
    yield State(name="undo lost", task=running, request=lifecycle.supersede(undo, at), at=at)


def _answered(of: Standard, verdict: ItemVerdict, at: datetime) -> Request:
    """The window, decided by its requester, or by whoever may."""
    request = of.request
    by = request.asked_requester or of.voters[0]
    vote = Vote(person=by, verdicts=(verdict,), version=request.version, digest=request.digest, at=at)
    cast = voting.cast(request, vote, of.approvers)
    assert isinstance(cast.state, Decided)  # noqa: S101 - one person is enough
    return voting.hold(cast, request, timedelta(), at)


def _delivered(request: Request, outcome: str, at: datetime) -> Request:
    said = "" if outcome == "finished" else in_short(outcome)
    return lifecycle.delivered(lifecycle.attempted(request), at + _SOON, outcome=said)


def _changed(approved: Request, at: datetime) -> Request:
    """The approved request, asked again because its first plain value is another one by now."""

    def other(item: Item) -> Item:
        texts = (name for name, value in item.arguments.items() if isinstance(value, str | int) and value != "")
        changed = {**item.arguments, next(texts, "note"): "another"}
        return replace(item, arguments=changed)

    question = replace(approved.proposed, items=tuple(map(other, approved.proposed.items)))
    asked = Asked(interrupt_id=InterruptId("again"), question=question, fingerprint=approved.fingerprint)
    return lifecycle.look_again(approved, asked, approved.policy, at)


def _voters(request: Request) -> tuple[Person, ...]:
    assert isinstance(request.decision, Answered)  # noqa: S101 - people have approved it
    return request.decision.voters
