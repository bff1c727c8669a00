"""The real bot, a local Slack and a real LangGraph Server, for all tests of a module; and others who use the server."""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import yaml
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from bot.approvals.model.ids import JSON, ThreadId
from bot.approvals.model.server import task_of_thread
from bot.approvals.ports.storage import Storage
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from simulator.client import Simulator
from tests.server.proxy import Proxy, proxy_of
from tests.support.langgraph_server import NAME, LangGraphServer
from tests.support.redis_server import RedisServer
from tests.support.stage import PATIENT_POLICY, PEOPLE, UNPACED, WAIT, Bot, Room, Slack, Thread
from tests.support.starter import ran

ROOM: Final = "#room-0"
"""Where watched threads ask."""
STARTED: Final = ("plain", "slow", "failing")
"""The assistants that may be started from Slack."""
STOLEN: Final = "lsv2_of_the_environment"
"""The API key that the bot's environment has for something else."""
STRICT: Final = "__pregel_strict_resume"


@dataclass(slots=True, kw_only=True)
class House:
    """What all tests of a module share."""

    slack: Slack
    bot: Bot
    server: LangGraphServer
    proxy: Proxy
    """What the bot has as the server's address."""
    team: Mapping[str, str]
    """The metadata of the threads that are watched."""
    redis: RedisServer | None = None
    started: set[str] = field(default_factory=set)
    """The openings that tests have seen in the watched room."""

    @classmethod
    @contextmanager
    def built(
        cls, folder: Path, server: LangGraphServer, redis: RedisServer | None = None, *, graphs: tuple[str, ...] = ()
    ) -> Iterator[Self]:
        """Nothing is started but Slack."""
        team = {"team": uuid.uuid4().hex}
        slack = Slack.start(folder)
        try:
            with proxy_of(server.url) as proxy:
                more = {"REDIS_URL": redis.url} if redis is not None else {}
                bot = Bot.prepare(
                    folder / "bot",
                    slack.environment,
                    policy=PATIENT_POLICY,
                    graphs=graphs,
                    SERVERS_FILE=str(folder / "servers.yaml"),
                    HTTP_BIND=f"127.0.0.1:{_free_port()}",
                    LANGSMITH_API_KEY=STOLEN,
                    LANGGRAPH_API_KEY=STOLEN,
                    **more,
                )
                bot.module = UNPACED
                (folder / "servers.yaml").write_text(yaml.safe_dump(_servers(proxy.url, team)))
                house = cls(slack=slack, bot=bot, server=server, proxy=proxy, team=team, redis=redis)
                try:
                    yield house
                finally:
                    bot.kill()
                    house.nothing_forbidden_was_called()
        finally:
            slack.stop()

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

    def another_bot(self) -> Bot:
        """Another replica, on the same records. It is not started."""
        folder = self.bot.folder.parent / f"bot-{uuid.uuid4().hex}"
        folder.mkdir()
        own = {"STATE_DIR": str(folder / "state"), "HTTP_BIND": f"127.0.0.1:{_free_port()}"}
        return Bot(folder, {**self.bot.environment, **own}, self.bot.module)

    async def killed(self) -> None:
        """The bot has been killed at its point, and a minute has passed: what it had claimed for its calls to Slack is
        free again."""
        assert await asyncio.to_thread(self.bot.wait) == -9
        async with self.records() as storage:
            for message in await storage.out_of_date(datetime.now(UTC) + timedelta(days=1), 1000):
                await storage.save_message(replace(message, not_before=None))

    def token(self) -> str:
        """A program's, which may start tasks."""
        scopes = "requests:write,requests:read,tasks:write"
        command = ["bot", "tokens", "add", "shop", "--source", "shop", "--scope", scopes]
        made = ran(command, cwd=self.bot.folder, env=self.bot.environment)
        return next(word for word in made.stdout.split() if word.startswith("csk_"))

    def nothing_forbidden_was_called(self) -> None:
        """No thread deleted or pruned, no key that the file does not name, and each run strict, saved step by step,
        and refused beside another one."""
        for call in self.proxy.calls:
            assert call.method in ("GET", "POST"), call
            assert not call.path.endswith("/prune"), call
            assert STOLEN not in str(call.headers.values()), call
            assert not {"x-api-key", "authorization"} & call.headers.keys(), call
        for call in self.proxy.runs():
            assert call.body["config"]["configurable"][STRICT] is True, call
            assert (call.body["durability"], call.body["multitask_strategy"]) == ("sync", "reject"), call
            resumed = (call.body.get("command") or {}).get("resume", {})
            assert isinstance(resumed, dict), call
            assert all(len(each) == 32 for each in resumed), call


