"""Clicks that may not count: each is answered in private, and the card stays as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

from simulator.client import Simulator
from tests.support.stage import Bot, Message, Room, Thread

GRAPHS = ("action",)
POLICY = """
defaults:
  approvers: ["@ops-leads", U0GRACE]
  deadline: 1h
"""


async def asked(room: Room, tmp_path: Path) -> tuple[Thread, Message]:
    thread = await room.start(f"/task action journal={tmp_path / 'journal'}")
    return thread, await thread.card()


async def test_one_who_may_not_answer_is_told_in_private_who_may(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)

    refusals = {who: await room.pressing(who, card, "approve") for who in ("dave", "erin", "frank")}
    by_modal = await room.pressing("dave", card, "reject")

    assert "You may not answer this request. Who may: @bob, @carol" in refusals["dave"]
    assert "guest" in refusals["erin"]
    assert "another workspace" in refusals["frank"]
    assert "You may not answer this request" in by_modal
    assert await room.seat("dave").modal() is None
    assert room.read(await thread.again(card)) == room.read(card)
    assert not any("may not answer" in text for text in await thread.texts())


async def test_one_who_was_deactivated_since_the_card_came_may_not_answer(
    bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    await simulator.change_person("grace", deleted=False)
    _thread, card = await asked(room, tmp_path)
    await simulator.fault("users.info", "delay", seconds=1.0)

    before = len(await simulator.traffic(kind="interactive"))

    async def clicked() -> bool:
        return len(await simulator.traffic(kind="interactive")) > before

    pressing = asyncio.create_task(room.press("grace", card, "approve"))
    await simulator.wait_for(clicked)
    await simulator.change_person("grace", deleted=True)
    await pressing

    assert "deactivated" in await room.told("grace", containing="Your account may not answer")


async def test_a_click_on_a_settled_card_is_told_who_was_first_and_the_card_is_brought_level(
    bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    thread, card = await asked(room, tmp_path)
    for way in ("response_url", "chat.update"):
        await simulator.fault(way, "status", status=500, times=40)
    counted = await room.pressing("bob", card, "approve")
    await thread.ended("Acted.")
    assert counted == "Your approval counted. The card will show it in a moment."
    assert "[Approve]" in room.read(await thread.again(card))

    answers = [await room.pressing("carol", card, action) for action in ("approve", "reject", "approve")]
    await simulator.clear_faults()

    assert all("@bob approved this at" in answer for answer in answers)
    assert await room.seat("carol").modal() is None
    level = await thread.settled("Approved by @bob")
    assert level["ts"] == card["ts"]
    assert "[Approve]" not in room.read(level)
    assert (tmp_path / "journal").read_text() == "begun\ndone\n"


async def test_of_two_who_press_at_the_same_time_one_decides_and_the_other_is_told(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread, card = await asked(room, tmp_path)
    await room.press("carol", card, "reject")
    await room.modal("carol", "Why?")

    await room.press("bob", card, "approve")
    await thread.shows("Approved by @bob")
    await room.seat("carol").submit({"reason": "not today"})

    assert "@bob approved this at" in await room.modal("carol", "Not counted")
    await thread.ended("Acted.")
    assert not any("not today" in text for text in await thread.texts())
