"""Escalation by DM to people whom no DM reaches: recorded, said in the thread, and the next on the list are asked."""

from __future__ import annotations

from pathlib import Path

from simulator.client import Simulator
from tests.support.stage import Bot, Room

GRAPHS = ("action",)
POLICY = """
defaults:
  approvers: [U0BOB]
  escalate:
    - {after: 1s, to: [U0GRACE]}
    - {after: 1h, to: [U0CAROL, U0DAVE]}
  deadline: 2h
"""


async def test_where_nobody_of_a_step_has_a_dm_the_thread_says_so_and_the_next_are_asked_at_once(
    own_bot: Bot, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    thread = await room.start(f"/task action journal={tmp_path / 'deactivated'}")

    told = room.read(await thread.shows("@grace could not be asked by direct message", "it is deactivated"))
    copies = [await room.direct(who, "Act on deactivated?", "[Approve]") for who in ("carol", "dave")]

    assert "the next on the list are asked now" in told
    await room.press("dave", copies[1], "approve")
    await thread.settled("Approved by @dave")
    await room.direct("carol", "Act on deactivated?", "Approved by @dave")


async def test_a_dm_that_slack_refuses_is_told_of_while_the_others_have_the_card(
    own_bot: Bot, room: Room, simulator: Simulator, tmp_path: Path
) -> None:
    own_bot.start()
    await simulator.fault("conversations.open", "error", error="user_disabled")

    thread = await room.start(f"/task action journal={tmp_path / 'refused'}")

    told = room.read(await thread.shows("@carol could not be asked by direct message: the account is deactivated"))
    assert "The others who were to be asked have the card." in told
    await room.press("dave", await room.direct("dave", "Act on refused?", "[Approve]"), "approve")
    await thread.settled("Approved by @dave")
    card = next(text for text in await thread.texts() if "Approved by @dave" in text)
    assert "@carol could not be asked" not in card
