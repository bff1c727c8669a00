"""What people can do to a task: start it, look at it, cancel it, retry it after a failure.

Nothing here calls Slack or runs a graph: the work that follows is woken, and the sweep finds it if the wake-up is lost.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot import crash_points
from bot.approvals.model.actor import Actor
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.errors import NothingToRetry, NotYours, TaskFinished, Unreachable
from bot.approvals.model.ids import JSON, ChannelId, MessageRef, Person, RequestId, TaskId, ThreadId, Ts
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.server import OnServer, own_name, task_of_thread
from bot.approvals.model.task import Failed, Starting, Task, TaskCancelled
from bot.approvals.ports.engine import Agents, Inputs
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.rules import lifecycle
from bot.approvals.rules.eligible import EligibleApprovers
from bot.approvals.services import verbs
from bot.approvals.services.messages import wanted
from bot.approvals.services.people.lookup import meant
from bot.approvals.services.unit_of_work import Changed, UnitOfWork, event_by, event_of_task, redraw, wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    unit: UnitOfWork
    directory: Directory

    async def start(
        self,
        actor: Actor,
        graph: str,
        words: Mapping[str, str],
        channel: ChannelId,
        *,
        thread_ts: Ts | None = None,
        origin: str = "",
    ) -> Task:
        """Record a task. Its message and its run follow.

        `origin` identifies what starts the task if Slack may report it more than once: one origin starts one task.
        Raises `UnknownGraph`, `GraphUnavailable`, `InvalidInputs` or `AgentsNotLoaded`.
        """
        inputs = await self.unit.agents.parse_inputs(graph, words)
        id = _digits(origin) if origin else secrets.token_hex(32)
        thread_id = ThreadId(str(uuid.UUID(hex=id[32:])))
        server = server_for(self.unit.agents, graph)
        task = Task(
            id=task_of_thread(server.name, thread_id) if server is not None else TaskId(id[:8]),
            thread_id=thread_id,
            server=server,
            graph=own_name(server, graph),
            inputs=inputs,
            requester=actor.person,
            channel=channel,
            created_at=actor.at,
            thread_ts=thread_ts,
        )
        told: dict[str, JSON] = {"graph": graph, "inputs": dict(inputs)}
        event = event_of_task(actor, task.id, "started", told)
        crash_points.point("start-received")
        with self.unit.telemetry.span("start", about=task.id) as trace:
            await self.unit.storage.create_task(replace(task, trace=trace), event, [wanted.opening_of(task)])
        crash_points.point("task-recorded")
        wake(self.unit.work, task.id)
        return task

    async def cancel(self, actor: Actor, task_id: TaskId) -> Task:
        """End a task: its open requests are settled as cancelled, and its graph is not resumed.

        A step that is running is stopped within seconds; what it has done stays. Raises `NotFound` if there is no such
        task, `NotYours` if the actor is not its requester, or `TaskFinished`.
        """

        async def refuse(task: Task) -> None:
            _refuse_cancelling(task, actor.person)

        async def settle(request: Request, _: EligibleApprovers) -> Changed | None:
            if not isinstance(request.state, Pending):
                return None
            return Changed(request=lifecycle.cancel(request, actor.person, actor.at))

        async def end(task: Task) -> Task:
            if task.finished:
                return task
            cancelled = replace(task, state=TaskCancelled(by=actor.person, at=actor.at))
            told_on_card = is_of_caller(task_id)
            outcome = [] if told_on_card else [wanted.outcome_of(task, actor.at)]
            return await self.unit.storage.save_task(cancelled, event_of_task(actor, task_id, "cancelled"), outcome)

        await self.unit.apply_to_task(actor, task_id, "cancel", refuse)
        for request in await self.unit.storage.requests_of(task_id):
            if isinstance(request.state, Pending):
                await self.unit.apply(actor, request.id, verbs.CANCEL, settle)
        task = await self.unit.apply_to_task(actor, task_id, "cancel", end)
        wake(self.unit.work, task_id)
        return task

    async def look(self, actor: Actor, task_id: TaskId) -> Task:
        """The task, for its requester and for those who may answer its requests.

        Raises `NotFound` if there is no such task, `NotYours` if the actor is somebody else (which is recorded), or
        `Unreachable` if Slack does not say who the actor is.
        """

        async def look(task: Task) -> Task:
            await self._refuse_strangers(actor.person, task)
            return task

        return await self.unit.apply_to_task(actor, task_id, "look", look)

    async def look_at(self, actor: Actor, request_id: RequestId) -> tuple[Task, Request]:
        """Like `look`, for the task of this request; returns the request too. A refusal is recorded on the request."""

        async def look(request: Request, _: EligibleApprovers) -> None:
            await self._refuse_strangers(actor.person, await self.unit.storage.task(request.task_id))

        request = await self.unit.apply(actor, request_id, verbs.LOOK, look)
        return await self.unit.storage.task(request.task_id), request

    async def redraw(self, ref: MessageRef) -> None:
        """Have the message at this place rendered again, even if it seems to be up to date."""
        await redraw(self.unit.storage, self.unit.work, ref)

    async def retry(self, actor: Actor, task_id: TaskId) -> Task:
        """Retry a failed task and its undelivered decisions now. Its requester can do this, and everybody whom it
        asked.

        Raises `NotFound` if there is no such task, `NotYours` if the actor is somebody else, or `NothingToRetry`.
        """

        async def retry(task: Task) -> Task:
            await self._refuse_strangers(actor.person, task)
            if not isinstance(task.state, Failed) or not task.state.retryable:
                raise NothingToRetry(task_id)
            for request in await self.unit.storage.requests_of(task_id):
                if isinstance(request.state, Decided):
                    told = event_by(actor, request, "retried")
                    await self.unit.storage.save_request(lifecycle.retried(request, actor.at), told)
            event = event_of_task(actor, task_id, "retried")
            return await self.unit.storage.save_task(replace(task, state=Starting(), tries=0), event)

        task = await self.unit.apply_to_task(actor, task_id, "retry", retry)
        wake(self.unit.work, task_id)
        return task

    # --- Within ---------------------------------------------------------------------------------

    async def _refuse_strangers(self, person: Person, task: Task) -> None:
        """Return if the person started the task or is one of those whom it asks.

        Raises `NotYours` if the person is somebody else, or `Unreachable` if Slack does not say who they are.
        """
        if task.requester == person:
            return
        requests = await self.unit.storage.requests_of(task.id)
        try:
            asked = await self._asks(person, requests)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who you are") from failed
        if not asked and not any(each.to == person for of in requests for each in of.delegations):
            raise NotYours(task.id, task.requester)

    async def _asks(self, person: Person, requests: Sequence[Request]) -> bool:
        """Whether any of these requests asks this person, in any stage. People whom only the question names are asked
        if they are ordinary members."""
        asked = {ref: None for request in requests for ref in _asked(request)}
        if person in await meant(self.directory, asked):
            return True
        told = {ref: None for request in requests for ref in _told(request)}
        return person in await meant(self.directory, told) and not (await self.directory.member(person)).ineligible


def started_by(origin: str) -> TaskId:
    """The id of the task that this origin starts, or has started."""
    return TaskId(_digits(origin)[:8])


def server_for(agents: Agents | Inputs, graph: str) -> OnServer | None:
    """The LangGraph Server that runs this agent. None if it runs here. Raises `AgentsNotLoaded`."""
    found = next((each.server for each in agents.graphs() if each.name == graph), "")
    return OnServer(name=found) if found else None


def _digits(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()


def _asked(request: Request) -> tuple[str, ...]:
    """Every name that the policy itself asks, in any stage."""
    groups = (group for stage in request.policy.stages for group in stage.groups)
    asked = (ref for group in groups for ref in group.approvers if ref not in group.held)
    return request.known(
        (*asked, *(ref for ref in request.open.escalated_to if ref not in request.open.escalated_held))
    )


def _told(request: Request) -> tuple[str, ...]:
    """Every name that comes from the question, in any stage."""
    groups = (group for stage in request.policy.stages for group in stage.groups)
    return request.known((*(ref for group in groups for ref in group.held), *request.open.escalated_held))


def _refuse_cancelling(task: Task, by: Person) -> None:
    if task.requester != by:
        raise NotYours(task.id, task.requester)
    if task.finished:
        raise TaskFinished(task.id)
