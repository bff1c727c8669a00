"""An approved graph finds the world changed just before it acts, and asks about that on the same card."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.approvals.model.request import Decided, Delivered, NotUsed, Pending, Request
from tests.support.stage import Room
from tests.support.two_stores import (
    Case,
    House,
    bot,
    case,
    house,
    houses,
    keep_cards,
    on_both_stores,
    room,
    simulator,
    store,
)

__all__ = ["bot", "house", "houses", "room", "simulator", "store"]
pytestmark = pytest.mark.usefixtures("bot")

GRAPHS = ("watchful",)
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 8h
  channel: "#ops"
  hold: 30s
"""
OPEN = ("approve", "reject")


@asynccontextmanager
async def asked(house: House, room: Room, file: Path) -> AsyncIterator[Case]:
    """A graph that asks to delete a file, whose card bob has approved, and which has not acted yet."""
    hold(file, "one")
    async with case(house, room, f"/task watchful file={file}") as asked:
        await asked.stands(Pending)
        await approved(asked, "bob")
        yield asked


async def approved(it: Case, who: str) -> None:
    await it.room.press(who, await it.card(), "approve")
    await it.stands(Decided)


async def changed(it: Case, version: int) -> Request:
    """The one request, open in this version, because the world has changed."""
    request = await it.stands(Pending, version=version)
    assert len((await it.records()).requests) == 1
    assert request.before is not None
    assert request.before.why is NotUsed.WORLD_CHANGED
    assert request.votes == ()
    return request


def hold(file: Path, text: str) -> None:
    """From now on the file holds this."""
    file.write_text(text)


def deleted(file: Path) -> list[str]:
    """What was deleted."""
    journal = file.with_suffix(".deleted")
    return journal.read_text().split() if journal.exists() else []


@on_both_stores
async def test_the_world_has_changed(house: House, room: Room, tmp_path: Path) -> None:
    """The same card shows a new version with the difference, and a yes acts on that."""
    file = tmp_path / "file"
    async with asked(house, room, file) as it:
        card, (copy,) = await it.card(), await it.copies()
        hold(file, "another")
        await it.later(seconds=31)

        await changed(it, 2)
        await it.agree("@bob", "another", offering=OPEN, opening=["⏳"])
        assert ((await it.card())["ts"], (await it.copies())[0]["ts"]) == (card["ts"], copy["ts"])
        assert len(await it.thread.cards()) == 1
        assert deleted(file) == []

        await approved(it, "carol")
        await it.later(seconds=31)
        assert await it.outcome() == "Deleted another."
        await it.stands(Delivered)
        assert deleted(file) == ["another"]
        await it.agree("@carol")
        assert (await it.card())["ts"] == card["ts"]


@on_both_stores
async def test_it_changes_once_more_while_people_are_asked(house: House, room: Room, tmp_path: Path) -> None:
    """A yes to what was shown is not used for what is there now: that is a third version."""
    file = tmp_path / "file"
    async with asked(house, room, file) as it:
        hold(file, "another")
        await it.later(seconds=31)
        await changed(it, 2)
        hold(file, "a-third")

        await approved(it, "carol")
        await it.later(seconds=31)

        request = await it.stands(Pending, version=3)
        assert deleted(file) == []
        assert request.before is not None
        await it.agree("a-third", offering=OPEN, opening=["⏳"])
        await approved(it, "bob")
        await it.later(seconds=31)
        assert await it.outcome() == "Deleted a-third."
        assert deleted(file) == ["a-third"]


async def test_the_world_is_as_it_was(house: House, room: Room, tmp_path: Path) -> None:
    """If it is back to what was approved first while people are asked about the change, they are asked about that."""
    file = tmp_path / "file"
    async with asked(house, room, file) as it:
        hold(file, "another")
        await it.later(seconds=31)
        await changed(it, 2)
        hold(file, "one")

        await approved(it, "carol")
        await it.later(seconds=31)

        await it.stands(Pending, version=3)
        assert deleted(file) == []
        await it.agree("one", offering=OPEN, opening=["⏳"])
        await approved(it, "bob")
        await it.later(seconds=31)
        assert await it.outcome() == "Deleted one."
        assert deleted(file) == ["one"]


async def test_nothing_has_changed(house: House, room: Room, tmp_path: Path) -> None:
    """The graph acts, and nobody is asked twice."""
    file = tmp_path / "file"
    async with asked(house, room, file) as it:
        await it.later(seconds=31)

        assert await it.outcome() == "Deleted one."
        assert (await it.stands(Delivered)).version == 1
        await it.agree("@bob")


async def test_a_no_to_the_change(house: House, room: Room, tmp_path: Path) -> None:
    """The first yes does not count any more."""
    file = tmp_path / "file"
    async with asked(house, room, file) as it:
        hold(file, "another")
        await it.later(seconds=31)
        await changed(it, 2)

        await room.press("carol", await it.card(), "reject")
        await room.modal("carol", "Why?")
        await room.seat("carol").submit({"reason": "not this one"})
        await it.stands(Decided)
        await it.later(seconds=31)

        assert await it.outcome() == "Not deleted."
        assert deleted(file) == []
        await it.agree("@carol", without=["Approved"])


async def test_a_yes_to_the_version_of_before(house: House, room: Room, tmp_path: Path) -> None:
    """A click on a card that still shows what was approved first approves nothing, and says what has changed."""
    file = tmp_path / "file"
    async with asked(house, room, file) as it:
        hold(file, "another")
        await room.press("bob", await it.card(), "take_back")
        await it.stands(Pending)
        old = await it.card()
        await keep_cards(room)
        await room.press("bob", old, "approve")
        await it.stands(Decided)
        await it.later(seconds=31)
        await it.stands(Pending, version=2)

        refused = await room.pressing("carol", old, "approve")

        assert "another" in refused
        assert (await it.refusals())[-1] == "StaleVersion"
        assert deleted(file) == []
