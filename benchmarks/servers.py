"""Agents on a LangGraph Server: what a bot that watches many waiting threads costs, how long until the question of a
thread is in Slack, and what a decision costs beside the same graph in the bot's own worker.

The server is `langgraph dev` as it comes, on the same machine. It looks for new runs twice a second, so it sets the
pace of decisions; the bot's CPU time does not depend on that.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks import stage
from benchmarks.api import Cards, cpu_percent_of, free_port, spread
from benchmarks.crowd import Crowd, crowd
from benchmarks.decisions import Numbers
from benchmarks.processes import Tree
from bot.engines.server.client import ServerClient, connect
from simulator.client import Simulator
from tests.support.langgraph_server import LangGraphServer

HERE: Final = "approval"
ELSEWHERE: Final = "elsewhere"
"""The same graph, on the server."""
SERVER: Final = "bench"
KEY: Final = "of-the-benchmarks-alone"
CHANNEL: Final = "#room-0"
THEIRS: Final = re.compile(r"Go on with (f\d{6})")
"""The name that a thread of somebody else's has in its question."""
JOBS: Final = 10
"""Runs that the server executes at the same time."""
AT_ONCE: Final = 16
APART: Final = 0.37
"""Seconds between the runs whose cards are waited for, so that they meet the looks at any moment."""
WINDOW: Final = 125.0
"""Seconds after which a look does not go back to what was changed before, once something else changes."""
SETTLING: Final = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    watched: int
    """Threads of somebody else's that wait."""
    cards: int
    """Threads whose cards are waited for, once found by a look and once by a hint."""
    decisions: int
    at_once: int
    rounds: int
    seconds: float
    """For how long CPU time is counted."""


