"""The HTTP API beside a bare FastAPI app with the same settings of the server: what calls that wait cost, how long a
call that asks takes, and how long until its card is in Slack."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from benchmarks import stage
from benchmarks.processes import Tree
from simulator.client import Simulator

SECONDS_TO_SETTLE: Final = 2.0
"""Until the calls that were opened wait, and nothing is left to do for them."""
LOOK_AGAIN: Final = 0.01
AT_ONCE: Final = 16
FILES: Final = 16_384
"""Open files that each process may have: a call that waits is a socket at both ends."""
WAIT: Final = 60
ORDER: Final = re.compile(r"order\W+(\d{6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    waiting: int
    """Calls that wait, each for a request of its own."""
    seconds: float
    """For how long their CPU time is counted."""
    posts: int
    """Calls that ask, one after the other."""


@dataclass(slots=True, kw_only=True)
class Served:
    """An API that is served, as its callers see it."""

    url: str
    session: aiohttp.ClientSession
    tree: Tree
    channels: int = stage.ROOMS
    number: int = 0
    asked_at: dict[str, float] = field(default_factory=dict)
    """When each request was asked for, by the name of its order. Seconds since 1970."""

    @property
    def megabytes(self) -> float:
        """Its memory, without that of workers."""
        return sum(size for role, size in self.tree.megabytes.items() if role != "worker")

    async def ask(self) -> tuple[str, float]:
        """The id of a new request, and the milliseconds that the call took."""
        self.number += 1
        order = f"{self.number:06d}"
        question = {"action": "refund_order", "arguments": {"order": order}}
        body = {"question": question, "channel": f"#room-{self.number % self.channels}"}
        self.asked_at[order] = time.time()
        began = time.monotonic()
        headers = {"Idempotency-Key": f"order-{order}"}
        async with self.session.post(f"{self.url}/v1/requests", json=body, headers=headers) as response:
            said = await response.json()
        if response.status != 201:
            raise RuntimeError(f"a call that asks was refused: {said}")
        return str(said["id"]), 1000 * (time.monotonic() - began)

    async def wait(self, id: str) -> None:
        """Waits for the decision for ever, one call after the other."""
        while True:
            async with self.session.get(f"{self.url}/v1/requests/{id}", params={"wait": WAIT}) as response:
                response.raise_for_status()
                await response.read()


async def side_by_side(name: str, folder: Path, sizes: Sizes) -> dict[str, Any]:
    """The bot on that store, and the bare app, one after the other."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(FILES, hard)), hard))
    return {"bare": await _of_bare(folder, sizes), "bot": await _of_bot(name, folder, sizes)}


async def _of_bare(folder: Path, sizes: Sizes) -> dict[str, float]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.bare_api", str(port)),
        cwd=stage.ROOT,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    tree = Tree(process.pid)
    try:
        assert process.stdout is not None
        if not await process.stdout.readline():
            raise RuntimeError("the bare app did not start")
        async with _calling(port, tree, token="") as served:
            posts = [(await served.ask())[1] for _ in range(sizes.posts)]
            ids = [(await served.ask())[0] for _ in range(sizes.waiting)]
            return {**spread("post", posts), **await _waiting(served, ids, sizes)}
    finally:
        tree.kill()
        await process.wait()


async def _of_bot(name: str, folder: Path, sizes: Sizes) -> dict[str, float]:
    port = free_port()
    with stage.backend(name, folder / "bot") as backend:
        async with (
            stage.slack(backend.folder) as slack,
            stage.bot(backend, slack, HTTP_BIND=f"127.0.0.1:{port}") as bot,
            Simulator.connect(slack.url) as simulator,
            _calling(port, bot.tree, token=await _token(backend)) as served,
        ):
            posts, cards = [], Cards(simulator=simulator)
            for _ in range(sizes.posts):
                posts.append((await served.ask())[1])
                await cards.all_of(served.asked_at)
            took = [1000 * (cards.posted[order] - at) for order, at in served.asked_at.items()]
            ids = await _asked(served, sizes.waiting)
            await cards.all_of(served.asked_at)
            return {**spread("post", posts), **spread("card", took), **await _waiting(served, ids, sizes)}


async def _waiting(served: Served, ids: list[str], sizes: Sizes) -> dict[str, float]:
    """What calls cost that wait for these requests."""
    await asyncio.sleep(SECONDS_TO_SETTLE)
    before, cpu_before = served.megabytes, await cpu_percent_of(served.tree, sizes.seconds)
    calls = [asyncio.create_task(served.wait(id)) for id in ids]
    try:
        await asyncio.sleep(SECONDS_TO_SETTLE)
        cpu = await cpu_percent_of(served.tree, sizes.seconds)
        for call in calls:
            if call.done():
                call.result()
        return {
            "waiting": len(calls),
            "megabytes": served.megabytes,
            "megabytes_for_waiting": served.megabytes - before,
            "cpu_percent": cpu,
            "cpu_percent_before": cpu_before,
        }
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def cpu_percent_of(tree: Tree, seconds: float) -> float:
    """Of one processor, by all its processes, in the next seconds."""
    used, began = tree.cpu_seconds, time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (tree.cpu_seconds - used) / (time.monotonic() - began)


async def _asked(served: Served, count: int) -> list[str]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one() -> str:
        async with slots:
            return (await served.ask())[0]

    return list(await asyncio.gather(*(one() for _ in range(count))))


@dataclass(slots=True, kw_only=True)
class Cards:
    """The cards that the bot has posted, read from what Slack was sent."""

    simulator: Simulator
    name: re.Pattern[str] = ORDER
    """Finds the name of what is asked in the text of a card."""
    posted: dict[str, float] = field(default_factory=dict)
    """When, by that name. Seconds since 1970."""
    _read: int = 0

    async def all_of(self, orders: Collection[str]) -> None:
        """Returns once the card of each of these is there."""
        while not self.posted.keys() >= set(orders):
            await self._look()
            await asyncio.sleep(LOOK_AGAIN)

    async def _look(self) -> None:
        for entry in await self.simulator.traffic(after=self._read):
            if entry["direction"] == "call" and "status" not in entry:
                break  # not answered yet: it is read again
            self._read = entry["seq"]
            blocks = str(entry["arguments"].get("blocks", "")) if entry.get("method") == "chat.postMessage" else ""
            found = self.name.search(blocks) if "approve" in blocks else None
            if found:
                self.posted[found[1]] = float(entry["at"])


async def _token(backend: stage.Backend) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "tokens", "add", "bench", "--source", "bench", "--env-file", os.devnull),
        cwd=stage.ROOT,
        env={**stage.inherited(os.environ), **backend.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, complaint = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"no token could be made: {complaint.decode()}")
    return told.decode().strip()


@asynccontextmanager
async def _calling(port: int, tree: Tree, token: str) -> AsyncIterator[Served]:
    headers = {"Authorization": f"Bearer {token}"}
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=2 * WAIT)
    async with aiohttp.ClientSession(headers=headers, connector=connector, timeout=timeout) as session:
        yield Served(url=f"http://127.0.0.1:{port}", session=session, tree=tree)


def spread(what: str, milliseconds: list[float]) -> dict[str, float]:
    """Their median and 95th percentile."""
    ranked = sorted(milliseconds)
    return {f"{what}_p50_ms": statistics.median(ranked), f"{what}_p95_ms": ranked[int(0.95 * (len(ranked) - 1))]}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
