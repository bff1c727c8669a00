"""What every use case shares: a change that is tried again while others are faster, its event, and refusals on the
record."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from bot import crash_points
from bot.approvals.model.actor import Actor
from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.decision import Answered, ItemVerdict, outcome_of
from bot.approvals.model.errors import Conflict, CountersignError, MayNotVote, NotFound, Unreachable
from bot.approvals.model.ids import JSON, MessageRef, RequestId, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Request
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Work

MOST_RACES = 20
"""How often a change is tried again when somebody else was faster."""

T = TypeVar("T")


async def until_won(change: Callable[[], Awaitable[T]]) -> T:
    """Read and change again for as long as somebody else is faster."""
    for _ in range(MOST_RACES - 1):
        try:
            return await change()
        except Conflict:
            continue
    return await change()


async def redraw(storage: Storage, work: Work, ref: MessageRef) -> None:
    """Draw the message that stands there again, whatever it is thought to show.

    One that is claimed or put off is behind anyway and is left as it is: whoever is at it could not store what
    they showed, and their claim would keep everybody else from it.
    """

    async def once() -> Message | None:
        message = await storage.message_at(ref)
        if message is None or message.not_before is not None:
            return message
        return await storage.save_message(replace(message, shown=-1, fingerprint="", abandoned=""))

    message = await until_won(once)
    if message is not None:
        work.show(message.task_id)


def wake(work: Work, task_id: TaskId) -> None:
    """Have the task driven, and shown after that; or within a moment, where its graph takes longer."""
    work.show_soon(task_id)
    work.deliver(task_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Stores what a person did to a request, with the event that tells of it, and wakes what follows."""

    storage: Storage
    engine: Engine
    work: Work

    async def store(
        self,
        request: Request,
        actor: Actor,
        kind: str,
        data: Mapping[str, JSON],
        new: Sequence[Message] = (),
    ) -> Request:
        """The request as it was saved; `Conflict` where somebody was faster, `InvalidAnswer` where it was settled by
        what its graph would refuse."""
        self._validate(request)
        told = {"version": request.version, **settled(request), **data}
        event = event_of(request, kind, actor.at, person=actor.person, surface=actor.surface, data=told)
        saved = await self.storage.save_request(request, event, new)
        crash_points.point("vote-saved")
        if isinstance(saved.state, Decided):
            wake(self.work, request.task_id)
        else:
            self.work.show(request.task_id)
        return saved

    def _validate(self, request: Request) -> None:
        """Refuse to store an answer that the graph would refuse: some of them brick its thread for good. An expiry
        is stored all the same, so that no question can stop the clock; delivery checks it again and says so."""
        if isinstance(request.state, Decided) and isinstance(request.state.decision, Answered):
            self.engine.answer(request.question, request.proposed, request.state.decision)


def settled(request: Request) -> dict[str, JSON]:
    """What marks the one event of a request's history that settled it."""
    return {"outcome": str(outcome_of(request.decision))} if request.decision is not None else {}


def said(verdicts: Sequence[ItemVerdict]) -> dict[str, JSON]:
    """The verdicts of a vote, with the words that came with them."""
    words: list[JSON] = [{key: value for key, value in asdict(each).items() if value != ""} for each in verdicts]
    kinds: list[JSON] = [type(verdict).__name__.lower() for verdict in verdicts]
    return {"verdicts": kinds, "said": words} if any(words) else {"verdicts": kinds}


def difference(before: Request, after: Request, index: int) -> dict[str, JSON]:
    """What an edit of one item's arguments changed, with the digest that was asked for until then."""
    item = after.question.items[index]
    old, new = before.question.items[index].arguments, item.arguments
    kept = {key for key in old if key in new and _to_the_letter(old[key]) == _to_the_letter(new[key])}
    return {
        "item": index,
        "edited": item.name,
        "was": {key: value for key, value in old.items() if key not in kept},
        "is": {key: value for key, value in new.items() if key not in kept},
        "digest_before": before.digest,
    }


def _to_the_letter(value: JSON) -> str:
    """True, 1 and 1.0 are equal to Python, and are not the same argument."""
    return json.dumps(value, sort_keys=True)


# --- Refusals -----------------------------------------------------------------------------------

_NO_REFUSALS = (MayNotVote, NotFound, Conflict, Unreachable)
"""Recorded already, about nothing, or not about this person."""


@asynccontextmanager
async def of_request(storage: Storage, request_id: RequestId, actor: Actor, tried: str) -> AsyncIterator[None]:
    """Record why the block refuses the person, before it does."""
    try:
        yield
    except _NO_REFUSALS:
        raise
    except CountersignError as refusal:
        request = await storage.request(request_id)
        data = {**reason(refusal, actor), "tried": tried}
        await storage.record(
            event_of(request, "refused", actor.at, person=actor.person, surface=actor.surface, data=data)
        )
        raise


@asynccontextmanager
async def of_task(storage: Storage, task_id: TaskId, actor: Actor, tried: str) -> AsyncIterator[None]:
    """The same, of what is about a task and none of its requests."""
    try:
        yield
    except _NO_REFUSALS:
        raise
    except CountersignError as refusal:
        await storage.record(
            AuditEvent(
                kind="refused",
                at=actor.at,
                task_id=task_id,
                person=actor.person,
                surface=actor.surface or "",
                data={**reason(refusal, actor), "tried": tried},
            )
        )
        raise


def reason(refusal: CountersignError, actor: Actor) -> dict[str, JSON]:
    """Why, as it is kept: its kind, and what the person was told."""
    return {"why": type(refusal).__name__, "said": actor.words(refusal)}
