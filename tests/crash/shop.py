"""A program that asks people through the HTTP API of gateways that die: it calls again until it is answered, and keeps
all that it was told."""

from __future__ import annotations

import asyncio
import base64
import itertools
import random
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook as Signature

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.token import TOKENS, Scope, Token, digest_of
from bot.approvals.ports.storage import Storage
from tests.crash.people import room

SOURCE: Final = "shop"
SECRET: Final = f"whsec_{base64.b64encode(b's' * 32).decode()}"
_TOKEN: Final = f"csk_{'0' * 43}"
SECONDS: Final = 8.0
"""For one call: a little more than it may wait."""
WAIT_SECONDS: Final = 5
CANCELS: Final = 4
"""One request of so many is withdrawn, perhaps too late."""


def free_ports(number: int) -> list[int]:
    """Ports that nobody uses now."""
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in opened]
    for each in opened:
        each.close()
    return ports


async def admit(storage: Storage) -> None:
    """Store the token of the program."""
    token = Token(
        name="shop-prod",
        digest=digest_of(_TOKEN),
        scopes=frozenset(Scope),
        sources=(SOURCE,),
        created_at=datetime.now(UTC),
    )
    await storage.add_token(token, AuditEvent(kind="token_added", at=token.created_at, task_id=TOKENS))


@dataclass(slots=True, kw_only=True)
class Story:
    """What the program knows of one request."""

    number: int
    id: str = ""
    decisions: list[Any] = field(default_factory=list)
    """What each answer said once it was settled: status and decision."""
    refused: bool = False
    """Whether it could not be withdrawn any more."""
    taken: list[str] = field(default_factory=list)
    """The executions that got the decision."""


@dataclass(slots=True, kw_only=True)
class Shop:
    """The program, with the address at which it wants to be told."""

    ports: Sequence[int]
    seed: int
    callback: str = ""
    stories: list[Story] = field(default_factory=list)
    told: list[tuple[str, Any]] = field(default_factory=list)
    """The id of each webhook that came, right signed, and its body."""
    session: aiohttp.ClientSession = field(init=False)
    _turns: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(self.ports)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/told", self._hear)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        (address,) = runner.addresses
        self.callback = f"http://127.0.0.1:{address[1]}/told"
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with aiohttp.ClientSession(headers=headers, timeout=timeout) as self.session:
                yield
        finally:
            await runner.cleanup()

    async def _hear(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.told.append((headers["webhook-id"], Signature(SECRET).verify(await request.read(), headers)))
        return web.Response(status=204)

    # --- One request ------------------------------------------------------------------------------

    async def ask(self) -> Story:
        """One request from its beginning to its end: asked, perhaps withdrawn, waited for, and taken by one of two
        executions that both want it."""
        story = Story(number=len(self.stories))
        self.stories.append(story)
        chance = random.Random(f"{self.seed} {story.number}")
        story.id = await self._made(story.number)
        if story.number % CANCELS == CANCELS - 1:
            await asyncio.sleep(chance.uniform(0, 4))
            status, _ = await self.call("POST", f"/v1/requests/{story.id}/cancel", json={"reason": "sold out"})
            story.refused = status == 409
        await self._settled(story)
        await asyncio.gather(*(self._take(story, execution) for execution in ("run-a", "run-b")))
        await self._settled(story)
        return story

    async def _made(self, number: int) -> str:
        body = {
            "question": {"action": f"Refund {number}", "arguments": {"order": number, "amount": 40}},
            "channel": room(number),
            "callback_url": self.callback,
            "metadata": {"number": number},
        }
        status, answer = await self.call("POST", "/v1/requests", json=body, headers={"Idempotency-Key": f"o-{number}"})
        assert status in (200, 201), answer
        return str(answer["id"])

    async def _settled(self, story: Story) -> None:
        while True:
            status, answer = await self.call("GET", f"/v1/requests/{story.id}", params={"wait": str(WAIT_SECONDS)})
            assert status == 200, answer
            if answer["status"] != "pending":
                story.decisions.append([answer["status"], answer["decision"]])
                return

    async def _take(self, story: Story, execution: str) -> None:
        status, answer = await self.call("POST", f"/v1/requests/{story.id}/consume", json={"execution": execution})
        assert status in (200, 409), answer
        if status == 200:
            story.taken.append(execution)
            story.decisions.append([answer["request"]["status"], answer["decision"]])

    async def call(self, method: str, path: str, **given: Any) -> tuple[int, Any]:
        """The answer, from one gateway after the other until one gives it. A call that was cut off is made again."""
        for _ in range(10_000):
            port = next(self._turns)
            try:
                async with self.session.request(method, f"http://127.0.0.1:{port}{path}", **given) as response:
                    if response.status < 500 and response.status != 429:
                        return response.status, await response.json(content_type=None)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1)
        raise AssertionError(f"{method} {path} was never answered")