@dataclass(slots=True, kw_only=True)
class Scene:
    """One test's view of the house."""

    house: House
    simulator: Simulator
    room: Room
    """Where watched threads ask."""
    web_app: LangGraphClient
    """Somebody else's client of the server."""

    @classmethod
    @asynccontextmanager
    async def of(cls, house: House) -> AsyncIterator[Self]:
        web_app = get_client(url=house.server.url, api_key=None)
        try:
            async with Simulator.connect(house.slack.url) as simulator:
                room = Room(simulator, await simulator.names(), ROOM, house.started)
                yield cls(house=house, simulator=simulator, room=room, web_app=web_app)
                for seat in map(simulator.seat, PEOPLE):
                    if await seat.modal() is not None:
                        await seat.close_modal(everything=True)
        finally:
            await web_app.aclose()

    async def other_room(self, number: int) -> Room:
        """One in which people start tasks."""
        return Room(self.simulator, await self.simulator.names(), f"#room-{number}")

    # --- What others do on the server -----------------------------------------------------------

    async def begun(self, graph: str, **metadata: str) -> Theirs:
        """A thread that somebody else starts, once its run is over."""
        theirs = Theirs(self, graph=graph, key=uuid.uuid4().hex)
        made = await self.web_app.threads.create(graph_id=graph, metadata={**self.house.team, **metadata})
        theirs.id = made["thread_id"]
        await theirs.run(input={"key": theirs.key})
        return theirs

    async def asked(self, graph: str, **metadata: str) -> tuple[Theirs, Thread]:
        """The same, and the Slack thread in which it asks."""
        theirs = await self.begun(graph, **metadata)
        return theirs, await self.room.opened("A thread of")

    async def until(self, holds: Callable[[], Awaitable[object]], what: str) -> None:
        end = time.monotonic() + WAIT
        while not await holds():
            assert time.monotonic() < end, f"{what} did not happen:\n{self.house.bot.log[-4000:]}"
            await asyncio.sleep(0.02)


@dataclass(slots=True)
class Theirs:
    """A thread of the server that somebody else has started."""

    scene: Scene
    graph: str
    key: str
    id: str = ""

    @property
    def task_id(self) -> str:
        return task_of_thread(NAME, ThreadId(self.id))

    def effects(self, agent: str) -> list[JSON]:
        return self.scene.house.server.effects(agent, self.key)

    async def run(self, **given: Any) -> str:
        """A run of the web app's, once it is over. Returns how it ended."""
        run = await self.scene.web_app.runs.create(self.id, self.graph, **given)

        async def over() -> bool:
            found = await self.scene.web_app.runs.get(self.id, run["run_id"])
            return found["status"] not in ("pending", "running")

        await self.scene.until(over, "the end of a run")
        return str((await self.scene.web_app.runs.get(self.id, run["run_id"]))["status"])

    async def interrupts(self) -> list[Mapping[str, Any]]:
        """What it asks now."""
        state = await self.scene.web_app.threads.get_state(self.id)
        return [dict(each) for task in state["tasks"] for each in task["interrupts"]]

    async def runs(self) -> list[Mapping[str, Any]]:
        """All its runs, the newest first."""
        return [dict(each) for each in await self.scene.web_app.runs.list(self.id)]

    async def answers(self) -> list[Mapping[str, Any]]:
        """The runs of the bot that answered something."""
        return [each for each in await self.runs() if "countersign_interrupt" in (each["metadata"] or {})]


def _servers(url: str, team: Mapping[str, str]) -> dict[str, Any]:
    watch = {"channel": ROOM, "metadata": dict(team), "requester": "metadata.user"}
    return {"servers": [{"name": NAME, "url": url, "start": list(STARTED), "watch": watch}]}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
