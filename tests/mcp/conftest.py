"""One gateway's API with `/mcp` for all tests. It runs in a thread, so that its tasks are its own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from bot.http.mcp.door import mounted
from tests.support.served import InThread, in_thread

Found = TypeVar("Found")


@dataclass(slots=True)
class Live:
    """The API, what people do, and what a program may read of its requests."""

    served: InThread
    seen: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return self.served.api.url

    async def run(self, work: Coroutine[Any, Any, Found]) -> Found:
        """What this returns beside the server."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.served.loop))

    async def token(self, *sources: str, **changes: Any) -> str:
        return await self.run(self.served.api.token(*sources, **changes))

    async def own(self) -> str:
        return await self.run(self.served.api.own())

    async def asked(self) -> dict[str, Any]:
        """The request that was made since this was last asked, once people see it."""
        while True:
            listed = await self.run(self.served.api.get("/v1/requests?limit=100"))
            new = [each for each in listed.json["data"] if each["id"] not in self.seen]
            if new:
                (request,) = new
                self.seen.add(request["id"])
                return await self.run(self.served.api.opened(request["id"]))
            await asyncio.sleep(0.01)

    async def read(self, id: str) -> dict[str, Any]:
        return dict((await self.run(self.served.api.get(f"/v1/requests/{id}"))).json)

    async def vote(self, id: str, *verdicts: Any) -> None:
        await self.run(self.served.api.vote(id, *verdicts))

    async def settled(self, id: str) -> dict[str, Any]:
        """The request, once it is settled."""
        return dict((await self.run(self.served.api.get(f"/v1/requests/{id}?wait=30"))).json)

    async def waiting(self, calls: int) -> None:
        """Returns once this many calls wait for a decision."""
        while len(self.served.api.waiters) != calls:  # noqa: ASYNC110 - nobody says so
            await asyncio.sleep(0.01)

    def key(self) -> str:
        """A key that no other test uses."""
        return f"key {next(self.numbers)}"


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    with in_thread(mounting=mounted) as served:
        yield Live(served)
