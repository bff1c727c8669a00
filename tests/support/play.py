"""Where a case is played: the real bot with the case's graph, on a local Slack, and on SQLite or Redis."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import ChannelId, Person, TaskId, TeamId, ThreadId, UserId
from bot.approvals.model.task import Ended, Task
from bot.approvals.ports.storage import Storage
from bot.approvals.services.messages import wanted
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from tests.support.redis_server import RedisServer
from tests.support.stage import WAIT, Bot, Room, Thread

CANARY = """
from typing_extensions import TypedDict
from langgraph.graph import START, StateGraph

class State(TypedDict, total=False):
    note: str
    outcome: str

graph = StateGraph(State)
graph.add_node("sing", lambda state: {"outcome": "sung"})
graph.add_edge(START, "sing")
"""
ALICE = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0ALICE"))


@dataclass(slots=True, kw_only=True)
class Play:
    """One case under way."""

    bot: Bot
    room: Room
    redis: RedisServer | None
    channel: ChannelId
    """Where nobody looks: the tasks that show that the bot has swept."""
    thread: Thread | None = field(default=None)

    def write(self, **sources: str) -> None:
        """The files of these graphs, and of another that only works."""
        folder = self.bot.folder
        for name, source in {**sources, "canary": CANARY}.items():
            (folder / f"{name}.py").write_text(source)
        graphs = {name: f"./{name}.py:graph" for name in (*sources, "canary")}
        (folder / "langgraph.json").write_text(json.dumps({"graphs": graphs}))

    def of(self) -> Thread:
        assert self.thread is not None, "no task was started"
        return self.thread

    async def until(self, predicate: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait for what no message tells of."""
        end = time.monotonic() + WAIT
        while not await predicate():
            assert time.monotonic() < end, f"{what} did not happen; effects: {self.effects()}; log:\n{self.bot.log}"
            await asyncio.sleep(0.05)

    def effects(self, graph: str = "case") -> list[str]:
        """What the graph did, in its order."""
        path = self.bot.folder / f"{graph}.effects"
        return path.read_text().splitlines() if path.exists() else []

    async def be_swept(self) -> None:
        """Return once the bot has found a task that nobody has woken it for, and has run it: it finds what is left to
        be done in the order in which that was recorded."""
        now = datetime.now(UTC)
        id = uuid.uuid4()
        task = Task(
            id=TaskId(id.hex[:8]),
            thread_id=ThreadId(str(id)),
            graph="canary",
            inputs={"note": "x"},
            requester=ALICE,
            channel=self.channel,
            created_at=now,
        )
        async with self.records() as storage:
            event = AuditEvent(kind="started", at=now, task_id=task.id)
            await storage.create_task(task, event, [wanted.opening_of(task)])

            async def over() -> bool:
                return isinstance((await storage.task(task.id)).state, Ended)

            await self.until(over, "the bot to find a task by itself")

    @asynccontextmanager
    async def records(self) -> AsyncIterator[Storage]:
        """The records, beside the bot."""
        if self.redis is None:
            storage = await SqliteStorage.open(self.bot.folder / "state" / "countersign.sqlite")
            try:
                yield storage
            finally:
                await storage.close()
        else:
            async with client(self.redis.url) as redis:
                yield RedisStorage(redis)


def prepared(folder: Path, slack: dict[str, str], policy: str, redis: RedisServer | None, **settings: str) -> Bot:
    """The bot of a case, not started."""
    more = {} if redis is None else {"REDIS_URL": redis.url}
    return Bot.prepare(folder, slack, policy=policy, FOLDER=str(folder), **more, **settings)
