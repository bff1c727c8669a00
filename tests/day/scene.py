"""Where the day takes place: Redis, a local Slack, the bot, and the addresses that it calls."""

from __future__ import annotations

import asyncio
import base64
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.client import Simulator
from tests.crash.processes import below
from tests.day.bot import MINUTE
from tests.support.redis_server import RedisServer
from tests.support.stage import Bot, Slack

PASSWORD: Final = "hunter2-of-the-day-7Qx"
SAID: Final = "because the invoice of Mrs Miller was wrong"
"""What a person types as the reason of a rejection."""
QUESTION: Final = "Refund the order of Mr Smith?"
WEBHOOK_SECRET: Final = f"whsec_{base64.b64encode(b'd' * 32).decode()}"
GRAPHS: Final = ("action", "failing", "proposal", "silent", "secretive", "careful")
POLICY: Final = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
  extend: 4h
rules:
  - name: silence
    match: {graph: proposal}
    remind_every: 2s
    escalate:
      - {after: 3s, to: [U0GRACE]}
      - {after: 5s, to: [U0CAROL, U0DAVE]}
    deadline: 9s
  - name: two
    match: {graph: careful}
    quorum: 2
  - name: nobody
    match: {graph: silent}
    approvers: ["@finance"]
    deadline: 6s
"""
SERVERS: Final = """
servers:
  - name: far
    url: {url}
    watch: {{channel: "#ops", graphs: ["*"]}}
"""
SWEEP: Final = "1"
LEASE: Final = "2"


@dataclass
class Elsewhere:
    """Addresses of other people's: two receivers of webhooks, and a LangGraph Server that runs nothing."""

    url: str = ""
    server_is_away: bool = False
    got: int = 0
    refused: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, _: web.Request) -> web.Response:
        self.got += 1
        return web.Response(status=204)

    async def refuse(self, _: web.Request) -> web.Response:
        self.refused += 1
        return web.Response(status=500)

    async def server(self, request: web.Request) -> web.Response:
        if self.server_is_away:
            return web.json_response({"detail": "away"}, status=503)
        return web.json_response({"version": "0.16.7"} if request.path == "/info" else [])

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/told", self.take)
        application.router.add_post("/refused", self.refuse)
        application.router.add_route("*", "/{tail:.*}", self.server)
        async with TestServer(application, host="127.0.0.1") as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield


@dataclass(slots=True, kw_only=True)
class Scene:
    """All that runs but Prometheus."""

    folder: Path
    minute: float
    redis: RedisServer
    slack: Slack
    bot: Bot
    elsewhere: Elsewhere
    bind: str
    token: str = ""
    """Of the program that asks."""

    async def start_bot(self, simulator: Simulator) -> None:
        """Start it, and wait until it is connected."""
        opened = int((await simulator.state())["connections_opened"])
        self.bot.launch()
        await simulator.wait_connected(since=opened, timeout=90)

    @property
    def logs(self) -> str:
        """What all machines have logged."""
        return "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*/bot.log")))

    @asynccontextmanager
    async def another_machine(self) -> AsyncIterator[Bot]:
        """One more worker role on the same records, while the block runs. It serves no metrics."""
        left_out = ("HTTP_BIND", "SLACK_APP_TOKEN")
        environment = {name: value for name, value in self.bot.environment.items() if name not in left_out}
        other = Bot(self.folder / "other", environment | {"STATE_DIR": str(self.folder / "other" / "state")})
        other.folder.mkdir()
        other.module = (*self.bot.module, "--role", "worker")
        other.launch()
        try:
            yield other
            await asyncio.to_thread(other.stop)
        finally:
            await asyncio.to_thread(other.kill)

    def worker_parent(self) -> int:
        """The process of the worker role, which forks workers. The other role has no children."""
        (parent,) = (pid for pid in self._roles() if children(pid))
        return parent

    def gateway(self) -> int:
        (gateway,) = (pid for pid in self._roles() if not children(pid))
        return gateway

    def _roles(self) -> list[int]:
        assert self.bot.process is not None
        return children(self.bot.process.pid)

    async def command(self, *words: str) -> str:
        """What a command of the bot prints, beside the bot."""
        made = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", *words),
            cwd=self.bot.folder,
            env=dict(self.bot.environment),
            stdin=subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await made.communicate()
        assert made.returncode == 0, (words, out.decode(), error.decode())
        return out.decode().strip()

    @property
    def secrets(self) -> dict[str, str]:
        """What must stand in no line, by what it is."""
        tokens = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
        return {
            **{name: self.bot.environment[name] for name in tokens},
            "the token of the API": self.token,
            "the secret of webhooks": WEBHOOK_SECRET,
            "a password in a task's inputs": PASSWORD,
            "a person's reason": SAID,
            "a program's question": QUESTION,
        }


def children(pid: int) -> list[int]:
    """The processes that it has started and that live."""
    return [each for depth, each in below(pid) if depth == 1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def scene(folder: Path, minute: float) -> AsyncIterator[Scene]:
    """All of it but the bot, which is prepared. Nothing of it outlives the block."""
    elsewhere, redis = Elsewhere(), RedisServer(folder=folder / "redis")
    async with elsewhere.open():
        await asyncio.to_thread(redis.start)
        slack = await asyncio.to_thread(Slack.start, folder)
        bind = f"127.0.0.1:{free_port()}"
        bot = Bot.prepare(
            folder / "bot",
            slack.environment,
            policy=POLICY,
            graphs=GRAPHS,
            **{MINUTE: str(minute)},
            REDIS_URL=redis.url,
            HTTP_BIND=bind,
            LOG_FORMAT="json",
            LOG_LEVEL="DEBUG",
            SWEEP_INTERVAL=SWEEP,
            LEASE_SECONDS=LEASE,
            OPS_CHANNEL="#ops",
            WEBHOOK_ALLOW="127.0.0.1",
            WEBHOOK_SECRET=WEBHOOK_SECRET,
            SERVERS_FILE=str(folder / "servers.yaml"),
        )
        bot.module = ("tests.day.bot",)
        (folder / "servers.yaml").write_text(SERVERS.format(url=elsewhere.url))
        try:
            yield Scene(folder=folder, minute=minute, redis=redis, slack=slack, bot=bot, elsewhere=elsewhere, bind=bind)
        finally:
            await asyncio.to_thread(bot.kill)
            slack.stop()
            if redis.process is not None:
                redis.go_on()
                redis.kill()
