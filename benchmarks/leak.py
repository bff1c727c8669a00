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
LOOK_AGAIN: Final = 0.01
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
    """So many tasks, no more of them under way than some. Their graphs say when they end. A command that is not
    acknowledged in time may start its task nevertheless."""
    first = bot.marked()
    ended, since, started = 0, time.monotonic(), 0
    while ended < count:
        if started - ended < 2 * AT_ONCE and started < count:
            several = min(AT_ONCE, count - started)
            said = await asyncio.gather(*(people.start("plain") for _ in range(several)), return_exceptions=True)
            started += sum(isinstance(name, str) for name in said)
        else:
            await asyncio.sleep(LOOK_AGAIN)
        if (now := bot.marked() - first) > ended:
            ended, since = now, time.monotonic()
        elif time.monotonic() - since > STUCK:
            raise RuntimeError(f"{count - ended} of {count} tasks did not end")
