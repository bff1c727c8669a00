"""Holding a thread's lease while its agent runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from bot.approvals.model.errors import NotFound, Unreachable
from bot.approvals.model.facts import LeaseLost
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.task import Lease, TaskCancelled
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock

log = logging.getLogger(__name__)


class Heart(Protocol):
    """Renews all leases of this process together (`LeaseStore.beat`), from outside the event loop."""

    @property
    def beats(self) -> bool:
        """Whether the last beat is so recent that no lease that it extended can have run out."""
        ...

    @property
    def lapses(self) -> int:
        """How often a beat came so late that leases may have run out before it."""
        ...


class Unsure:
    """No heart: whoever wants to know whether a lease is held asks storage."""

    beats = False
    lapses = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """The leases that this process takes."""

    storage: Storage
    clock: Clock
    ttl: timedelta
    owner: str = ""
    """The name of this process. Empty if nothing renews its leases all the time; then a long run renews its own."""
    heart: Heart = field(default_factory=Unsure)
    telemetry: Telemetry = SILENT
    _held: dict[ThreadId, tuple[int, int]] = field(default_factory=dict, init=False)
    """Token, and the heart's lapses when the lease was taken."""
    _doubtful: set[ThreadId] = field(default_factory=set, init=False)
    """Threads whose lease this process may have, although nothing runs under it: storage did not answer when it was
    taken or given back. The heart would renew it for ever."""
    _settling: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def take(self, thread_id: ThreadId) -> Lease | None:
        """The lease of this thread. Returns None if somebody else holds it, or may hold it: this process renews the
        leases of siblings that are blocked, and has not done so for too long."""
        if self.owner and not self.heart.beats:
            return None
        if thread_id in self._doubtful:
            await self.settle()
        lapses = self.heart.lapses
        with self._doubted(thread_id):
            lease = await self.storage.lease(thread_id, self.ttl, self.clock(), self.owner)
        if lease is not None:
            self._held[thread_id] = (lease.token, lapses)
        return lease

    async def settle(self) -> None:
        """Give back what this process may still have although nothing runs under it. Raises `Unreachable`; then it is
        to be called again."""
        async with self._settling:
            for thread_id in sorted(self._doubtful):
                await self.storage.drop(thread_id, self.owner)
                self._doubtful.discard(thread_id)

    @contextmanager
    def _doubted(self, thread_id: ThreadId) -> Iterator[None]:
        """Notes that the lease of this thread is doubtful if the block is left by an exception."""
        try:
            yield
        except BaseException:
            if self.owner:
                self._doubtful.add(thread_id)
            raise

    @property
    def any_held(self) -> bool:
        """Whether a run of this process still has a lease."""
        return bool(self._held)

    async def holds(self, thread_id: ThreadId, token: int) -> bool:
        """Whether this token still holds its thread, which is asked before each write of a run.

        While the heart beats, no lease that it keeps can be somebody else's, so storage need not be asked. A lease that
        ran out while storage was down, and that nobody took, is renewed first.
        """
        if self.heart.beats and self._held.get(thread_id) == (token, self.heart.lapses):
            return True
        lease = Lease(thread_id=thread_id, token=token, until=self.clock())
        if await self.storage.holds(lease, self.clock()):
            return True
        return self.storage.renew(lease, self.ttl, self.clock()) is not None

    @asynccontextmanager
    async def held(self, lease: Lease, task_id: TaskId) -> AsyncIterator[None]:
        """Gives the lease back when the block ends. Cancels the block if the lease is lost or the task was cancelled,
        here or elsewhere, which is looked at after each third of the lease's length.

        While storage does not answer, the block goes on: nobody else can take the lease there either, and the next step
        does not run before the present one is saved.
        """
        owner = asyncio.current_task()
        assert owner is not None  # noqa: S101 - a coroutine runs in a task
        watch = _Watch(look=lambda: self._is_over(lease, task_id), every=self.ttl.total_seconds() / 3, owner=owner)
        watch.start()
        try:
            yield
        except asyncio.CancelledError:
            if not watch.stopped or owner.uncancel() > 0:
                raise
        finally:
            try:
                await watch.end()
            finally:
                self._held.pop(lease.thread_id, None)
                with self._doubted(lease.thread_id):
                    await self.storage.release(lease)

    async def _is_over(self, lease: Lease, task_id: TaskId) -> bool:
        """Whether the run under this lease has to stop."""
        try:
            async with asyncio.timeout(self.ttl.total_seconds() / 3):
                if not self.owner:
                    renewed = await asyncio.to_thread(self.storage.renew, lease, self.ttl, self.clock())
                    held = renewed is not None
                else:
                    held = await self.holds(lease.thread_id, lease.token)
                if not held:
                    self.telemetry.tell(LeaseLost(task_id=task_id, thread_id=lease.thread_id))
                    return True
                return isinstance((await self.storage.task(task_id)).state, TaskCancelled)
        except NotFound:
            return True
        except (TimeoutError, Unreachable) as away:
            log.warning(
                "thread %s: its lease could not be looked at, and is looked at again: %s", lease.thread_id, away
            )
            return False


@dataclass(slots=True, kw_only=True)
class _Watch:
    """Looks now and then whether a block has to stop. Costs one timer if the block is short."""

    look: Callable[[], Awaitable[bool]]
    every: float
    owner: asyncio.Task[Any]
    stopped: bool = False
    _over: bool = False
    _timer: asyncio.TimerHandle = field(init=False)
    _looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.every, self._begin)

    def _begin(self) -> None:
        self._looking = asyncio.create_task(self._run(), name="a look at a run")

    async def _run(self) -> None:
        try:
            while not self._over and not await self.look():  # noqa: ASYNC110 - storage is asked, nothing tells
                await asyncio.sleep(self.every)
        finally:  # also if a look fails: nothing runs unwatched
            if not self._over:
                self.stopped = True
                self.owner.cancel()

    async def end(self) -> None:
        """Looks no more. A cancellation can get lost on its way (`asyncio.wait_for` before Python 3.12, which redis-py
        sends commands with), so the looks also stop because `_over` is set."""
        self._over = True
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
            if not self._looking.cancelled():
                self._looking.result()
