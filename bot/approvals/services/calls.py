"""What programs do through the HTTP API: ask people, start agents, cancel that, and take decisions.

Nothing here calls Slack's messages or runs an agent: the work that follows is woken, and the sweep finds it if the
wake-up is lost. Whoever calls has checked the token and its scope; sources and channels are checked here.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot import crash_points
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.call_errors import (
    AlreadyConsumed,
    ChannelMissing,
    ChannelNotAllowed,
    DecisionStale,
    KeyUsedOtherwise,
    NoSuchChannel,
    NoSuchRequester,
    NotSettled,
    NotYourSource,
    OfAgent,
    Ungoverned,
)
from bot.approvals.model.caller import (
    Caller,
    Consumed,
    digits_of,
    is_of_caller,
    task_id_of,
)
from bot.approvals.model.errors import AlreadySettled, NotFound, TaskFinished, Unreachable
from bot.approvals.model.ids import JSON, ChannelId, Person, Program, RequestId, TaskId, ThreadId
from bot.approvals.model.request import Pending
from bot.approvals.model.server import own_name, task_of_thread
from bot.approvals.model.task import Failed, Starting, Task, TaskCancelled
from bot.approvals.model.token import Token
from bot.approvals.ports.engine import Callers, Inputs
from bot.approvals.ports.slack import Directory, LookupFailed, LookupRefused
from bot.approvals.ports.storage import Change, Records, Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Work
from bot.approvals.rules import lifecycle
from bot.approvals.rules.calls import CallStatus
from bot.approvals.rules.matching import ConditionFailed, is_channel, names_one
from bot.approvals.services import cancelling
from bot.approvals.services.audit.snapshot import plain
from bot.approvals.services.call_reading import CallReading, CallView
from bot.approvals.services.messages import wanted
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.tasks import server_for
from bot.approvals.services.unit_of_work import until_won, wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a program says about itself when it asks people or starts an agent."""

    source: str
    key: str
    """Its idempotency key."""
    body: str
    """SHA-256, in hex, of all that it sent."""
    requester: str = ""
    """The Slack id or e-mail address of the person who wants it. Empty if it names nobody."""
    channel: str = ""
    """`#name` or id. Empty for the first channel of the token."""
    url: str = ""
    run: str = ""
    callback_url: str = ""
    metadata: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A task that a program has made."""

    task: Task
    new: bool
    """False if it was made by an earlier call with the same key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """`sources` are those that the token speaks for: nothing else is found."""

    storage: Storage
    reading: CallReading
    engine: Callers
    inputs: Inputs
    policy_choice: PolicyChoice
    directory: Directory
    work: Work
    telemetry: Telemetry = SILENT

    # --- To make ----------------------------------------------------------------------------------

    async def ask(self, token: Token, call: Call, question: JSON, response_schema: JSON, at: datetime) -> Made:
        """Put this question to people. The same key and body give the same task; if it could not be put to people, it
        is tried again.

        Raises `NotYourSource`, `KeyUsedOtherwise`, `NoSuchRequester`, `ChannelMissing`, `NoSuchChannel`,
        `ChannelNotAllowed` or `Ungoverned`, or `Unreachable` if storage does not answer, or if Slack does not say whom
        or what a name means. Nothing is stored then.
        """
        digits = digits_of("request", call.source, call.key)
        id = task_id_of(digits[:20])
        if (earlier := await self._earlier(id, token, call)) is not None:
            return Made(task=await self._asked_again(earlier, token, at), new=False)
        inputs = {"question": question} | ({} if response_schema is None else {"response_schema": response_schema})
        task = await self._task(id, digits, call.source, inputs, token, call, at)
        await self._refuse_ungoverned(task)
        return await self._made(task, call)

    async def has_asked(self, token: Token, call: Call) -> bool:
        """Whether this call has made a request before. Raises `NotYourSource` or `KeyUsedOtherwise`."""
        id = task_id_of(digits_of("request", call.source, call.key)[:20])
        return await self._earlier(id, token, call) is not None

    async def start(self, token: Token, call: Call, graph: str, inputs: Mapping[str, JSON], at: datetime) -> Made:
        """Start an agent. The same key and body give the same task.

        Raises what `ask` raises, except `Ungoverned`, and `UnknownGraph`, `GraphUnavailable`, `InvalidInputs` or
        `AgentsNotLoaded`.
        """
        digits = digits_of("task", call.source, call.key)
        server = server_for(self.inputs, graph)
        id = task_of_thread(server.name, _thread_of(digits)) if server is not None else TaskId(digits[:20])
        if (earlier := await self._earlier(id, token, call)) is not None:
            return Made(task=earlier, new=False)
        known = await self.inputs.check_inputs(graph, inputs)
        task = await self._task(id, digits, own_name(server, graph), known, token, call, at)
        return await self._made(replace(task, server=server), call)

    # --- To end -----------------------------------------------------------------------------------

    async def cancel(
        self, request_id: RequestId, sources: Collection[str], token: Token, at: datetime, reason: str = ""
    ) -> CallView:
        """Withdraw the request: nobody can answer it any more. Does nothing if it was cancelled before.

        Raises `NotFound`, `AlreadySettled` if it was settled otherwise, or `OfAgent`.
        """

        async def once() -> CallView:
            view = await self.reading.of(request_id, sources)
            if not is_of_caller(view.task.id):
                raise OfAgent(request_id, view.task.id)
            if view.status is CallStatus.CANCELLED:
                return view
            if view.task.finished or (view.request is not None and not isinstance(view.request.state, Pending)):
                raise AlreadySettled(request_id, view.request.decision if view.request is not None else None)
            await self.storage.save_all(_withdrawn(view.records, token, at, reason))
            return await self.reading.of(request_id, sources)

        view = await until_won(once)
        wake(self.work, view.task.id)
        return view

    async def cancel_task(
        self, task_id: TaskId, sources: Collection[str], token: Token, at: datetime, reason: str = ""
    ) -> Records:
        """End a task: its open requests are settled as cancelled, and its agent is not resumed. A step that is running
        is stopped within seconds; what it has done stays. Does nothing if it was cancelled before.

        Raises `NotFound`, or `TaskFinished` if it has ended otherwise.
        """

        async def once() -> Records:
            records = await self.reading.task(task_id, sources)
            if isinstance(records.task.state, TaskCancelled):
                return records
            if records.task.finished:
                raise TaskFinished(task_id)
            await self.storage.save_all(_withdrawn(records, token, at, reason))
            return await self.storage.records_of(task_id)

        records = await until_won(once)
        wake(self.work, task_id)
        return records

    async def consume(
        self, request_id: RequestId, sources: Collection[str], token: Token, execution: str, at: datetime
    ) -> CallView:
        """Hand the decision to the one execution that may act on it. The same execution gets it again.

        Raises `NotFound`, `NotSettled`, `AlreadyConsumed` if another execution has it, `DecisionStale` if it is no
        longer valid, or `OfAgent`.
        """

        async def once() -> CallView:
            view = await self.reading.of(request_id, sources)
            task, caller = view.task, view.task.caller
            if caller is None or not is_of_caller(task.id):
                raise OfAgent(request_id, task.id)
            if view.status is CallStatus.PENDING:
                raise NotSettled(request_id)
            if caller.consumed is not None:
                if caller.consumed.execution != execution:
                    raise AlreadyConsumed(request_id, caller.consumed.execution, caller.consumed.at)
                return view
            if (until := lifecycle.valid_until(view.request)) is not None and until <= at:
                raise DecisionStale(request_id, until)
            taken = replace(task, caller=replace(caller, consumed=Consumed(at=at, execution=execution)))
            event = AuditEvent(
                kind="consumed",
                at=at,
                task_id=task.id,
                request_id=request_id,
                digest=view.request.digest if view.request is not None else "",
                through=token.name,
                data={"execution": execution, "outcome": str(view.status)},
            )
            changes = [Change(record=taken, event=event)]
            if view.request is not None:  # its card says that the decision was taken
                changes = [Change(record=view.request, event=event), Change(record=taken, event=None)]
            await self.storage.save_all(changes)
            crash_points.point("consumed")
            self.work.show(task.id)
            return await self.reading.of(request_id, sources)

        return await until_won(once)

    # --- Within -----------------------------------------------------------------------------------

    async def _earlier(self, id: TaskId, token: Token, call: Call) -> Task | None:
        """The task that this call has made before. None if there is none."""
        if call.source not in token.sources:
            raise NotYourSource(call.source, token.sources)
        try:
            earlier = await self.storage.task(id)
        except NotFound:
            return None
        _refuse_another(earlier, call)
        return earlier

    async def _task(
        self,
        id: TaskId,
        digits: str,
        graph: str,
        inputs: Mapping[str, JSON],
        token: Token,
        call: Call,
        at: datetime,
    ) -> Task:
        channel = await self._channel(token, call.channel)
        requester = await self._person(call.requester) if call.requester else Program(name=call.source)
        caller = Caller(
            source=call.source,
            token=token.name,
            key=call.key,
            body=call.body,
            url=call.url,
            run=call.run,
            callback_url=call.callback_url,
            metadata=call.metadata,
        )
        return Task(
            id=id,
            thread_id=_thread_of(digits),
            graph=graph,
            inputs=inputs,
            requester=requester,
            channel=channel,
            created_at=at,
            caller=caller,
            trace=self.telemetry.here(),
        )

    async def _made(self, task: Task, call: Call) -> Made:
        """The task, stored. Of several calls with one key at the same time, one stores it."""
        event = AuditEvent(
            kind="started",
            at=task.created_at,
            task_id=task.id,
            through=task.caller.token if task.caller is not None else "",
            data={
                "graph": task.graph,
                "inputs": dict(task.inputs),
                "requester": plain(task.requester),
                "source": {"name": call.source, "url": call.url, "run": call.run},
            },
        )
        opening = wanted.opening_of(task)
        await self.storage.create_task(task, event, [opening])
        crash_points.point("call-recorded")
        records = await self.storage.records_of(task.id)
        _refuse_another(records.task, call)
        wake(self.work, task.id)
        return Made(task=records.task, new=any(each.id == opening.id for each in records.messages))

    async def _asked_again(self, task: Task, token: Token, at: datetime) -> Task:
        """The task. If it failed before anybody was asked, it starts anew: nobody in Slack can have it tried again."""
        if isinstance(task.state, Failed) and not await self.storage.requests_of(task.id):
            event = AuditEvent(kind="retried", at=at, task_id=task.id, through=token.name)
            task = await self.storage.save_task(replace(task, state=Starting(), tries=0), event)
        wake(self.work, task.id)
        return task

    async def _refuse_ungoverned(self, task: Task) -> None:
        """Refuse what no policy can be chosen for. If Slack does not say what a rule needs to know, that shows when
        people are asked."""
        try:
            await self.policy_choice.policy(task, self.engine.asked(task).question)
        except ConditionFailed as failed:
            raise Ungoverned(str(failed)) from failed
        except LookupFailed:
            pass

    async def _person(self, ref: str) -> Person:
        if not names_one(ref):
            raise NoSuchRequester(ref)
        try:
            found = await self.directory.resolve([ref])
        except LookupRefused as refused:
            raise NoSuchRequester(ref, str(refused)) from refused
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who the requester is") from failed
        if len(found) != 1:
            raise NoSuchRequester(ref)
        (person,) = found
        return person

    async def _channel(self, token: Token, ref: str) -> ChannelId:
        """The channel that the call names, or the token's first one, if the bot is in it. An id is taken as it is if
        Slack does not say whether the bot is, so that nothing is lost while Slack is away."""
        ref = ref or next(iter(token.channels), "")
        if not ref:
            raise ChannelMissing
        channel = await self._channel_of(ref)
        if token.channels and ref not in token.channels:
            allowed = [await self._channel_of(each) for each in token.channels]
            if channel not in allowed:
                raise ChannelNotAllowed(ref, token.channels)
        with suppress(LookupFailed):
            if not await self.directory.is_in(channel):
                raise NoSuchChannel(ref, "is no channel that the bot is in, so nobody could be asked there")
        return channel

    async def _channel_of(self, ref: str) -> ChannelId:
        if not is_channel(ref):
            raise NoSuchChannel(ref)
        try:
            found = await self.directory.channel(ref)
        except LookupRefused as refused:
            raise NoSuchChannel(ref, str(refused)) from refused
        except LookupFailed as failed:
            if ref.startswith("#"):
                raise Unreachable("Slack did not say which channel that is") from failed
            return ChannelId(ref)
        if found is None:
            raise NoSuchChannel(ref)
        return found


def _thread_of(digits: str) -> ThreadId:
    return ThreadId(str(uuid.UUID(hex=digits[32:])))


def _refuse_another(task: Task, call: Call) -> None:
    caller = task.caller
    if caller is None or (caller.source, caller.key, caller.body) != (call.source, call.key, call.body):
        raise KeyUsedOtherwise(call.key)


def _withdrawn(records: Records, token: Token, at: datetime, reason: str) -> Sequence[Change]:
    """The changes that end a task because its program says so."""
    caller = records.task.caller
    assert caller is not None  # noqa: S101 - only a program's own tasks are found for it
    told: dict[str, JSON] = {"reason": reason} if reason else {}
    return cancelling.changes(records, TaskCancelled(by=Program(name=caller.source), at=at), told, through=token.name)
