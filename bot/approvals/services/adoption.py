"""A thread that somebody else started on a LangGraph Server -> a task, so that people in Slack are asked.

What is found is only a hint: the engine reads the thread before anything is stored. The task's id is made of the server
and the thread, so whoever finds the thread, and however often, there is one task. Its requests follow from driving it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot import crash_points
from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict, NotFound, Unreachable
from bot.approvals.model.ids import JSON, ChannelId, Person, Program, ThreadId
from bot.approvals.model.server import OnServer, task_of_thread, thread_on
from bot.approvals.model.task import Ended, Running, Task, TaskCancelled
from bot.approvals.ports.engine import Engine
from bot.approvals.ports.slack import Directory, LookupFailed, LookupRefused
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.ports.work import Work
from bot.approvals.rules.matching import names_one
from bot.approvals.services.audit.snapshot import plain
from bot.approvals.services.messages import wanted
from bot.approvals.services.unit_of_work import until_won, wake

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A thread of a server, as a look at that server found it."""

    server: str
    thread_id: ThreadId
    graph: str
    updated_at: datetime
    """By the server's clock."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    parent: str = ""
    """What is known of the run that started this one. Empty if nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the questions of a server's threads are asked, and whose they are."""

    channel: str
    """`#name` or id."""
    requester: tuple[str, ...] = ()
    """Where a thread's metadata names the person who wants it: the keys, from the outside in. Empty if nowhere."""


class NowhereToAsk(Exception):
    """The channel of a server's threads is none in which the bot can ask. `str()` is a sentence that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Makes tasks of the threads that ask something."""

    storage: Storage
    engine: Engine
    directory: Directory
    work: Work

    async def adopt(self, found: Found, place: Place | None, now: datetime) -> bool:
        """Have people asked what the thread asks. Returns False if nobody can say yet whether it asks anything, because
        a run is under way: then it is to be looked at again.

        A thread without an open question makes no task, and neither does any thread without a place. A task that had
        ended is opened again if its thread asks something new. Raises `NowhereToAsk`, or `Unreachable` if storage, the
        server or Slack does not answer.
        """

        async def once() -> bool:
            try:
                records = await self.storage.records_of(task_of_thread(found.server, found.thread_id))
            except NotFound:
                return place is None or await self._begin(found, place, now)
            return await self._go_on(records, found, now)

        return await until_won(once)

    # --- Within ---------------------------------------------------------------------------------

    async def _begin(self, found: Found, place: Place, now: datetime) -> bool:
        task = Task(
            id=task_of_thread(found.server, found.thread_id),
            thread_id=found.thread_id,
            graph=found.graph,
            inputs={},
            requester=nobody(found.server),
            channel=ChannelId(""),
            created_at=now,
            server=OnServer(name=found.server, watched=True, parent=found.parent),
            state=Running(),
        )
        status = await self.engine.status(task)
        if not status.asked:
            return status.phase is not Phase.BUSY
        task = replace(
            task,
            channel=await self._channel(place.channel),
            requester=await self._requester(found, place.requester),
            trace=status.trace,
        )
        told: dict[str, JSON] = {
            "graph": task.graph,
            "server": found.server,
            "thread": task.thread_id,
            "parent": found.parent,
            "requester": plain(task.requester),
        }
        event = AuditEvent(kind="adopted", at=now, task_id=task.id, data=told)
        try:
            await self.storage.create_task(task, event, [wanted.opening_of(task)])
        except Conflict:  # the same server has another name too, under which the thread is a task already
            log.info("a thread on %s is the task of another server in the file", found.server)
            return True
        crash_points.point("thread-adopted")
        wake(self.work, task.id)
        return True

    async def _go_on(self, records: Records, found: Found, now: datetime) -> bool:
        """Have the known task driven, as its thread has changed. One that had ended is opened again first, if its
        thread asks what it did not ask before."""
        task = records.task
        if task.finished:
            status = await self.engine.status(task, records.requests)
            if not _asks_anew(records, status, found.updated_at):
                return status.phase is not Phase.BUSY
            event = AuditEvent(kind="task_reopened", at=now, task_id=task.id)
            await self.storage.save_task(replace(task, state=Running(), tries=0), event)
        wake(self.work, task.id)
        return True

    async def _channel(self, ref: str) -> ChannelId:
        try:
            channel = await self.directory.channel(ref)
            if channel is not None and await self.directory.is_in(channel):
                return channel
        except LookupRefused as refused:
            raise NowhereToAsk(f"The channel {ref} {refused}") from refused
        except LookupFailed as failed:
            raise Unreachable(f"Slack did not say which channel {ref} is") from failed
        raise NowhereToAsk(f"The channel {ref} is none that the bot is in, so nobody can be asked there.")

    async def _requester(self, found: Found, keys: tuple[str, ...]) -> Person | Program:
        """The person whom the thread's metadata names. If it names nobody whom Slack knows, the thread itself."""
        ref = _at(found.metadata, keys)
        if not isinstance(ref, str) or not names_one(ref):
            return nobody(found.server)
        try:
            people = await self.directory.resolve([ref])
        except LookupRefused as refused:
            log.warning("whom a thread on %s names cannot be looked up: %s", found.server, refused)
            return nobody(found.server)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say whom a thread names") from failed
        return next(iter(people)) if len(people) == 1 else nobody(found.server)


def nobody(server: str) -> Program:
    """The requester of a thread that names no person."""
    return thread_on(server)


def _asks_anew(records: Records, status: ThreadStatus, updated_at: datetime) -> bool:
    """Whether the thread of an ended task asks something that people were not asked. If the task was stopped or
    cancelled although its thread still asked something, only what the thread has done since then counts."""
    known = {request.interrupt_id for request in records.requests}
    if all(asked.interrupt_id in known for asked in status.asked):
        return False
    match records.task.state:
        case Ended(stopped=True, at=at) | TaskCancelled(at=at):
            return updated_at > at
        case _:
            return True


def _at(value: JSON | Mapping[str, JSON], keys: tuple[str, ...]) -> JSON | Mapping[str, JSON]:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
