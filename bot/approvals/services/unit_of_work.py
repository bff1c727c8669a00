"""The one way to change records: it checks who acts, and stores the change together with its event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar, assert_never

from bot import crash_points
from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.decision import Answered
from bot.approvals.model.errors import Conflict, CountersignError, MayNotVote, NotFound, Unreachable
from bot.approvals.model.ids import JSON, MessageRef, RequestId, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Task
from bot.approvals.ports.engine import Agents
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Work
from bot.approvals.rules import eligible, side_actions
from bot.approvals.rules.eligible import EligibleApprovers
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.verbs import May, Verb

MAX_RACES = 20
"""How many times a change is tried if others are faster."""
_NO_REFUSALS = (MayNotVote, NotFound, Conflict, Unreachable)
"""Errors that are not recorded here: the refusal is recorded already, there is no record to act on, or the error is not
about this person."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The result of a change to a request."""

    request: Request
    data: Mapping[str, JSON] = field(default_factory=dict)
    """Added to the event, besides the version and the outcome."""
    messages: Sequence[Message] = ()
    """The messages that the change calls for."""


Change: TypeAlias = Callable[[Request, EligibleApprovers], Awaitable[Changed | None]]
"""Changes the request as it stands. Returns None if there is nothing to change. The eligible approvers are nobody if
the verb does not ask for them. It may be called several times if others are faster."""


