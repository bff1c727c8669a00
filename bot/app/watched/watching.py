"""What a gateway says to those that watch it: metrics, health and readiness.

Each answer is bounded in time: what storage or Slack does not say soon is answered without them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

from bot.app.watched.pulse import beating
from bot.approvals.model.census import Census
from bot.approvals.model.errors import CountersignError
from bot.approvals.ports.operators import CensusStore
from bot.approvals.ports.storage import AuditStore
from bot.approvals.ports.work import Clock
from bot.http.waiting import Waiters
from bot.runtime import health
from bot.runtime.health import MAX_MISSED_TICKS, MIN_VALID_SECONDS
from bot.runtime.hints import GATEWAY, WORKER
from bot.runtime.work_queue import WorkQueues
from bot.settings import RoleSettings
from bot.telemetry.exposition import Exposition
from bot.telemetry.metrics import Metrics
from bot.telemetry.standing import Standing
from bot.telemetry.stream import Stream

ANSWER_SECONDS: Final = 1.0
"""How long storage and Slack are waited for."""
CENSUS_SECONDS: Final = 60.0
"""How old the counts of storage may be before they are read again."""
CENSUS_VALID_SECONDS: Final = 300.0
"""How old they may be to be shown at all, if storage does not answer."""
START_SECONDS: Final = 300.0
"""How long a role may take to its first sweep: its graphs have to be imported."""

T = TypeVar("T")


class Records(AuditStore, CensusStore, Protocol):
    """What is asked of storage."""


@asynccontextmanager
async def watching(
    settings: RoleSettings,
    telemetry: Stream,
    *,
    storage: Records,
    clock: Clock,
    is_connected: Callable[[], Awaitable[bool]],
    waiters: Waiters,
    queues: WorkQueues,
    has_worker: bool,
) -> AsyncIterator[GatewayWatched]:
    """Watches a gateway while the block runs, and the worker that runs beside it, if it `has_worker`."""
    metrics = telemetry.sink(Metrics)
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="metrics")
    watched = GatewayWatched(
        exposition=Exposition(own=metrics.registry if metrics is not None else None),
        counting=Counting(census=storage.census, clock=clock),
        answers=Asked(storage.head),
        connected=Asked(is_connected),
        waiters=waiters,
        clock=clock,
        sweeps=Sweeps(
            state_dir=settings.state_dir,
            interval=settings.sweep_interval,
            roles=(GATEWAY, WORKER) if has_worker else (GATEWAY,),
        ),
        thread=thread,
    )
    try:
        async with beating(telemetry, lambda: queues.lanes):
            yield watched
    finally:
        thread.shutdown(wait=False)


@dataclass(slots=True)
class Asked(Generic[T]):
    """Asks a question that may take long, never twice at a time: whoever asks meanwhile waits for the same answer."""

    ask: Callable[[], Awaitable[T]]
    seconds: float = ANSWER_SECONDS
    _asking: asyncio.Task[T] | None = None

    async def answer(self) -> T | None:
        """The answer. None if there is none within `seconds`, or if it is an error."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self.ask())
            self._asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            async with asyncio.timeout(self.seconds):
                return await asyncio.shield(self._asking)
        except (TimeoutError, CountersignError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What storage has counted."""

    began: float
    """When it was asked, by the monotonic clock."""
    at: datetime
    census: Census


@dataclass(slots=True)
class Counting:
    """The counts of storage, read when somebody asks for them, and at most once a minute."""

    census: Callable[[datetime], Awaitable[Census]]
    clock: Clock
    every: float = CENSUS_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _asked: Asked[Census] = field(init=False)
    _newest: Counts | None = None

    def __post_init__(self) -> None:
        self._asked = Asked(self._read)

    async def newest(self) -> Counts | None:
        """The last counts. None if there are none that are recent enough."""
        if self._age() >= self.every:
            await self._asked.answer()
        return self._newest if self._age() < max(CENSUS_VALID_SECONDS, self.every) else None

    def is_due(self) -> bool:
        """Whether the last counts are older than they should be, because storage does not answer."""
        return self._age() >= self.every

    def _age(self) -> float:
        return inf if self._newest is None else self.monotonic() - self._newest.began

    async def _read(self) -> Census:
        began, at = self.monotonic(), self.clock()
        census = await self.census(at)
        self._newest = Counts(began=began, at=at, census=census)
        return census


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeps:
    """Whether the sweeps of these roles on this machine come to their end.

    A sweep that is cut short because storage or Slack does not answer has ended, too: to start the bot again would help
    nobody then.
    """

    state_dir: Path
    interval: float
    """Seconds between two sweeps."""
    roles: Collection[str]
    started: float = field(default_factory=time.time)
    now: Callable[[], float] = time.time

    def problems(self) -> list[str]:
        """A sentence for each role whose sweeps do not."""
        found = []
        for role in self.roles:
            last = health.last_sweep(self.state_dir, role)
            patience = START_SECONDS if last is None else max(MIN_VALID_SECONDS, MAX_MISSED_TICKS * self.interval)
            late = self.now() - (self.started if last is None else max(last, self.started))
            if late > patience:
                found.append(
                    f"No sweep of the {role} has ended for {late:.0f} s; one is due every {self.interval:g} s."
                )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayWatched:
    """A gateway, as those see it that watch it."""

    exposition: Exposition
    counting: Counting
    answers: Asked[object]
    """Asks storage for something small."""
    connected: Asked[bool]
    """Asks whether Slack is connected."""
    waiters: Waiters
    clock: Clock
    sweeps: Sweeps
    thread: ThreadPoolExecutor

    async def metrics(self) -> bytes | None:
        counts, connected = await asyncio.gather(self.counting.newest(), self.connected.answer())
        standing = Standing(
            sweep_interval=self.sweeps.interval,
            census=counts.census if counts else None,
            counted_at=counts.at if counts and not self.counting.is_due() else None,
            connected=bool(connected),
            waiting=len(self.waiters),
        )
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, self.exposition.page, standing.metrics(self.clock()))

    async def unwell(self) -> Sequence[str]:
        """That this is answered says that the event loop turns. A bot that drains sweeps no more."""
        return [] if self.waiters.draining else self.sweeps.problems()

    async def unready(self) -> Sequence[str]:
        if self.waiters.draining:
            return ["The bot is shutting down."]
        answer, connected = await asyncio.gather(self.answers.answer(), self.connected.answer())
        return [
            *([] if answer is not None else [f"Storage did not answer within {ANSWER_SECONDS:g} s."]),
            *([] if connected else ["Slack is not connected: what people do there does not arrive."]),
        ]
