"""A program with a token asks, a person decides in Slack, and the program is told, even if the bot is killed."""

from __future__ import annotations

import asyncio
import base64
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook as Signature

from bot.approvals.services.webhooks import CLAIM
from bot.storage.sqlite.store import SqliteStorage
from tests.support.stage import Bot, Room
from tests.support.starter import WAIT

SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"
SETTINGS = {"WEBHOOK_SECRET": SECRET, "WEBHOOK_ALLOW": "127.0.0.1"}


@dataclass
class Receiver:
    """The program's own address: what came there, if its signature is right."""

    url: str = ""
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers["webhook-id"], Signature(SECRET).verify(await request.read(), headers)))
        async with self.came:
            self.came.notify_all()
        return web.Response(status=204)

    async def has(self, count: int) -> None:
        async with asyncio.timeout(WAIT), self.came:
            await self.came.wait_for(lambda: len(self.got) >= count)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/told", receiver.take)
    async with TestServer(application, host="127.0.0.1") as server:
        receiver.url = str(server.make_url("/told"))
        yield receiver


async def a_token(bot: Bot) -> str:
    """As an operator makes one beside the running bot."""
    words = ["-m", "bot", "tokens", "add", "billing", "--source", "billing-service"]
    made = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=bot.folder, env=dict(bot.environment), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await made.communicate()
    assert made.returncode == 0
    return out.decode().strip()


async def half_a_minute_passes(bot: Bot) -> None:
    """What the killed process had claimed is due again."""
    storage = await SqliteStorage.open(bot.folder / "state" / "countersign.sqlite")
    try:
        for webhook in await storage.due_webhooks(datetime.now(UTC) + CLAIM, 9):
            await storage.save_webhook(replace(webhook, next_try=datetime.now(UTC)))
    finally:
        await storage.close()


async def test_a_program_is_told_what_was_decided_again_if_the_bot_died_with_it(
    own_bot: Bot, room: Room, receiver: Receiver
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    own_bot.start(HTTP_BIND=bind, COUNTERSIGN_CRASH_AT="webhook-sent")
    headers = {"Authorization": f"Bearer {await a_token(own_bot)}", "Idempotency-Key": "order-1"}
    body = {"question": "Refund order 1?", "channel": room.channel, "callback_url": receiver.url}

    async with aiohttp.ClientSession(f"http://{bind}", headers=headers) as program:
        async with program.post("/v1/requests", json=body | {"callback_url": "http://10.0.0.1/"}) as refused:
            assert refused.status == 422
            assert "which WEBHOOK_ALLOW does not list" in (await refused.json())["detail"]
        async with program.post("/v1/requests", json=body) as asked:
            assert asked.status == 201, await asked.text()
            id = (await asked.json())["id"]
        thread = await room.opened("billing-service asks")
        await room.seat("bob").press(await thread.card("Refund order 1?"), "approve")
        await receiver.has(1)
        assert await asyncio.to_thread(own_bot.wait) == -9
        await half_a_minute_passes(own_bot)

        own_bot.start(HTTP_BIND=bind)
        await receiver.has(2)

        (first_id, first), (second_id, second) = receiver.got
        assert first_id == second_id
        assert first["type"] == second["type"] == "request.decided"
        assert first["data"]["id"] == second["data"]["id"] == id
        assert first["data"]["decision"] == second["data"]["decision"]
        assert first["data"]["decision"]["approved"] is True

        async def delivered() -> bool | None:
            async with program.get(f"/v1/requests/{id}") as read:
                callback = (await read.json())["callback"]
            return (callback["status"], callback["attempts"]) == ("delivered", 2) or None

        await room.until(delivered, "the webhook is delivered")
