"""Looks at what changes on a LangGraph Server, whoever changes it. Each server has its own looks, outside the sweep, so
that one that is away or slow delays nothing but its own tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from bot.approvals.model.agent import Graph
from bot.approvals.model.catalog import Agent
from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import ThreadId
from bot.approvals.model.server import server_of, task_of_thread
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock, Work
from bot.approvals.services.adoption import Adoption, Found, NowhereToAsk, Place
from bot.engines.server import agents, watching
from bot.engines.server.client import ServerClient
from bot.engines.server.watching import FoundThread
from bot.servers_file import ServerTerms, WatchTerms

log = logging.getLogger(__name__)

MAX_LOOK_SECONDS: Final = 60.0
"""How long one look may take. What it has not got to, the next one does."""
MIN_SECONDS_BETWEEN: Final = 1.0
"""Between the beginnings of two looks at one server, however often it says that something has changed."""
AGENTS_EVERY: Final = timedelta(minutes=1)
"""How often the forms of a server's assistants are read again."""
_AT_ONCE: Final = 8
"""Threads of one server that are read at the same time."""


@dataclass(slots=True, kw_only=True)
class Lookout:
    """What one server has: the threads that ask something, and the assistants that may be started."""

    client: ServerClient
    terms: ServerTerms
    adoption: Adoption
    storage: Storage
    work: Work
    clock: Clock
    agents: tuple[Agent, ...] = field(init=False)
    """The assistants that may be started, also those that cannot be at the moment."""
    _agents_at: datetime | None = field(default=None, init=False)
    _newest: datetime | None = field(default=None, init=False)
    """When the newest change that was seen happened, by the server's clock: nothing depends on how far it is off."""
    _went_through_all: bool = field(default=False, init=False)
    """Whether a look has had everything driven that waits for people."""
    _seen: dict[ThreadId, tuple[datetime, str]] = field(default_factory=dict, init=False)
    """How each thread stood that has been dealt with, as far back as looks go."""

    def __post_init__(self) -> None:
        why = f"the server {self.terms.name} was not asked yet what it needs. Try again in a moment."
        self.agents = tuple(
            Agent(graph=Graph(name=name, description="", inputs=(), unavailable=why, server=self.terms.name))
            for name in self.terms.start
        )

    async def look(self) -> None:
        """Have everything driven that has changed on the server since the last look. The first look goes through all
        threads that may ask something, and all tasks that wait for people.

        Raises `Unreachable` if the server, storage or Slack does not answer, and `NowhereToAsk`. The next look begins
        where this one could not go on.
        """
        now = self.clock()
        if self.terms.start and (self._agents_at is None or now - self._agents_at >= AGENTS_EVERY):
            self.agents = await agents.agents(self.client, self.terms.start)
            self._agents_at = None if self.client.away else now
        since, watch = self._newest or await self._latest(), self.terms.watch
        asking = await self._asking(watch) if watch is not None else ()
        moved = await watching.changed(self.client, since, statuses=(None,))
        if not self._went_through_all:
            await self._drive_all_that_wait()
            self._went_through_all = True
        await self._deal_with(asking, moved, now)
        times = [each.updated_at for each in (*asking, *moved)]
        self._newest = max([*times, *([] if since is None else [since])], default=None)
        if self._newest is not None:
            self._forget_before(self._newest - 2 * watching.OVERLAP)

    # --- Within ---------------------------------------------------------------------------------

    async def _latest(self) -> datetime | None:
        """When anything changed last, by the server's clock. None if it has no thread."""
        return next((datetime.fromisoformat(str(row["updated_at"])) for row in await self.client.threads()), None)

    async def _asking(self, watch: WatchTerms) -> tuple[FoundThread, ...]:
        """The watched threads that may ask something."""
        found = await watching.changed(self.client, self._newest, metadata=watch.metadata)
        return tuple(each for each in found if any(fnmatchcase(each.graph, pattern) for pattern in watch.graphs))

    async def _drive_all_that_wait(self) -> None:
        """Somebody may have answered them elsewhere while no bot was running."""
        for task_id in await self.storage.unsettled(elsewhere=True):
            if server_of(task_id) == self.terms.name:
                self.work.deliver(task_id)

    async def _deal_with(self, asking: Iterable[FoundThread], moved: Iterable[FoundThread], now: datetime) -> None:
        """Known tasks first: what is new may have to wait for its channel, and they do not."""
        threads = {each.id: each for each in (*moved, *asking) if self._seen.get(each.id) != _standing(each)}
        ids = {id: task_of_thread(self.terms.name, id) for id in threads}
        known = await self.storage.revisions(ids.values()) if ids else {}
        old = [each for each in threads.values() if ids[each.id] in known]
        new = [each for each in asking if each.id in threads and ids[each.id] not in known]
        await self._each(old, None, now)
        await self._each([each for each in new if each.task_id is None], self._place, now)

    async def _each(self, threads: Iterable[FoundThread], place: Place | None, now: datetime) -> None:
        """Raises what the first of them raised, once all that were begun are over."""
        waiting, raised = iter(threads), list[Exception]()

        async def one_after_another() -> None:
            for thread in waiting:
                if raised:
                    return
                try:
                    if await self.adoption.adopt(self._found(thread), place, now):
                        self._seen[thread.id] = _standing(thread)
                except (CountersignError, NowhereToAsk) as error:
                    raised.append(error)

        await asyncio.gather(*(one_after_another() for _ in range(_AT_ONCE)))
        if raised:
            raise raised[0]

    @property
    def _place(self) -> Place | None:
        watch = self.terms.watch
        return None if watch is None else Place(channel=watch.channel, requester=watch.requester)

    def _found(self, thread: FoundThread) -> Found:
        return Found(
            server=self.terms.name,
            thread_id=thread.id,
            graph=thread.graph,
            updated_at=thread.updated_at,
            metadata=thread.metadata,
            parent=thread.parent,
        )

    def _forget_before(self, then: datetime) -> None:
        self._seen = {id: stood for id, stood in self._seen.items() if stood[0] >= then}


