"""The use cases: what people and the clock can do. Each checks, stores, and leaves the rest to be driven.

Nothing here calls Slack or runs a graph: what has to follow is woken, and found again by `sweep` if it is lost.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot import crash
from bot.approvals import rules, surfaces
from bot.approvals.errors import (
    Conflict,
    MayNotVote,
    NothingToRetry,
    NotYours,
    TaskFinished,
    Unreachable,
)
from bot.approvals.model import (
    JSON,
    Answered,
    AuditEvent,
    ChannelId,
    Decided,
    Failed,
    ItemVerdict,
    MessageRef,
    Pending,
    Person,
    Request,
    RequestId,
    Starting,
    Surface,
    SurfaceId,
    SurfaceKind,
    Task,
    TaskCancelled,
    TaskId,
    ThreadId,
    Vote,
    outcome_of,
)
from bot.approvals.ports import Directory, Engine, LookupFailed, Member, Storage, Work

log = logging.getLogger(__name__)

SWEEP_LIMIT = 200
"""Records of each kind that one sweep takes on; the next one goes on from there."""
MOST_RACES = 20
"""How often a change is tried again when somebody else was faster."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    storage: Storage
    engine: Engine
    directory: Directory
    work: Work

    # --- Tasks ----------------------------------------------------------------------------------

    async def start(
        self, graph: str, words: Mapping[str, str], requester: Person, channel: ChannelId, now: datetime
    ) -> Task:
        """Record a task; its message and its run follow. `UnknownGraph`, `GraphUnavailable`, `InvalidInputs`."""
        inputs = self.engine.parse_inputs(graph, words)
        task = Task(
            id=TaskId(secrets.token_hex(4)),
            thread_id=ThreadId(str(uuid.uuid4())),
            graph=graph,
            inputs=inputs,
            requester=requester,
            channel=channel,
            created_at=now,
        )
        event = AuditEvent(kind="started", at=now, task_id=task.id, person=requester, data={"graph": graph})
        crash.point("start-received")
        await self.storage.create_task(task, event, [surfaces.opening_of(task)])
        crash.point("task-recorded")
        self._wake(task.id)
        return task

    async def cancel(self, task_id: TaskId, by: Person, now: datetime) -> Task:
        """End a task: its open requests are settled as cancelled, and its graph is not resumed.

        `NotFound`, `NotYours` or `TaskFinished`. A step that is running is stopped within seconds; what it has
        done stays.
        """

        task = await self.storage.task(task_id)
        if task.requester != by:
            raise NotYours(task_id, task.requester)
        if task.finished:
            raise TaskFinished(task_id)
        for request in await self.storage.requests_of(task_id):
            if isinstance(request.state, Pending):
                await self._cancel_request(request.id, by, now)

        async def end() -> Task:
            task = await self.storage.task(task_id)
            if task.finished:
                return task
            event = AuditEvent(kind="cancelled", at=now, task_id=task_id, person=by)
            outcome = surfaces.outcome_of(task, now)
            return await self.storage.save_task(replace(task, state=TaskCancelled(by=by, at=now)), event, [outcome])

        task = await _until_won(end)
        self._wake(task_id)
        return task

    async def look(self, task_id: TaskId, person: Person) -> Task:
        """The task, for its requester and for those who may answer its requests; `NotFound`, or `NotYours` for
        others. `Unreachable` where Slack does not say who they are."""
        task = await self.storage.task(task_id)
        if task.requester != person:
            names = [name for request in await self.storage.requests_of(task_id) for name in request.approvers]
            try:
                asked = await self.directory.resolve(tuple(dict.fromkeys(names)))
            except LookupFailed as failed:
                raise Unreachable("Slack did not say who you are") from failed
            if person not in asked:
                raise NotYours(task_id, task.requester)
        return task

    async def redraw(self, ref: MessageRef) -> None:
        """Draw the surface that stands there again, whatever it is thought to show.

        One that is claimed or put off is behind anyway and is left as it is: whoever is at it could not store what
        they showed, and their claim would keep everybody else from it.
        """

        async def once() -> Surface | None:
            surface = await self.storage.surface_at(ref)
            if surface is None or surface.not_before is not None:
                return surface
            return await self.storage.save_surface(replace(surface, shown=-1, fingerprint="", abandoned=""))

        surface = await _until_won(once)
        if surface is not None:
            self.work.show(surface.task_id)

    async def retry(self, task_id: TaskId, by: Person, now: datetime) -> Task:
        """Bring a stopped task, and its undelivered decisions, on again now: its requester may, and whom it asked.

        `NotFound`, `NotYours` or `NothingToRetry`.
        """
        await self.look(task_id, by)

        async def again() -> Task:
            task = await self.storage.task(task_id)
            if not isinstance(task.state, Failed) or not task.state.retryable:
                raise NothingToRetry(task_id)
            event = AuditEvent(kind="retried", at=now, task_id=task_id, person=by)
            for request in await self.storage.requests_of(task_id):
                if isinstance(request.state, Decided):
                    await self.storage.save_request(rules.retried(request, now), replace(event, request_id=request.id))
            return await self.storage.save_task(replace(task, state=Starting()), event)

        task = await _until_won(again)
        self._wake(task_id)
        return task

    # --- Answers --------------------------------------------------------------------------------

    async def check(self, request_id: RequestId, person: Person, version: int, now: datetime) -> Request:
        """The request, if this person could answer it now: what a click asks before a modal is opened.

        Raises what `vote` would raise; a refusal of the person is recorded.
        """
        request = await self._current(request_id, now)
        await self._admit(request, person, version, now)
        return request

    async def vote(
        self,
        request_id: RequestId,
        person: Person,
        version: int,
        verdicts: tuple[ItemVerdict, ...],
        now: datetime,
        surface: SurfaceId | None = None,
    ) -> Request:
        """Count one person's verdicts on the version that they were shown; the first to settle it wins.

        Raises `NotFound`, `AlreadySettled`, `StaleVersion`, `MayNotVote`, `VerdictNotOffered`, `ReasonMissing`,
        `InvalidAnswer`, or `Unreachable`; nothing is changed then.
        """

        async def once() -> Request:
            request = await self._current(request_id, now)
            await self._admit(request, person, version, now, counts=True)
            cast = rules.cast(
                request,
                Vote(
                    person=person,
                    verdicts=verdicts,
                    version=version,
                    digest=request.digest,
                    at=now,
                    surface=surface,
                ),
            )
            return await self._store(cast, person, "voted", now, {"verdicts": [_word(v) for v in verdicts]})

        return await _until_won(once)

    async def edit(
        self,
        request_id: RequestId,
        person: Person,
        version: int,
        index: int,
        arguments: Mapping[str, JSON],
        now: datetime,
    ) -> Request:
        """Replace one item's arguments; everybody's earlier votes are void, and the answer is still to be given.

        Raises what `vote` raises.
        """

        async def once() -> Request:
            request = await self._current(request_id, now)
            await self._admit(request, person, version, now, counts=True)
            revised = rules.revise(request, person, version, index, arguments, now)
            self.engine.check_edit(revised.question, index)
            data: dict[str, JSON] = {"item": index, "digest": revised.digest}
            return await self._store(revised, person, "edited", now, data, surfaces.files_of(revised, now))

        return await _until_won(once)

    # --- Time -----------------------------------------------------------------------------------

    async def sweep(self, now: datetime) -> None:
        """One pass over what is due: windows that have passed, decisions that have not reached their graph,
        tasks whose process died, messages that lag behind. Any number of processes may sweep at once."""
        for request in await self.storage.due(now, SWEEP_LIMIT):
            await self._step(request.id, now)
        for request in await self.storage.undelivered(now, SWEEP_LIMIT):
            self.work.deliver(request.task_id)
        for task in await self.storage.orphans(now, SWEEP_LIMIT):
            self.work.deliver(task.id)
        for surface in await self.storage.stale(now, SWEEP_LIMIT):
            self.work.show(surface.task_id)

    async def _step(self, request_id: RequestId, now: datetime) -> None:
        """Take the steps of one request whose time has come, once, whoever else sweeps."""

        async def once() -> Request | None:
            request = await self.storage.request(request_id)
            due = rules.next_step(request, now)
            if due.request is request:
                return None
            try:
                copies = await self._copies(due, now)
            except LookupFailed as failed:
                log.warning("request %s: its escalation waits for Slack's directory: %s", request_id, failed)
                return None
            reminders = [surfaces.reminder_of(request, now)] if due.remind else []
            event = AuditEvent(
                kind=_step_kind(due),
                at=now,
                task_id=request.task_id,
                request_id=request_id,
                data={**_settled(due.request), **({"to": list(due.escalate)} if due.escalate else {})},
            )
            return await self.storage.save_request(due.request, event, [*reminders, *copies])

        moved = await _until_won(once)
        if moved is not None:
            await self._look_after_card(moved)
            self._wake(moved.task_id)

    async def _look_after_card(self, request: Request) -> None:
        """Have the card drawn again although nothing on it may have changed: somebody may have deleted it, and the
        reminder points at it."""
        for surface in await self.storage.surfaces_of(request.task_id):
            if surface.kind is SurfaceKind.CARD and surface.request_id == request.id and surface.ref is not None:
                await self.redraw(surface.ref)

    async def _copies(self, due: rules.Due, now: datetime) -> list[Surface]:
        """A DM for everyone whom the escalation names and who may answer."""
        if not due.escalate:
            return []
        people = await self.directory.resolve(due.escalate, fresh=True)
        members = [await self.directory.member(person) for person in people if rules.may_answer(due.request, person)]
        chosen = sorted((each.person for each in members if not each.ineligible), key=lambda p: p.user_id)
        return [surfaces.copy_of(due.request, person, now) for person in chosen]

    # --- Within ---------------------------------------------------------------------------------

    async def _current(self, request_id: RequestId, now: datetime) -> Request:
        """The request; one whose deadline has passed is expired first, however far off the next sweep is."""
        request = await self.storage.request(request_id)
        if isinstance(request.state, Pending) and request.deadline is not None and request.deadline <= now:
            await self._step(request_id, now)
            return await self.storage.request(request_id)
        return request

    async def _admit(
        self, request: Request, person: Person, version: int, now: datetime, *, counts: bool = False
    ) -> Member:
        """Who asks, looked up, past what is remembered where it `counts`; a refusal is recorded before it is raised.
        A failed look-up refuses."""
        rules.still_open(request, version)
        try:
            member = await self.directory.member(person)
            approvers = await self.directory.resolve(request.approvers, fresh=counts)
            if person not in approvers and not counts:
                approvers = await self.directory.resolve(request.approvers, fresh=True)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who you are") from failed
        try:
            rules.may_vote(request, member, approvers)
        except MayNotVote as refusal:
            await self.storage.record(
                AuditEvent(
                    kind="refused",
                    at=now,
                    task_id=request.task_id,
                    request_id=request.id,
                    person=person,
                    data={"why": type(refusal).__name__},
                )
            )
            raise
        return member

    async def _store(
        self,
        request: Request,
        person: Person,
        kind: str,
        now: datetime,
        data: Mapping[str, JSON],
        new: Sequence[Surface] = (),
    ) -> Request:
        self._validate(request)
        event = AuditEvent(
            kind=kind,
            at=now,
            task_id=request.task_id,
            request_id=request.id,
            person=person,
            data={"version": request.version, "digest": request.digest, **_settled(request), **data},
        )
        saved = await self.storage.save_request(request, event, new)
        crash.point("vote-saved")
        if isinstance(saved.state, Decided):
            self._wake(request.task_id)
        else:
            self.work.show(request.task_id)
        return saved

    def _validate(self, request: Request) -> None:
        """Refuse to store an answer that the graph would refuse: some of them brick its thread for good. An expiry
        is stored all the same, so that no question can stop the clock; delivery checks it again and says so."""
        if isinstance(request.state, Decided) and isinstance(request.state.decision, Answered):
            self.engine.answer(request.question, request.proposed, request.state.decision)

    async def _cancel_request(self, request_id: RequestId, by: Person, now: datetime) -> None:
        async def once() -> None:
            request = await self.storage.request(request_id)
            if isinstance(request.state, Pending):
                await self._store(rules.cancel(request, by, now), by, "cancelled", now, {})

        await _until_won(once)

    def _wake(self, task_id: TaskId) -> None:
        """Have the task driven, and shown after that; or within a moment, where its graph takes longer."""
        self.work.show_soon(task_id)
        self.work.deliver(task_id)


async def _until_won(change: Callable[[], Awaitable[T]]) -> T:
    """Read and change again for as long as somebody else is faster."""
    for _ in range(MOST_RACES - 1):
        try:
            return await change()
        except Conflict:
            continue
    return await change()


def _step_kind(due: rules.Due) -> str:
    if isinstance(due.request.state, Decided):
        return "expired"
    return "escalated" if due.escalate else "reminded"


def _settled(request: Request) -> dict[str, JSON]:
    """What marks the one event of a request's history that settled it."""
    return {"outcome": str(outcome_of(request.decision))} if request.decision is not None else {}


def _word(verdict: ItemVerdict) -> str:
    return type(verdict).__name__.lower()
