"""3, 4 and 5: what many waiting requests cost a sweep, a process, and a start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, cast

from benchmarks import fill, stage
from benchmarks.crowd import ended_well
from benchmarks.decisions import Numbers
from benchmarks.stage import Bot, backend
from bot import stores
from bot.approvals.model.ids import TaskId
from bot.approvals.services.due_steps import DueSteps
from bot.approvals.services.sweep import AgentSweep, PeopleSweep
from simulator.client import Simulator, SimulatorProcess

EMPTY_SWEEPS = 30
SETTLING = 4.0
"""Seconds, with two sweeps in each, after which memory is read."""
PATIENCE = 120.0


@dataclass(slots=True)
class Noted:
    """Work that is only counted."""

    tasks: set[TaskId] = field(default_factory=set)

    def deliver(self, task_id: TaskId) -> None:
        self.tasks.add(task_id)

    def show(self, task_id: TaskId) -> None:
        self.tasks.add(task_id)

    def show_soon(self, task_id: TaskId) -> None:
        self.tasks.add(task_id)


async def sweeps(name: str, folder: Path, waiting: int, due: int) -> Numbers:
    """A sweep with so many pending and none due, in the median; then all sweeps until so many more are settled."""
    with backend(name, folder) as store:
        await fill.pending(store, waiting)
        async with stores.opened(store.settings) as opened:
            sweeper, work = _sweeper(opened.storage), Noted()
            empty = []
            for _ in range(EMPTY_SWEEPS):
                began = time.perf_counter()
                await sweeper.sweep(opened.clock())
                empty.append(time.perf_counter() - began)
        await fill.pending(store, due, mark="DDDDDDDD", overdue=True)
        async with stores.opened(store.settings) as opened:
            sweeper = _sweeper(opened.storage, work)
            began = time.perf_counter()
            while await opened.storage.due(opened.clock(), 1):
                await sweeper.sweep(opened.clock())
            settled = time.perf_counter() - began
        assert len(work.tasks) == due, len(work.tasks)
    return {"empty_ms": 1000 * median(empty), "due_ms_each": 1000 * settled / due}


@dataclass(frozen=True, slots=True)
class Sweeps:
    """The sweeps of both roles."""

    people: PeopleSweep
    agents: AgentSweep

    async def sweep(self, now: datetime) -> None:
        await self.people.sweep(now)
        await self.agents.sweep(now)


def _sweeper(storage: Any, work: Noted | None = None) -> Sweeps:
    nobody = cast("Any", None)  # an expiry asks neither a graph nor Slack
    work = work or Noted()
    due_steps = DueSteps(storage=storage, agents=nobody, directory=nobody, eligibility=nobody, work=work)
    people = PeopleSweep(storage=storage, due_steps=due_steps, work=work)
    return Sweeps(people, AgentSweep(storage=storage, work=work))


async def memory(name: str, folder: Path, sizes: Sequence[int]) -> dict[int, Numbers]:
    """Megabytes of a bot that has swept for some seconds, in all and by role, and seconds of its start, by requests
    that wait."""
    found: dict[int, Numbers] = {}
    for size in sizes:
        with backend(name, folder / str(size)) as store:
            if size:
                await fill.pending(store, size)
            async with (
                stage.slack(store.folder) as slack,
                stage.bot(store, slack, SWEEP_INTERVAL="0.5") as bot,
            ):
                await asyncio.sleep(SETTLING)
                by_role = bot.tree.megabytes
                found[size] = {
                    "megabytes": sum(by_role.values()),
                    "start_seconds": bot.seconds_to_start,
                    **{f"megabytes of {role}": each for role, each in by_role.items()},
                }
    return found


async def recovery(name: str, folder: Path, waiting: int, undelivered: int) -> Numbers:
    """A start with so many waiting, and how long until what a crash left is delivered, and shown."""
    with backend(name, folder) as store:
        await fill.pending(store, waiting)
        await fill.undelivered(store, undelivered)
        async with stage.slack(store.folder) as slack, stage.bot(store, slack) as bot:
            began = time.monotonic()
            delivered = await _delivered(bot, undelivered) - began
            shown = await _shown(slack, undelivered) - began
            return {"start_seconds": bot.seconds_to_start, "delivered_seconds": delivered, "shown_seconds": shown}


async def _delivered(bot: Bot, count: int) -> float:
    until = time.monotonic() + PATIENCE
    while len(bot.resumed()) < count and time.monotonic() < until:  # noqa: ASYNC110 - a file of another process
        await asyncio.sleep(0.1)
    return time.monotonic()


async def _shown(slack: SimulatorProcess, count: int) -> float:
    async with asyncio.timeout(PATIENCE), Simulator.connect(slack.url) as simulator:
        seen, read = 0, 0
        while seen < count:
            entries = await simulator.traffic(after=read)
            read += len(entries)
            seen += sum(ended_well(entry["arguments"]) for entry in entries if _is_post(entry))
            await asyncio.sleep(0.2)
    return time.monotonic()


def _is_post(entry: dict[str, Any]) -> bool:
    return entry.get("method") == "chat.postMessage"