@dataclass(slots=True, kw_only=True)
class Lane:
    """Runs the looks at one server: one at a time, each within a limit, and none of them waited for."""

    lookout: Lookout
    limit: float = MAX_LOOK_SECONDS
    pause: float = MIN_SECONDS_BETWEEN
    _running: asyncio.Task[None] | None = None
    _again: bool = False
    _began: float | None = None
    _told: str = ""
    """What kept the last look from its end, as it was logged."""

    def look(self) -> None:
        """Begin a look unless one is under way."""
        if self._running is None or self._running.done():
            name = f"looks at {self.lookout.terms.name}"
            self._running = asyncio.create_task(self._run(), name=name)

    def look_again(self) -> None:
        """Begin a look, or another one once the present one is over."""
        self._again = True
        self.look()

    def is_away(self) -> bool:
        """Whether the server did not answer when it was last called."""
        return self.lookout.client.away

    async def close(self) -> None:
        """End the look that is under way, and begin none any more."""
        running, self._again = self._running, False
        if running is not None:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self._began is not None:
                await asyncio.sleep(max(self._began + self.pause - loop.time(), 0))
            self._again, self._began = False, loop.time()
            await self._one()
            if not self._again:
                return

    async def _one(self) -> None:
        name = self.lookout.terms.name
        try:
            async with asyncio.timeout(self.limit):
                await self.lookout.look()
        except TimeoutError:
            self._say(f"a look at the LangGraph Server {name} took over {self.limit:g} seconds; the next one goes on")
        except (CountersignError, NowhereToAsk) as error:
            if not self.is_away():  # the client says so itself
                self._say(f"what waits on the LangGraph Server {name} is not asked yet: {error}")
        except Exception:
            log.exception("a look at the LangGraph Server %s failed; the next one tries again", name)
        else:
            if self._told:
                log.info("what waits on the LangGraph Server %s is asked again", name)
            self._told = ""

    def _say(self, words: str) -> None:
        """Log it once for as long as it is so."""
        if words != self._told:
            self._told = words
            log.warning("%s", words)


def _standing(thread: FoundThread) -> tuple[datetime, str]:
    return thread.updated_at, thread.status
