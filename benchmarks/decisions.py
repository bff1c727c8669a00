"""1, 2 and 6: how many decisions a second, and how long after a click; beside bare LangGraph and the naive bot."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command

from benchmarks import stage
from benchmarks.crowd import Crowd, crowd
from benchmarks.graphs.approval import graph as approval
from benchmarks.stage import Backend, Bot, Program
from bot.approvals.model.ids import ThreadId
from bot.engines.langgraph.checkpoints import FENCING_TOKEN, sqlite_saver
from bot.engines.langgraph.checkpoints.redis import redis_saver
from bot.engines.langgraph.loading.factories import Saver

Numbers: TypeAlias = dict[str, float]
Hinder: TypeAlias = Callable[[Crowd, Bot], Awaitable[None]]
HINDERED_SECONDS: Final = 30
LATE: Final = 3.0
"""Seconds after which Slack shows an error to the person who clicked."""
NEVER: Final = 60.0
"""Stands for what did not happen at all."""
Contestant: TypeAlias = Callable[[int, int], Awaitable[Numbers]]
"""So many decisions, so many at a time -> how it went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    decisions: int
    at_once: int
    rounds: int
    clicks: int
    per_second: int


async def side_by_side(name: str, folder: Path, bots: Mapping[str, Program], sizes: Sizes) -> dict[str, Numbers]:
    """Decisions a second of bare LangGraph and of each bot, in rounds that take turns, so that whatever
    else the machine does meets all of them; the median of the rounds. Then what follows a click at a steady pace."""
    async with AsyncExitStack() as stack:
        contestants: dict[str, Contestant] = {"bare": await _bare(name, folder / "bare", stack)}
        crowds = {who: await _crowd(name, folder / who, program, stack) for who, program in bots.items()}
        for who, (people, bot) in crowds.items():
            contestants[who] = _through_slack(people, bot)
        for measure in contestants.values():
            await measure(sizes.at_once, sizes.at_once)  # warm
        rounds: dict[str, list[Numbers]] = {who: [] for who in contestants}
        for _ in range(sizes.rounds):
            for who, measure in contestants.items():
                rounds[who].append(await measure(sizes.decisions // sizes.rounds, sizes.at_once))
        found = {who: _medians(rounds[who], rounds["bare"]) for who in contestants}
        for who, (people, bot) in crowds.items():
            found[f"{who}_clicks"] = await _clicked(people, bot, sizes)
        return found


async def _bare(name: str, folder: Path, stack: AsyncExitStack) -> Contestant:
    """LangGraph alone: the same start and resume on the same saver, which asks nobody for a lease here."""
    store = stack.enter_context(stage.backend(name, folder))
    graph = approval.compile(checkpointer=await stack.enter_async_context(_saver(store)))

    async def one(slots: asyncio.Semaphore) -> None:
        config = RunnableConfig(configurable={"thread_id": str(uuid.uuid4()), FENCING_TOKEN: 1})
        async with slots:
            paused: dict[str, Any] = await graph.ainvoke({"name": "n"}, config, durability="sync")
            answer: Any = Command(resume={paused["__interrupt__"][0].id: True})
            await graph.ainvoke(answer, config, durability="sync")

    async def measure(count: int, at_once: int) -> Numbers:
        slots = asyncio.Semaphore(at_once)
        cpu, began = time.process_time(), time.monotonic()
        await asyncio.gather(*(one(slots) for _ in range(count)))
        return _rate(count, time.monotonic() - began, time.process_time() - cpu)

    return measure


async def _crowd(name: str, folder: Path, program: Program, stack: AsyncExitStack) -> tuple[Crowd, Bot]:
    store = stack.enter_context(stage.backend(name, folder))
    slack = await stack.enter_async_context(stage.slack(store.folder))
    bot = await stack.enter_async_context(stage.bot(store, slack, program))
    return await stack.enter_async_context(crowd(slack.url)), bot


def _through_slack(people: Crowd, bot: Bot) -> Contestant:
    """From the command to the outcome's message."""

    async def measure(count: int, at_once: int) -> Numbers:
        cpu = bot.cpu_seconds
        async with people.watching():
            _, seconds = await people.several(count, at_once)
        return _rate(count, seconds, bot.cpu_seconds - cpu)

    return measure


def _medians(rounds: Sequence[Numbers], bare: Sequence[Numbers]) -> Numbers:
    """Each number's median, and the median of each round's ratio to bare LangGraph."""
    ratios = [
        {f"{name}_of_bare": one[name] / other[name] for name in one} for one, other in zip(rounds, bare, strict=True)
    ]
    return {name: median(one[name] for one in each) for each in (rounds, ratios) for name in each[0]}


async def hindered(name: str, folder: Path, program: Program, sizes: Sizes) -> Numbers:
    """What follows a click at a steady pace, while one graph blocks its event loop and another burns a core."""

    async def hinder(people: Crowd, bot: Bot) -> None:
        both = [people.start(graph, seconds=HINDERED_SECONDS) for graph in ("blocking", "burning")]
        await asyncio.gather(*both, return_exceptions=True)  # one may keep the other's command from being acknowledged
        async with asyncio.timeout(NEVER):
            while len(bot.resumed()) < 2:  # noqa: ASYNC110 - a file of another process
                await asyncio.sleep(0.02)

    async with AsyncExitStack() as stack:
        people, bot = await _crowd(name, folder, program, stack)
        return await _clicked(people, bot, sizes, hinder)


async def _clicked(people: Crowd, bot: Bot, sizes: Sizes, first: Hinder | None = None) -> Numbers:
    async with people.watching():
        return await _followed(people, bot, *await _pressed(people, bot, sizes, first))


async def _pressed(people: Crowd, bot: Bot, sizes: Sizes, first: Hinder | None) -> tuple[list[str], int]:
    """Click at a steady pace, and wait until all has ended; the names, and where the traffic stood before."""
    names, _ = await people.several(sizes.clicks, sizes.at_once, only_asked=True)
    await asyncio.sleep(1)
    mark = len(await people.simulator.traffic())
    if first is not None:
        await first(people, bot)
    loop = asyncio.get_running_loop()
    began = loop.time()
    pressing = []
    for number, name in enumerate(names):
        await asyncio.sleep(max(began + number / sizes.per_second - loop.time(), 0))
        pressing.append(asyncio.create_task(people.click(name)))
    await asyncio.gather(*pressing)
    await asyncio.gather(*(people.ended(name) for name in names), return_exceptions=first is not None)
    await asyncio.sleep(1)
    return names, mark


async def _followed(people: Crowd, bot: Bot, names: Sequence[str], mark: int) -> Numbers:
    """From Slack's record of the traffic, and the graph's of itself."""
    cards = {people.seen[name].card.result()["ts"]: name for name in names}
    clicked: dict[str, float] = {}
    acknowledged: list[float] = []
    updated: dict[str, float] = {}
    for entry in await people.simulator.traffic(after=mark):
        if entry["direction"] == "envelope" and entry["type"] == "interactive":
            name = cards[entry["payload"]["container"]["message_ts"]]
            clicked[name] = entry["at"]
            after = entry["acknowledged_after"]
            acknowledged.append(NEVER if after is None else after)
        elif (
            entry.get("method") in ("chat.update", "response_url")
            and (name := cards.get(entry.get("answer", {}).get("ts", ""), "")) in clicked
        ):
            updated.setdefault(name, entry["at"] - clicked[name])
    went_on = bot.resumed()
    resumed = [went_on[name] - at if name in went_on else NEVER for name, at in clicked.items()]
    return {
        "clicks": len(clicked),
        "late": sum(after > LATE for after in acknowledged),
        **_percentiles("acknowledged", acknowledged),
        **_percentiles("resumed", resumed),
        **_percentiles("updated", list(updated.values())),
    }


def _percentiles(what: str, seconds: Sequence[float]) -> Numbers:
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {f"{what}_p50_ms": 1000 * cuts[49], f"{what}_p99_ms": 1000 * cuts[98], f"{what}_max_ms": 1000 * max(seconds)}


def _rate(count: int, seconds: float, cpu: float) -> Numbers:
    return {"per_second": count / seconds, "cpu_ms_each": 1000 * cpu / count}


async def _always(_thread: ThreadId, _token: int) -> bool:
    return True


@contextlib.asynccontextmanager
async def _saver(backend: Backend) -> AsyncIterator[Saver]:
    if backend.url:
        async with redis_saver(backend.url, _always) as redis:
            yield redis
    else:
        async with sqlite_saver(backend.folder / "bare.sqlite", _always) as sqlite:
            yield sqlite
