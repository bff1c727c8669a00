"""What a bot keeps in memory of tasks that are finished: how much it grows while the cheapest ones pass through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import stage
from benchmarks.crowd import Crowd, crowd
from benchmarks.decisions import Numbers
from benchmarks.stage import Bot, Program

SETTLING: Final = 5.0
"""Seconds without work before memory is read."""
AT_ONCE: Final = 16
LOOK_AGAIN: Final = 0.1
STUCK: Final = 60.0
"""Seconds without a finished task after which the measurement is given up."""


async def of_finished(name: str, folder: Path, program: Program, sizes: Sequence[int]) -> Numbers:
    """Kilobytes that each task between the first size and the last left, over all processes, and by role."""
    with stage.backend(name, folder) as store:
        async with (
            stage.slack(store.folder) as slack,
            stage.bot(store, slack, program, SWEEP_INTERVAL="1") as bot,
            crowd(slack.url) as people,
        ):
            began, done, seen = time.monotonic(), 0, []
            for size in sizes:
                await _finish(people, bot, size - done)
                done = size
                await asyncio.sleep(SETTLING)
                seen.append(bot.tree.megabytes)
    tasks = sizes[-1] - sizes[0]
    grown = {role: 1024 * (seen[-1].get(role, 0) - seen[0].get(role, 0)) / tasks for role in {**seen[0], **seen[-1]}}
    return {
        "tasks": done,
        "kilobytes_each": sum(grown.values()),
        "seconds": time.monotonic() - began,
        **{f"kilobytes of {role}": each for role, each in grown.items()},
        **{f"megabytes after {size}": sum(each.values()) for size, each in zip(sizes, seen, strict=True)},
    }


async def _finish(people: Crowd, bot: Bot, count: int) -> None:
    """So many tasks, and no more of them under way than some; their graphs say when they end."""
    wanted = bot.marked() + count
    feeding = asyncio.create_task(_start(people, bot, count))
    try:
        left, since = count, time.monotonic()
        while left:
            await asyncio.sleep(LOOK_AGAIN)
            now = wanted - bot.marked()
            if now < left:
                left, since = now, time.monotonic()
            elif time.monotonic() - since > STUCK:
                raise RuntimeError(f"{left} tasks did not end")
        await feeding
    finally:
        feeding.cancel()


async def _start(people: Crowd, bot: Bot, count: int) -> None:
    before = bot.marked()
    for started in range(0, count, AT_ONCE):
        while started - (bot.marked() - before) > 2 * AT_ONCE:  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(LOOK_AGAIN / 10)
        await asyncio.gather(*(people.start("plain") for _ in range(min(AT_ONCE, count - started))))
