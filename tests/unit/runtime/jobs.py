"""Jobs that do as a test says, and a queue for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from bot.approvals.model.ids import TaskId
from bot.runtime.work_queue import JobQueue
from tests.support.fakes.clock import ManualClock

ONE, TWO = TaskId("one"), TaskId("two")

Round = Callable[[], Awaitable[datetime | None]]


@dataclass
class Job:
    """A job that does as its script says, round by round, and counts how many run at once."""

    script: list[Round] = field(default_factory=list)
    rounds: list[TaskId] = field(default_factory=list)
    running: list[TaskId] = field(default_factory=list)
    most: int = 0
    doubled: bool = False

    async def __call__(self, task_id: TaskId) -> datetime | None:
        self.doubled |= task_id in self.running
        self.running.append(task_id)
        self.most = max(self.most, len(self.running))
        self.rounds.append(task_id)
        try:
            return await self.script.pop(0)() if self.script else None
        finally:
            self.running.remove(task_id)


@dataclass
class Held:
    """A round that has begun and waits to be let go."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: bool = False

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def raises(error: Exception) -> Round:
    async def round() -> None:
        raise error

    return round


def asks_for(at: datetime) -> Round:
    async def round() -> datetime:
        return at

    return round


def a_queue(job: Job, clock: ManualClock | None = None) -> JobQueue[TaskId]:
    return JobQueue("delivery", job, clock or ManualClock())


async def at_rest(queue: JobQueue[TaskId]) -> None:
    """Until nothing of the queue runs."""
    while queue._running:
        await asyncio.wait(set(queue._running.values()))


@dataclass
class Timers:
    """The loop's timers, which ring when a test says so."""

    set: list[tuple[float, asyncio.TimerHandle]] = field(default_factory=list)

    @classmethod
    def of(cls, monkeypatch: pytest.MonkeyPatch) -> Timers:
        timers, loop = cls(), asyncio.get_running_loop()

        def call_later(delay: float, callback: Callable[..., object], *args: object) -> asyncio.TimerHandle:
            handle = asyncio.TimerHandle(loop.time() + delay, callback, args, loop)
            timers.set.append((delay, handle))
            return handle

        monkeypatch.setattr(loop, "call_later", call_later)
        return timers

    def ring(self) -> None:
        for _, handle in self.set:
            if not handle.cancelled():
                handle._run()
        self.set.clear()

    @property
    def waiting(self) -> list[float]:
        return [delay for delay, handle in self.set if not handle.cancelled()]
