"""How long after a kill an approved graph goes on, and until Slack shows it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import processes, stage
from benchmarks.crowd import Crowd, crowd
from benchmarks.decisions import Numbers
from benchmarks.stage import HOLD, Bot, Program

TASKS: Final = 4
"""Approved at once, so that the kill meets each of them at another point."""
PATIENCE: Final = 100.0
IN_SLACK: Final = 5.0
"""Seconds that edits take while the kill comes, so that some are under way."""
UNTIL_EDITS: Final = 1.2
"""Seconds. An edit may wait for a second, so that changes which follow each other are one call."""
EDITS: Final = ("response_url", "chat.update")


async def of_all(name: str, folder: Path, program: Program, rounds: int) -> Numbers:
    """All processes are killed, and the bot is started again at once."""
    found = []
    for number in range(rounds):
        with stage.backend(name, folder / str(number)) as store:
            async with stage.slack(store.folder) as slack, crowd(slack.url) as people, people.watching():
                async with stage.bot(store, slack, program) as bot:
                    names = await _approved(people, bot)
                    killed = time.time()
                    bot.tree.kill()
                await people.simulator.clear_faults()
                (bot.folder / HOLD).unlink()
                async with stage.bot(store, slack, program) as bot:
                    after = await _afterwards(people, bot, names, killed)
                    found.append({**after, "start_seconds": bot.seconds_to_start})
    return {what: median(each[what] for each in found) for what in found[0]}


async def of_worker(name: str, folder: Path, program: Program, rounds: int) -> Numbers:
    """The processes that run graphs are killed, the others go on. Nothing if there are none."""
    found = []
    for number in range(rounds):
        with stage.backend(name, folder / str(number)) as store:
            async with (
                stage.slack(store.folder) as slack,
                crowd(slack.url) as people,
                people.watching(),
                stage.bot(store, slack, program) as bot,
            ):
                if not bot.tree.workers():
                    return {}
                names = await _approved(people, bot, edits=False)
                killed = time.time()
                for pid in bot.tree.workers():
                    processes.kill(pid)
                await people.simulator.clear_faults()
                (bot.folder / HOLD).unlink()
                found.append(await _afterwards(people, bot, names, killed))
    return {what: median(each[what] for each in found) for what in found[0]}


async def _approved(people: Crowd, bot: Bot, *, edits: bool = True) -> list[str]:
    """Tasks whose approval was acknowledged, and whose graphs are within a node. With `edits`, Slack is slow to answer
    the edits of their cards, so that these are under way."""
    names = [await people.asked("held") for _ in range(TASKS)]
    await asyncio.sleep(2)
    (bot.folder / HOLD).touch()
    for method in EDITS if edits else ():
        await people.simulator.fault(method, "delay", times=2 * TASKS, seconds=IN_SLACK)
    for name in names:
        await people.approve(name)
    until = time.monotonic() + PATIENCE
    while not all((bot.folder / f"reached-{name}").exists() for name in names):
        if time.monotonic() > until:
            raise RuntimeError("an approved graph did not go on")
        await asyncio.sleep(0.01)
    await asyncio.sleep(UNTIL_EDITS)
    return names


async def _afterwards(people: Crowd, bot: Bot, names: list[str], killed: float) -> Numbers:
    """Seconds from the kill until the last graph went on, and until the last card and its outcome's message show it."""
    went_on = asyncio.create_task(_until(lambda: _all_on(bot, names)))
    shown = asyncio.create_task(_until(lambda: _all_shown(people, names)))
    try:
        async with asyncio.timeout(PATIENCE):
            return {"delivered_seconds": await went_on - killed, "shown_seconds": await shown - killed}
    finally:
        went_on.cancel()
        shown.cancel()


async def _until(what: Callable[[], Awaitable[bool]]) -> float:
    while not await what():  # noqa: ASYNC110 - it happens in other processes
        await asyncio.sleep(0.05)
    return time.time()


async def _all_on(bot: Bot, names: list[str]) -> bool:
    return bot.resumed().keys() >= set(names)


async def _all_shown(people: Crowd, names: list[str]) -> bool:
    """A thread has two messages with what the graph did: the card, and the outcome's."""
    for name in names:
        card = people.seen[name].card.result()
        thread = await people.simulator.seat("bob").thread(card["channel"], people.thread_of(name))
        if sum(f"Acted on {name}." in json.dumps(message) for message in thread) < 2:
            return False
    return True
