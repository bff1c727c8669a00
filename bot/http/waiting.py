"""Calls that wait for a request or a task to change, however many there are."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import TaskId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
"""How often storage is asked what changed, as long as anybody waits. Other replicas change records, too."""
MAX_AT_ONCE: Final = 1000
"""The tasks that one query asks for."""

Revisions: TypeAlias = Callable[[Collection[TaskId]], Awaitable[Mapping[TaskId, int]]]


Found = TypeVar("Found")


@dataclass(eq=False, slots=True)
class Watch:
    """One call that waits for a task to change."""

    seen: int | None = None
    """The revision that the call has read. None before it has read anything."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self._changed.set()

    async def change(self, seconds: float) -> bool:
        """Waits until the task may have changed. Returns False if that took longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        changed = self._changed.is_set()
        self._changed.clear()
        return changed


class Draining(Exception):
    """A shutdown began before that came which was waited for."""


class Waiters:
    """All calls that wait. What this process changes wakes them at once (`changed`); what others change is seen by one
    query for all of them, twice a second."""

    def __init__(self, revisions: Revisions, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._revisions = revisions
        self._look_seconds = look_seconds
        self._watches: defaultdict[TaskId, set[Watch]] = defaultdict(set)
        self._anybody = asyncio.Event()
        self._arriving: set[asyncio.Timeout] = set()
        self.draining = False

    def __len__(self) -> int:
        return sum(map(len, self._watches.values()))

    @property
    def awaits_callers(self) -> bool:
        """Whether some call has not arrived as a whole."""
        return bool(self._arriving)

    async def until(
        self,
        task_id: TaskId,
        read: Callable[[], Awaitable[Found]],
        over: Callable[[Found], bool],
        revision: Callable[[Found], int],
        seconds: float,
    ) -> Found:
        """What `read` returns once it is `over`, or what it returned last when the time is up or a shutdown begins."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self.watching(task_id) as watch:
            found = await read()
            while not over(found) and not self.draining and (left := end - loop.time()) > 0:
                watch.seen = revision(found)
                if not await watch.change(left):
                    break
                found = await read()
        return found

    async def arriving(self, coming: Awaitable[Found]) -> Found:
        """What comes from a caller. Raises `Draining` if a shutdown begins first, and if what comes is not there
        already once one has begun."""
        try:
            async with asyncio.timeout(0 if self.draining else None) as limit:
                self._arriving.add(limit)
                try:
                    return await coming
                finally:
                    self._arriving.discard(limit)
        except TimeoutError:
            raise Draining from None

    @contextmanager
    def watching(self, task_id: TaskId) -> Iterator[Watch]:
        """A watch over this task while the block runs."""
        watch = Watch()
        self._watches[task_id].add(watch)
        self._anybody.set()
        try:
            yield watch
        finally:
            self._watches[task_id].discard(watch)
            if not self._watches[task_id]:
                del self._watches[task_id]
            if not self._watches:
                self._anybody.clear()

    def changed(self, task_id: TaskId) -> None:
        """Something of this task has changed, or may have."""
        for watch in self._watches.get(task_id, ()):
            watch.wake()

    def drain(self) -> None:
        """Ends all waiting, now and from now on."""
        self.draining = True
        for task_id in list(self._watches):
            self.changed(task_id)
        now = asyncio.get_running_loop().time()
        while self._arriving:
            self._arriving.pop().reschedule(now)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Looks for what others change, while the block runs."""
        task = asyncio.create_task(self._look_again_and_again())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def look(self) -> None:
        """Asks storage once, and wakes the calls whose task has changed since they read it. Raises `Unreachable`."""
        watched = list(self._watches)
        for start in range(0, len(watched), MAX_AT_ONCE):
            ids = watched[start : start + MAX_AT_ONCE]
            revisions = await self._revisions(ids)
            for task_id in ids:
                for watch in self._watches.get(task_id, ()):
                    if watch.seen is not None and watch.seen != revisions.get(task_id):
                        watch.wake()

    async def _look_again_and_again(self) -> None:
        while True:
            await self._anybody.wait()
            await asyncio.sleep(self._look_seconds)
            try:
                await self.look()
            except Unreachable as away:
                log.warning("calls that wait could not be told of changes, and are told later: %s", away)


def revision_of(task: Task, requests: Sequence[Request]) -> int:
    """A number that grows with each change of the task and of its requests (`TaskStore.revisions`)."""
    return task.revision + sum(request.revision + 1 for request in requests)
