"""SIGTERM while programs wait at the HTTP API: they are answered, new calls are refused, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.stage import Bot, Room
from tests.support.starter import ran

GRAPHS = ("action",)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


PORT = _free_port()
SETTINGS = {"HTTP_BIND": f"127.0.0.1:{PORT}", "SHUTDOWN_GRACE": "600"}
"""As long as the graph is in its step, the shutdown goes on: nothing but the drain answers anybody."""
REQUESTS = f"http://127.0.0.1:{PORT}/v1/requests"


async def test_who_waits_is_answered_and_who_comes_is_told_when_to_come_again(
    own_bot: Bot, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    command = ["bot", "tokens", "add", "shop", "--source", "shop", "--channel", room.channel]
    made = ran(command, cwd=own_bot.folder, env=own_bot.environment)
    token = next(word for word in made.stdout.split() if word.startswith("csk_"))
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def ask(key: str) -> tuple[int, Any, str | None]:
            body = {"question": {"action": "refund", "arguments": {"order": 1}}}
            async with session.post(REQUESTS, json=body, headers={"Idempotency-Key": key}) as response:
                return response.status, await response.json(), response.headers.get("Retry-After")

        async def read(path: str) -> str:
            async with session.get(f"{REQUESTS}/{path}") as response:
                assert response.status == 200
                return await response.text()

        writer = await _a_graph_is_in_a_step(room, tmp_path)
        _, asked, _ = await ask("before")
        async with session.get(f"{REQUESTS}/{asked['id']}/events") as events:
            assert await events.content.readline() == b"retry: 2000\n"
            waits = asyncio.create_task(read(f"{asked['id']}?wait=60"))
            await read(asked["id"])  # came after the one that waits, so that one has come, too

            own_bot.terminate()

            assert '"status":"pending"' in await waits
            assert b"event: pending" in await events.content.read()
        status, problem, again = await ask("late")
        assert (status, problem["type"]) == (503, "/docs#problem-unavailable")
        assert int(again or 0) > 0
        writer.close()
        assert await asyncio.to_thread(own_bot.wait) == 0
        assert "Traceback" not in own_bot.log

        own_bot.start()
        assert (await ask("before"))[0] == 200
        assert (await ask("late"))[0] == 201


async def _a_graph_is_in_a_step(room: Room, folder: Path) -> Any:
    """What ends the step once it is closed. Until then, the shutdown waits for it."""
    gate = folder / "gate"
    os.mkfifo(gate)
    thread = await room.start(f"/task action journal={folder / 'journal'} gate={gate}")
    await room.press("bob", await thread.card(), "approve")
    return await asyncio.to_thread(gate.open, "w")