@dataclass(slots=True, kw_only=True)
class Others:
    """Whoever else starts threads on the server, such as a web app."""

    client: ServerClient
    asked_at: dict[str, float] = field(default_factory=dict)
    """When each thread began to wait, by its name. Seconds since 1970, by the clock of this machine."""

    async def ask(self, webhook: str | None = None) -> None:
        """Have a thread ask something, and return once it waits."""
        name = f"f{len(self.asked_at):06d}"
        self.asked_at[name] = 0.0
        sdk = self.client.sdk
        thread_id = (await sdk.threads.create(graph_id=ELSEWHERE))["thread_id"]
        run = await sdk.runs.create(thread_id, ELSEWHERE, input={"name": name}, webhook=webhook)
        await self.client.streams.runs.join(thread_id, run["run_id"])
        while (thread := await self.client.thread(thread_id))["status"] != "interrupted":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        self.asked_at[name] = datetime.fromisoformat(str(thread["updated_at"])).timestamp()

    async def ask_often(self, count: int) -> None:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with slots:
                await self.ask()

        await asyncio.gather(*(one() for _ in range(count)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One bot that watches the server, and all who use either."""

    bot: Tree
    server: Tree
    people: Crowd
    others: Others
    cards: Cards
    hook: str
    """The address at which the bot takes hints."""


async def measured(name: str, folder: Path, sizes: Sizes) -> dict[str, Any]:
    """One bot on that store, through all of it."""
    async with _stage(name, folder) as it:
        await asyncio.sleep(SETTLING)
        found: dict[str, Any] = {"idle": await _idle(it, sizes.seconds)}
        found |= await _side_by_side(it, sizes)
        found["cards"] = {
            **spread("look", await _to_cards(it, sizes.cards, hint=False)),
            **spread("hint", await _to_cards(it, sizes.cards, hint=True)),
        }
        return {**found, **await _watching(it, sizes)}


@asynccontextmanager
async def _stage(name: str, folder: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        backend = stack.enter_context(stage.backend(name, folder))
        server = LangGraphServer(folder=backend.folder / "server", agents=_agents(backend.folder / "agents"))
        stack.callback(server.kill)
        await asyncio.to_thread(server.start)
        slack = await stack.enter_async_context(stage.slack(backend.folder))
        port = free_port()
        bot = await stack.enter_async_context(
            stage.bot(
                backend,
                slack,
                HTTP_BIND=f"127.0.0.1:{port}",
                SERVERS_FILE=str(_servers_file(backend.folder, server.url)),
                BENCH_HOOK_KEY=KEY,
            )
        )
        client = connect("others", server.url, None)
        stack.push_async_callback(client.close)
        yield Stage(
            bot=bot.tree,
            server=Tree(server.pid),
            people=await stack.enter_async_context(crowd(slack.url)),
            others=Others(client=client),
            cards=Cards(simulator=await stack.enter_async_context(Simulator.connect(slack.url)), name=THEIRS),
            hook=f"http://127.0.0.1:{port}/v1/servers/{SERVER}/changed?key={KEY}",
        )


def _agents(folder: Path) -> Path:
    """The graph that the bot runs itself, for a server that may call this machine."""
    folder.mkdir()
    shutil.copy(stage.GRAPH, folder)
    webhooks = {"url": {"require_https": False, "disable_loopback": False}}
    graphs = {ELSEWHERE: f"./{stage.GRAPHS[HERE]}"}
    (folder / "langgraph.json").write_text(json.dumps({"dependencies": ["."], "graphs": graphs, "webhooks": webhooks}))
    return folder


def _servers_file(folder: Path, url: str) -> Path:
    watch = {"channel": CHANNEL}
    server = {"name": SERVER, "url": url, "start": [ELSEWHERE], "watch": watch, "webhook_key": "${BENCH_HOOK_KEY}"}
    file = folder / "servers.yaml"
    file.write_text(json.dumps({"servers": [server]}))
    return file


# --- Decisions ----------------------------------------------------------------------------------


async def _side_by_side(it: Stage, sizes: Sizes) -> dict[str, Numbers]:
    """Decisions from the command to the outcome, here and on the server, in rounds that take turns. The medians."""
    rounds: dict[str, list[Numbers]] = {HERE: [], ELSEWHERE: []}
    async with it.people.watching():
        for graph in rounds:
            await it.people.several(sizes.at_once, sizes.at_once, graph=graph)  # warm
        for _ in range(sizes.rounds):
            for graph, measured in rounds.items():
                measured.append(await _decided(it, graph, sizes))
    return {graph: _medians(measured) for graph, measured in rounds.items()}


async def _decided(it: Stage, graph: str, sizes: Sizes) -> Numbers:
    count = max(sizes.decisions // sizes.rounds, 1)
    bot, server = it.bot.cpu_seconds, it.server.cpu_seconds
    _, seconds = await it.people.several(count, sizes.at_once, graph=graph)
    return {
        "per_second": count / seconds,
        "cpu_ms_each": 1000 * (it.bot.cpu_seconds - bot) / count,
        "server_cpu_ms_each": 1000 * (it.server.cpu_seconds - server) / count,
    }


def _medians(rounds: list[Numbers]) -> Numbers:
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


# --- From a question to its card ----------------------------------------------------------------


async def _to_cards(it: Stage, count: int, *, hint: bool) -> list[float]:
    """Milliseconds from the moment at which each of so many threads began to wait until its card was in Slack."""
    known = set(it.others.asked_at)
    asking = []
    for _ in range(count):
        asking.append(asyncio.create_task(it.others.ask(it.hook if hint else None)))
        await asyncio.sleep(APART)
    await asyncio.gather(*asking)
    names = it.others.asked_at.keys() - known
    await it.cards.all_of(names)
    return [1000 * (it.cards.posted[name] - it.others.asked_at[name]) for name in names]


# --- Watching -----------------------------------------------------------------------------------


async def _watching(it: Stage, sizes: Sizes) -> dict[str, Any]:
    """The CPU time of a bot whose watched threads wait and do not change: while they are so new that each look goes
    through all of them, and once it does not."""
    began = time.monotonic()
    await it.others.ask_often(sizes.watched)
    await it.cards.all_of(it.others.asked_at)
    shown = time.monotonic() - began
    await asyncio.sleep(SETTLING)
    new = await _idle(it, sizes.seconds)
    last = max(it.others.asked_at.values())
    await asyncio.sleep(max(last + WINDOW - time.time(), 0))
    await it.others.ask()
    await it.cards.all_of(it.others.asked_at)
    await asyncio.sleep(SETTLING)
    return {"watched": len(it.others.asked_at), "shown": shown, "new": new, "old": await _idle(it, sizes.seconds)}


async def _idle(it: Stage, seconds: float) -> Mapping[str, float]:
    """CPU time of the bot and of the server in percent of one processor, while nothing happens."""
    bot, server = await asyncio.gather(cpu_percent_of(it.bot, seconds), cpu_percent_of(it.server, seconds))
    return {"cpu_percent": bot, "server_cpu_percent": server}
