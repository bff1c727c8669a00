"""Requests over HTTP: what Slack has not signed has no effect, and what it sends twice has one."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from simulator.client import Simulator
from tests.support.signing import FORM, JSON, signed
from tests.support.stage import Bot, Room

GRAPHS = ("action",)


async def sent(bot: Bot, body: str, headers: Mapping[str, str]) -> int:
    """The status with which the bot answers this request."""
    url = f"http://{bot.environment['HTTP_BIND']}/slack/events"
    async with aiohttp.ClientSession() as session, session.post(url, data=body.encode(), headers=headers) as answer:
        return answer.status


async def openings(room: Room) -> int:
    return len([each for each in await room.seat("bob").messages(room.channel) if "started" in room.read(each)])


async def test_a_request_counts_if_slack_has_signed_it_and_once(bot: Bot, room: Room, tmp_path: Path) -> None:
    secret, mark = bot.environment["SLACK_SIGNING_SECRET"], await room.mark()
    await room.start(f"/task action journal={tmp_path / 'signed'}")
    (command,) = await room.simulator.traffic(kind="slash_commands", after=mark)
    body = urlencode({**command["payload"], "trigger_id": "1.2"})
    right = signed(body, FORM, secret=secret)

    forged = [
        {"content-type": FORM},
        signed(body, FORM, secret="f" * 32),
        signed(body.replace("signed", "forged"), FORM, secret=secret),
        signed(body, FORM, secret=secret, age=330),
    ]
    assert [await sent(bot, body, headers) for headers in forged] == [401] * 4
    assert [await sent(bot, body, right) for _ in range(3)] == [200] * 3

    await room.opened()
    assert await openings(room) == 2

    bot.kill()  # whoever has recorded a request may send it to a process that has not heard it
    bot.start()
    assert await sent(bot, body, right) == 200
    await room.start(f"/task action journal={tmp_path / 'after'}")
    assert await openings(room) == 3


async def test_an_event_that_is_told_again_is_heard_once(bot: Bot, room: Room) -> None:
    secret, mark, before = bot.environment["SLACK_SIGNING_SECRET"], await room.mark(), await told(room, "carol")
    await room.seat("carol").send("@countersign", "once")
    await room.told("carol", after=before, containing="direct message")
    events = await room.simulator.traffic(kind="events_api", after=mark)
    (event,) = [each["payload"] for each in events if each["payload"]["event"].get("text") == "once"]

    for attempt in (1, 2):
        body = json.dumps(event, indent=attempt)  # another body, so that only its event is known
        headers = {**signed(body, JSON, secret=secret), "x-slack-retry-num": str(attempt)}
        assert await sent(bot, body, headers) == 200

    body = json.dumps({**event, "event_id": "Ev0OTHER"})
    assert await sent(bot, body, signed(body, JSON, secret=secret)) == 200
    await room.told("carol", after=before + 1)
    assert await told(room, "carol") == before + 2


async def test_an_event_that_the_bot_was_too_slow_for_comes_again_and_has_one_effect(
    bot: Bot, room: Room, simulator: Simulator
) -> None:
    mark, before = await room.mark(), await told(room, "dave")
    gateway = gateway_of(bot)

    async def tries() -> list[dict[str, Any]]:
        events = await simulator.traffic(kind="events_api", after=mark)
        return [each for each in events if each["payload"]["event"].get("text") == "too late"]

    async def tried(times: int) -> bool:
        return len(await tries()) == times

    os.kill(gateway, signal.SIGSTOP)
    try:
        await room.seat("dave").send("@countersign", "too late")
        await simulator.wait_for(lambda: tried(1))
        await simulator.advance(3.1)
        await simulator.wait_for(lambda: tried(2))
    finally:
        os.kill(gateway, signal.SIGCONT)

    await room.told("dave", after=before, containing="direct message")
    first, second = await tries()
    assert (first["retry_attempt"], second["retry_attempt"]) == (0, 1)
    assert first["payload"] == second["payload"]
    assert await told(room, "dave") == before + 1


async def test_a_click_is_acknowledged_in_time_while_storage_does_not_answer(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread = await room.start(f"/task action journal={tmp_path / 'locked'}")
    card = await thread.card()
    mark = await room.mark()

    with sqlite3.connect(bot.folder / "state" / "countersign.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        await room.press("bob", card, "approve")
        other.execute("ROLLBACK")
    other.close()

    (click,) = await room.simulator.traffic(kind="interactive", after=mark)
    assert click["acknowledged_after"] < 3
    await thread.ended_well()


async def told(room: Room, who: str) -> int:
    """How often this person was told something in private."""
    return len(await room.seat(who).notices())


def gateway_of(bot: Bot) -> int:
    """The process of the gateway: of the supervisor's two, the one that has forked no worker."""
    assert bot.process is not None
    (gateway,) = [pid for pid in children(bot.process.pid) if not children(pid)]
    return gateway


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
