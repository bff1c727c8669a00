"""What log lines, metrics and spans add to a decision's CPU time: the bot as shipped beside one that tells nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from benchmarks import stage
from benchmarks.crowd import Crowd, crowd
from benchmarks.stage import Bot, Program
from benchmarks.told import FILE, TELEMETRY

TOLD = Program(module="benchmarks.told")
WARM = 3
"""Times `at_once`: decisions that do not count."""
Spread: TypeAlias = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    pairs: int
    decisions: int
    """Of each bot in each pair."""
    at_once: int


async def measured(name: str, folder: Path, sizes: Sizes) -> dict[str, Any]:
    """CPU of a decision, all processes of the bot, with telemetry and without. The two take turns, so that whatever
    else the machine does meets both. Then, in a third bot, the CPU time within calls of telemetry alone."""
    async with AsyncExitStack() as stack:
        on, off = [await _started(name, folder, how, stack) for how in ("on", "off")]
        for one in (on, off):
            await _cpu_ms(*one, WARM * sizes.at_once, sizes.at_once)
        with_it: list[float] = []
        without: list[float] = []
        for pair in range(sizes.pairs):
            turns = [(on, with_it), (off, without)]
            for one, found in turns if pair % 2 == 0 else reversed(turns):
                found.append(await _cpu_ms(*one, sizes.decisions, sizes.at_once))
    pairs = list(zip(with_it, without, strict=True))
    return {
        "on": _spread(with_it),
        "off": _spread(without),
        "percent": _spread([100 * (each / other - 1) for each, other in pairs]),
        "pairs": pairs,
        "within": await _within(name, folder, sizes),
    }


async def _within(name: str, folder: Path, sizes: Sizes) -> dict[str, float]:
    """The CPU time of a decision within telemetry, and the number of its calls: facts told, spans opened and closed."""
    async with AsyncExitStack() as stack:
        people, bot = await _started(name, folder, "timed", stack)
        await _cpu_ms(people, bot, WARM * sizes.at_once, sizes.at_once)
        nanoseconds, calls = _taken(folder)
        count = sizes.decisions * min(sizes.pairs, 4)
        all_of_it = await _cpu_ms(people, bot, count, sizes.at_once)
        after, calls_after = _taken(folder)
    within = (after - nanoseconds) / 1e6 / count
    return {
        "cpu_ms_each": within,
        "calls_each": (calls_after - calls) / count,
        "percent": 100 * within / (all_of_it - within),
    }


async def _started(name: str, folder: Path, how: str, stack: AsyncExitStack) -> tuple[Crowd, Bot]:
    store = stack.enter_context(stage.backend(name, folder / how))
    slack = await stack.enter_async_context(stage.slack(store.folder))
    settings = {TELEMETRY: how, FILE: str(folder / "taken"), "LOG_LEVEL": "INFO", "HTTP_BIND": _free()}
    bot = await stack.enter_async_context(stage.bot(store, slack, TOLD, **settings))
    return await stack.enter_async_context(crowd(slack.url)), bot


async def _cpu_ms(people: Crowd, bot: Bot, count: int, at_once: int) -> float:
    before = bot.cpu_seconds
    async with people.watching():
        await people.several(count, at_once)
    await asyncio.sleep(0.5)  # what follows the outcome's message is of these decisions, too
    return 1000 * (bot.cpu_seconds - before) / count


def _taken(folder: Path) -> tuple[int, int]:
    noted = [file.read_text().split() for file in folder.glob("taken.*")]
    found = [(int(words[0]), int(words[1])) for words in noted if len(words) == 2]
    return sum(each for each, _ in found), sum(calls for _, calls in found)


def _spread(found: Sequence[float]) -> Spread:
    return {"min": min(found), "median": median(found), "max": max(found)}


def _free() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"
