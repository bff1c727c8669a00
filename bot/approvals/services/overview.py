"""What an operator lists: everybody's tasks and requests, read page by page, so that a store may hold any number."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Among, Storage
from bot.approvals.rules.standing import Standing, is_given_up, standing

PAGE: Final = 200
"""Records that are read at once."""
MAX_TASKS: Final = 10_000
"""Tasks whose requests are looked through if nobody says how many. That takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A task in a list."""

    task: Task
    requests: tuple[Request, ...]
    """Its requests. Empty if it has ended: they are not read then."""
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRequests:
    """The requests of a list."""

    requests: list[Request]
    cut: bool = False
    """Whether older ones were not looked at, because that would take long."""


Wanted: TypeAlias = Callable[[Standing], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    storage: Storage

    async def tasks(
        self,
        limit: int,
        wanted: Wanted,
        *,
        among: Among = Among.ALL,
        since: datetime | None = None,
        graph: str | None = None,
    ) -> list[Line]:
        """The newest tasks that are wanted."""
        found: list[Line] = []
        async for task in self._newest(among, since, graph):
            line = await self._line(task)
            if wanted(line.standing):
                found.append(line)
            if len(found) == limit:
                break
        return found

    async def needing_person(
        self, limit: int, *, since: datetime | None = None, graph: str | None = None
    ) -> list[Line]:
        """The newest tasks that do not go on by themselves. Reads those that failed, and open requests; no others."""
        found = {
            line.task.id: line
            for line in await self.tasks(limit, _needs_person, among=Among.FAILED, since=since, graph=graph)
        }
        async for request in self._unsettled():
            if request.task_id in found or not (is_given_up(request) or request.gone is not None):
                continue
            try:
                line = await self._line(await self.storage.task(request.task_id))
            except NotFound:
                continue
            fits = graph in (None, line.task.graph) and (since is None or line.task.created_at >= since)
            if fits and line.standing.needs_person:
                found[line.task.id] = line
        return heapq.nlargest(limit, found.values(), key=lambda line: (line.task.created_at, line.task.id))

    async def requests(
        self,
        limit: int,
        wanted: Callable[[Request], bool],
        *,
        unsettled: bool = True,
        graph: str | None = None,
        tasks: int = MAX_TASKS,
    ) -> FoundRequests:
        """The last requests that are wanted: of those that are pending or not delivered, the last opened first; or, if
        not only `unsettled`, of the newest `tasks`, those of the newest task first."""
        found: list[Request] = []
        looked_at = 0
        async for requests in self._pages_of_unsettled() if unsettled else self._by_task(graph):
            if looked_at == tasks and not unsettled:
                return FoundRequests(requests=found, cut=True)
            looked_at += 1
            for request in requests:
                if graph in (None, request.graph) and wanted(request):
                    found.append(request)
                if len(found) == limit:
                    return FoundRequests(requests=found)
        return FoundRequests(requests=found)

    # --- Within -----------------------------------------------------------------------------------

    async def _newest(self, among: Among, since: datetime | None, graph: str | None) -> AsyncIterator[Task]:
        before: tuple[datetime, TaskId] | None = None
        while page := await self.storage.newest(PAGE, before=before, since=since, among=among, graph=graph):
            for task in page:
                yield task
            before = (page[-1].created_at, page[-1].id)

    async def _unsettled(self) -> AsyncIterator[Request]:
        async for page in self._pages_of_unsettled():
            for request in page:
                yield request

    async def _pages_of_unsettled(self) -> AsyncIterator[Sequence[Request]]:
        before: tuple[datetime, RequestId] | None = None
        while page := await self.storage.newest_unsettled(PAGE, before=before):
            yield page
            before = (page[-1].opened_at, page[-1].id)

    async def _by_task(self, graph: str | None) -> AsyncIterator[Sequence[Request]]:
        async for task in self._newest(Among.ALL, None, graph):
            yield tuple(reversed(await self.storage.requests_of(task.id)))

    async def _line(self, task: Task) -> Line:
        """A failed task's open requests say whether it is tried again, and those of others whether code is missing."""
        requests = () if task.finished else await self.storage.requests_of(task.id)
        return Line(task=task, requests=requests, standing=standing(task, requests))


def _needs_person(of: Standing) -> bool:
    return of.needs_person
