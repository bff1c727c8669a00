"""Guests and people of other companies: whatever they press is refused in private, unless a rule names them by id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator.client import Simulator
from tests.support.stage import Bot, Message, Room, Thread

GRAPHS = ("action",)
POLICY = """
defaults:
  approvers: ["@finance"]
  quorum: 2
  deadline: 1h
  extend: 1h
rules:
  - name: named
    match: {graph: cleanup}
    approvers: [U0ERIN, U0FRANK, U0GRACE]
    quorum: 1
"""


WHY = {"erin": "it is a guest's", "frank": "it belongs to another workspace"}


@pytest.fixture(autouse=True)
async def everybody(simulator: Simulator) -> AsyncIterator[None]:
    """A group in which there are people who may answer nothing."""
    await simulator.change_group("finance", people=["bob", "carol", "erin", "frank", "grace"])
    yield
    await simulator.change_group("finance", people=["bob", "dave"])


async def asked(room: Room, tmp_path: Path) -> tuple[Thread, Message]:
    thread = await room.start(f"/task action journal={tmp_path / 'journal'}")
    return thread, await thread.card()


@pytest.mark.parametrize("who", WHY)
async def test_a_group_lets_no_guest_and_nobody_of_another_company_in_whatever_they_press(
    who: str, bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread, card = await asked(room, tmp_path)

    answers = [await room.pressing(who, card, action) for action in ("approve", "reject")]
    answers += [await room.choosing(who, card, deed) for deed in ("extend", "delegate", "comment")]

    assert all("Your account may not answer requests" in answer for answer in answers), answers
    assert all(WHY[who] in answer for answer in answers)
    assert await room.seat(who).modal() is None
    assert room.read(await thread.again(card)) == room.read(card)


@pytest.mark.parametrize("who", ["erin", "frank"])
async def test_a_rule_that_names_a_guest_or_somebody_of_another_company_by_id_lets_them_answer(
    who: str, bot: Bot, room: Room
) -> None:
    bot.fill(f"logs-of-{who}")
    thread = await room.start(f"/task cleanup path=logs-of-{who} older_than=30d")

    await room.press(who, await thread.card(), "approve")

    await thread.settled(f"Approved by @{who}")
