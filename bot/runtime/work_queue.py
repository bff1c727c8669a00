"""The asyncio tasks that the process owns: one drive and one sync per task at a time, all drained at the end.

A wake-up that gets lost loses nothing: what is still to be done is in storage, and the next sweep finds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from bot.approvals.model.errors import Conflict, CountersignError
from bot.approvals.model.facts import JobPutOff, named
from bot.approvals.model.ids import Person, TaskId
from bot.approvals.model.server import server_of
from bot.approvals.ports.engine import Draining
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock

log = logging.getLogger(__name__)

Key = TypeVar("Key", TaskId, Person)

MAX_BUSY_JOBS = 4
"""Jobs of one queue that may use the processor at the same time. More would delay the acknowledgements of clicks."""
MAX_BUSY_SECONDS = 0.5
"""A job that takes longer waits for something, such as a model, and no longer counts as busy."""
MAX_CONCURRENT_JOBS = 64
"""Drives, or syncs, of different tasks at the same time."""
COALESCE_SECONDS = 0.25
"""How long a job that is woken "soon" waits, so that several changes need one run. Too short for people to notice."""
LAST_SECONDS = 1.5
"""A job that is due within this time is run before the queue closes. Edits of messages wait for about a second."""
CANCEL_RETRY_SECONDS = 0.2
"""Between two cancellations of a task: one can get lost on its way (`asyncio.wait_for` before Python 3.12)."""
SECONDS_FOR_SERVERS = 3.0
"""How long a shutdown waits for tasks on LangGraph Servers: what runs there goes on without the bot."""
MAX_CANCELS = 3
"""Then the task is left running until the process ends: a node may swallow every cancellation."""


@dataclass(slots=True)
class JobQueue(Generic[Key]):
    """Runs one kind of job, keyed by task or person. A key's job never runs twice at a time; one that is woken while it
    runs, runs once more.

    A job may return the time at which it wants to run again.
    """

    name: str
    job: Callable[[Key], Awaitable[datetime | None]]
    clock: Clock
    telemetry: Telemetry = SILENT
    _running: dict[Key, asyncio.Task[None]] = field(default_factory=dict)
    _again: set[Key] = field(default_factory=set)
    _soon: set[Key] = field(default_factory=set)
    _later: dict[Key, asyncio.TimerHandle] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_JOBS))
    _busy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_BUSY_JOBS))
    _closed: bool = False

    def wake(self, key: Key) -> None:
        """Run this key's job now, or once more after its present run."""
        if self._closed:
            return
        if (timer := self._later.pop(key, None)) is not None:
            timer.cancel()
        if key in self._running:
            self._again.add(key)
            return
        self._running[key] = asyncio.create_task(self._run(key), name=f"{self.name} {key}")

    @property
    def at_work(self) -> bool:
        """Whether a job runs, or is about to."""
        return bool(self._running)

    @property
    def depth(self) -> int:
        """How many jobs run or wait for their turn."""
        return len(self._running)

    def wake_soon(self, key: Key) -> None:
        """Run this key's job within `COALESCE_SECONDS`, once for all wake-ups until then."""
        if self._closed:
            return
        if key in self._running:
            self._soon.add(key)
            return
        if (timer := self._later.get(key)) is not None:
            if _is_due_in(timer, COALESCE_SECONDS):
                return
            timer.cancel()
        self._later[key] = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self.wake, key)

    async def _run(self, key: Key) -> None:
        try:
            async with self._slots, self._turn():
                await self._rounds(key)
        finally:
            del self._running[key]
            if key in self._soon:
                self._soon.remove(key)
                self.wake_soon(key)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait until fewer than `MAX_BUSY_JOBS` are busy. The block counts as busy until it ends, or for
        `MAX_BUSY_SECONDS`."""
        await self._busy.acquire()
        counts = True

        def give_back() -> None:
            nonlocal counts
            if counts:
                counts = False
                self._busy.release()

        timer = asyncio.get_running_loop().call_later(MAX_BUSY_SECONDS, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()

    async def _rounds(self, key: Key) -> None:
        while True:
            self._again.discard(key)
            self._soon.discard(key)
            try:
                again = await self.job(key)
            except Conflict:
                self._again.add(key)
                again = None
                await asyncio.sleep(0)  # let the others run first, above all the one that was faster
            except Draining:
                return
            except CountersignError as error:
                self.telemetry.tell(JobPutOff(queue=self.name, key=key, error=named(error)))
                again = None
            except Exception:
                log.exception("%s of %s failed; the next sweep tries again", self.name, key)
                again = None
            if key not in self._again:
                if again is not None:
                    self._wake_at(key, again)
                return

    def _wake_at(self, key: Key, at: datetime) -> None:
        if self._closed:
            return
        seconds = max((at - self.clock()).total_seconds(), 0.05)
        self._later[key] = asyncio.get_running_loop().call_later(seconds, self.wake, key)

    async def close(self, grace: float) -> None:
        """Accept no more wake-ups, run what is due within `LAST_SECONDS`, wait for what runs, and cancel what has not
        ended within `grace` seconds."""
        for key in [key for key, timer in self._later.items() if _is_due_in(timer, LAST_SECONDS)]:
            self.wake(key)
        self._again |= self._soon
        self._closed = True
        for timer in self._later.values():
            timer.cancel()
        running = set(self._running.values())
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=grace)
        if late:
            log.warning("%s: %d tasks did not end in time and are left to the next process", self.name, len(late))
        for _ in range(MAX_CANCELS):
            if not late:
                return
            for task in late:
                task.cancel()
            _, late = await asyncio.wait(late, timeout=CANCEL_RETRY_SECONDS)
        if late:
            log.warning("%s: %d tasks do not let themselves be cancelled", self.name, len(late))


def _is_due_in(timer: asyncio.TimerHandle, seconds: float) -> bool:
    return timer.when() <= asyncio.get_running_loop().time() + seconds


@dataclass(slots=True)
class InboxQueues:
    """The queues for people: whose Home a task may have changed, the Homes themselves, and summaries."""

    concerns: JobQueue[TaskId]
    homes: JobQueue[Person]
    summaries: JobQueue[Person]

    async def close(self, grace: float) -> None:
        for queue in (self.concerns, self.homes, self.summaries):
            await queue.close(grace)


@dataclass(slots=True)
class WorkQueues:
    """The queues of a role: for graphs, for Slack's messages, those for people, and a count of the listeners that are
    still at work. What has no queue here is left to the other role."""

    deliveries: JobQueue[TaskId] | None = None
    syncs: JobQueue[TaskId] | None = None
    inboxes: InboxQueues | None = None
    servers: Mapping[str, JobQueue[TaskId]] = field(default_factory=dict)
    """For tasks on LangGraph Servers, by the server's name: a server that is away holds up no other."""
    _busy: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, task_id: TaskId) -> None:
        queue = self.servers.get(server_of(task_id) or "", self.deliveries)
        if queue is not None:
            queue.wake(task_id)

    def show(self, task_id: TaskId) -> None:
        if self.syncs is not None:
            self.syncs.wake(task_id)
        self._concerns(task_id)

    def show_soon(self, task_id: TaskId) -> None:
        if self.syncs is not None:
            self.syncs.wake_soon(task_id)
        self._concerns(task_id)

    def home(self, person: Person) -> None:
        if self.inboxes is not None:
            self.inboxes.homes.wake(person)

    def summary(self, person: Person) -> None:
        if self.inboxes is not None:
            self.inboxes.summaries.wake(person)

    @property
    def lanes(self) -> Mapping[str, int]:
        """How many jobs each queue has that run or wait for their turn."""
        lanes: dict[str, JobQueue[TaskId] | JobQueue[Person] | None] = {
            "delivery": self.deliveries,
            "sync": self.syncs,
            **{f"delivery on {name}": queue for name, queue in self.servers.items()},
        }
        if self.inboxes is not None:
            lanes |= {"home": self.inboxes.homes, "summary": self.inboxes.summaries}
        return {lane: queue.depth for lane, queue in lanes.items() if queue is not None}

    def _concerns(self, task_id: TaskId) -> None:
        """Homes are updated soon after everything else."""
        if self.inboxes is not None:
            self.inboxes.concerns.wake_soon(task_id)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Counts a listener's work while the block runs: a shutdown waits for it."""
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def quiet(self, seconds: float) -> None:
        """Return when no listener is at work, or after this many seconds."""
        if self._busy:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._idle.wait()

    async def close(self, grace: float) -> None:
        """Wait for listeners, then graphs, then Slack's messages, within about `grace` seconds in all."""
        loop = asyncio.get_running_loop()
        end = loop.time() + grace
        await self.quiet(grace)
        if self._busy:
            log.warning("%d answers to Slack were still under way at the end", self._busy)
        left = max(end - loop.time(), 0)
        for_servers = [queue.close(min(left, SECONDS_FOR_SERVERS)) for queue in self.servers.values()]
        of_own = [self.deliveries.close(left)] if self.deliveries is not None else []
        await asyncio.gather(*of_own, *for_servers)
        if self.syncs is not None:
            await self.syncs.close(max(end - loop.time(), 1))
        if self.inboxes is not None:
            await self.inboxes.close(max(end - loop.time(), 0))
