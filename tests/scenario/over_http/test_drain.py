"""SIGTERM over HTTP: what was taken is finished, what comes is refused with 503, and Slack sends it again."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp

from simulator.client import Simulator
from tests.support.signing import JSON, signed
from tests.support.stage import Bot, Room

GRAPHS = ("action",)
SETTINGS = {"SHUTDOWN_GRACE": "600"}
"""As long as the graph is in its step, the shutdown goes on."""


async def test_what_was_taken_is_finished_and_what_comes_is_sent_again(
    own_bot: Bot, room: Room, simulator: Simulator, tmp_path: Path
) -> None:
    own_bot.start()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    running = await room.start(f"/task action journal={tmp_path / 'running'} gate={gate}")
    await room.press("bob", await running.card(), "approve")
    writer = await asyncio.to_thread(gate.open, "w")
    thread = await room.start(f"/task action journal={tmp_path / 'journal'}")
    card = await thread.card()
    await simulator.fault("users.info", "delay", seconds=0.5)
    mark, before = await room.mark(), len(await room.seat("erin").notices())
    pressed = asyncio.create_task(room.press("dave", card, "approve"))

    async def arrived() -> bool:
        return bool(await simulator.traffic(method="users.info", after=mark))

    await simulator.wait_for(arrived)
    own_bot.terminate()
    await pressed
    assert "You may not answer this request" in await room.told("dave", containing="You may not")

    status, again = await late(own_bot)
    assert (status, again) == (503, True)
    assert not (await room.seat("bob").press(card, "approve"))["ok"]
    await room.seat("erin").send("@countersign", "hello")

    async def refused_twice() -> bool:
        events = await simulator.traffic(kind="events_api", after=mark)
        return len([each for each in events if each["payload"]["event"].get("text") == "hello"]) == 2

    await simulator.wait_for(refused_twice)
    writer.close()
    assert await asyncio.to_thread(own_bot.wait) == 0
    assert "Traceback" not in own_bot.log

    own_bot.start()
    await simulator.advance(60)

    await room.told("erin", after=before, containing="direct message")
    await thread.approved()


async def late(bot: Bot) -> tuple[int, bool]:
    """How a signed request is answered, and whether that says when to come again."""
    headers = signed("{}", JSON, secret=bot.environment["SLACK_SIGNING_SECRET"])
    url = f"http://{bot.environment['HTTP_BIND']}/slack/events"
    async with aiohttp.ClientSession() as session, session.post(url, data="{}", headers=headers) as answer:
        return answer.status, "Retry-After" in answer.headers