class Expiry(Protocol):
    """Takes the steps of a request whose time has come."""

    async def step(self, request_id: RequestId, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOfWork:
    """Checks who acts, changes a request or a task, and stores the change with its event."""

    storage: Storage
    agents: Agents
    eligibility: Eligibility
    expiry: Expiry
    work: Work
    telemetry: Telemetry = SILENT

    async def apply(
        self,
        actor: Actor,
        request_id: RequestId,
        verb: Verb,
        change: Change | None = None,
        *,
        shown: Shown | None = None,
        reopen: Callable[[Request], Request] = lambda request: request,
    ) -> Request:
        """Read the request, expire it if that is due, check that the actor may do this, change it, and store it with
        its event. If somebody else is faster, start again. Returns the request as it is stored.

        Without a `change` it only checks. `shown` is what the actor was shown, or None if they act on the request as it
        stands. For a settled request, `reopen` makes the open request that is checked and changed.

        A refusal is recorded before it is raised: `MayNotVote` or `Unreachable` if the person may not do this,
        `AlreadySettled`, `StaleVersion`, or what the change raises. Raises `NotFound` if there is no such request.
        """

        async def once() -> Request:
            request = await self.storage.request(request_id)
            if verb.expires and _is_past(request, actor.at):
                await self.expiry.step(request_id, actor.at)
                request = await self.storage.request(request_id)
            with self.telemetry.span(verb.kind or "look", after=request.trace, about=request.task_id):
                subject = reopen(request)
                approvers = await self._authorized(actor, subject, verb, shown or Shown.of(subject))
                changed = await change(subject, approvers) if change is not None else None
                return request if changed is None else await self._stored(actor, verb, changed)

        try:
            return await until_won(once)
        except _NO_REFUSALS:
            raise
        except CountersignError as refusal:
            if verb.tried is not None:
                request = await self.storage.request(request_id)
                await self.note(actor, request, "refused", {**_why(actor, refusal), "tried": verb.tried})
            raise

    async def apply_to_task(
        self, actor: Actor, task_id: TaskId, tried: str, change: Callable[[Task], Awaitable[T]]
    ) -> T:
        """Change the task and return what the change returns. If somebody else is faster, start again. The change
        itself checks who may do it, and stores its result. A refusal is recorded before it is raised."""

        async def once() -> T:
            return await change(await self.storage.task(task_id))

        try:
            return await until_won(once)
        except _NO_REFUSALS:
            raise
        except CountersignError as refusal:
            await self.storage.record(
                event_of_task(actor, task_id, "refused", {**_why(actor, refusal), "tried": tried})
            )
            raise

    async def note(self, actor: Actor, request: Request, kind: str, data: Mapping[str, JSON]) -> None:
        """Record an action that changes nothing."""
        await self.storage.record(event_by(actor, request, kind, data))

    # --- Within ---------------------------------------------------------------------------------

    async def _authorized(self, actor: Actor, request: Request, verb: Verb, shown: Shown) -> EligibleApprovers:
        """The eligible approvers if the verb asks for them, otherwise nobody. Records a refusal of the person."""
        try:
            if actor.through:
                eligible.refuse_unless_via(request, actor.through)
            match verb.may:
                case May.VOTE:
                    return await self.eligibility.admit(request, actor.person, shown, fresh=verb.counts)
                case May.TAKE_PART:
                    return await self.eligibility.recognise(request, actor.person, fresh=verb.counts)
                case May.ASK:
                    side_actions.refuse_others(request, actor.person)
                case May.ANYBODY:
                    pass
                case _:
                    assert_never(verb.may)
        except (MayNotVote, Unreachable) as refusal:
            await self.note(actor, request, "refused", _why(actor, refusal))
            raise
        return EligibleApprovers(groups=())

    async def _stored(self, actor: Actor, verb: Verb, changed: Changed) -> Request:
        """The request as it was saved.

        Raises `Conflict` if somebody was faster, or `InvalidAnswer` if its graph would refuse the decision: some
        refused answers break the thread for good.
        """
        request = traced(changed.request, self.telemetry)
        data = {"version": request.version, **settled(request)}
        if isinstance(request.state, Decided) and isinstance(request.state.decision, Answered):
            self.agents.answer(request.question, request.proposed, request.state.decision)
        event = event_by(actor, request, verb.kind, {**data, **changed.data})
        saved = await self.storage.save_request(request, event, changed.messages)
        crash_points.point("vote-saved")
        if isinstance(saved.state, Decided):
            wake(self.work, request.task_id)
        else:
            self.work.show(request.task_id)
        return saved


# --- What every service shares ------------------------------------------------------------------


async def until_won(change: Callable[[], Awaitable[T]]) -> T:
    """Read and change again while somebody else is faster. Raises `Conflict` after `MAX_RACES` tries."""
    for _ in range(MAX_RACES - 1):
        try:
            return await change()
        except Conflict:
            continue
    return await change()


async def redraw(storage: Storage, work: Work, ref: MessageRef) -> None:
    """Have the message at this place rendered again, even if it seems to be up to date.

    A message that is claimed or put off is out of date anyway and stays as it is: otherwise the process that works on
    it could not store what it showed, and its claim would keep all others from the message.
    """

    async def once() -> Message | None:
        message = await storage.message_at(ref)
        if message is None or message.not_before is not None:
            return message
        return await storage.save_message(replace(message, shown=-1, fingerprint=None, abandoned=None))

    message = await until_won(once)
    if message is not None:
        work.show(message.task_id)


def wake(work: Work, task_id: TaskId) -> None:
    """Have the task driven and its messages updated after that; or within a moment, if its graph takes longer."""
    work.show_soon(task_id)
    work.deliver(task_id)


def traced(request: Request, telemetry: Telemetry) -> Request:
    """The request, with the leg of work that is open here if that has settled it: what follows belongs to it."""
    here = telemetry.here() if isinstance(request.state, Decided) else None
    return request if here is None else replace(request, trace=here)


def settled(request: Request) -> dict[str, JSON]:
    """The data that marks the one event that settled a request; empty if the request is not settled."""
    return {"outcome": str(request.decision.outcome)} if request.decision is not None else {}


def event_by(actor: Actor, request: Request, kind: str, data: Mapping[str, JSON] | None = None) -> AuditEvent:
    """An event about a request that somebody caused."""
    return event_of(
        request, kind, actor.at, person=actor.person, surface=actor.surface, through=actor.through, data=data
    )


def event_of_task(actor: Actor, task_id: TaskId, kind: str, data: Mapping[str, JSON] | None = None) -> AuditEvent:
    """An event of a task that somebody caused and that belongs to none of its requests."""
    return AuditEvent(
        kind=kind,
        at=actor.at,
        task_id=task_id,
        person=actor.person,
        surface=actor.surface or "",
        through=actor.through,
        data=data or {},
    )


def _is_past(request: Request, now: datetime) -> bool:
    """Whether the request is open although its deadline has passed, however far off the next sweep is."""
    return isinstance(request.state, Pending) and request.deadline is not None and request.deadline <= now


def _why(actor: Actor, refusal: CountersignError) -> dict[str, JSON]:
    """Why somebody was refused, for the record: the kind of refusal, and what they were told."""
    return {"why": type(refusal).__name__, "said": actor.words(refusal)}
