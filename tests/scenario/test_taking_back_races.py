"""Somebody takes an answer back at the moment at which the agent gets it: one of the two happens, and never both."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.decision import Outcome
from bot.approvals.model.request import Decided, Delivered, Pending, ReopenedBy
from tests.support.stage import Message, Room
from tests.support.two_stores import (
    Case,
    House,
    answers,
    bot,
    case,
    house,
    houses,
    keep_cards,
    now,
    on_both_stores,
    room,
    simulator,
    store,
)

__all__ = ["bot", "house", "houses", "room", "simulator", "store"]
pytestmark = pytest.mark.usefixtures("bot")

GRAPHS = ("careful", "reversible")
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 8h
  hold: 30s
"""
ROUNDS = 3
SPACING = 12
"""Calls of the local Slack between two clicks: all clicks together take as long as the bot's sweep may be off."""


@on_both_stores
async def test_many_rounds(house: House, room: Room, tmp_path: Path) -> None:
    """Each ends open again, with a graph that got nothing, or delivered, with the refusal that it is too late."""
    async with AsyncExitStack() as stack:
        rounds: list[tuple[Case, Path, Message]] = []
        for number in range(ROUNDS):
            journal = tmp_path / f"journal-{number}"
            line = f"/task careful action=round-{number} journal={journal}"
            it = await stack.enter_async_context(case(house, room, line))
            await it.stands(Pending)
            await room.press("bob", await it.card(), "approve")
            await it.stands(Decided)
            rounds.append((it, journal, await it.card()))
        await keep_cards(room)

        async def click(number: int, it: Case, card: Message) -> None:
            for _ in range(number * SPACING):
                await room.simulator.skipped()
            await room.press("bob", card, "take_back")

        moved = asyncio.create_task(rounds[0][0].later(seconds=30))
        await asyncio.gather(moved, *(click(number, it, card) for number, (it, _, card) in enumerate(rounds)))

        await rounds[0][0].show_cards()
        for it, journal, _ in rounds:
            request = await it.stands(Pending, Delivered)
            taken_back, begun = await it.events("taken_back"), await it.events("resume_begun")
            assert len(taken_back) + len(begun) == 1
            if taken_back:
                assert isinstance(request.state, Pending)
                assert request.reopened is not None
                assert request.reopened.why is ReopenedBy.TAKEN_BACK
                assert not journal.exists()
                assert await it.refusals() == []
                await it.agree("@bob", offering=["approve", "reject"], opening=["⏳"])
            else:
                assert isinstance(request.state, Delivered)
                assert await it.outcome() == "told approve"
                assert journal.read_text() == '"approve"\n'
                assert await it.refusals() == ["TooLateToTakeBack"]
                await it.agree("@bob")


@on_both_stores
async def test_too_late_to_take_back_but_not_to_undo(house: House, room: Room, tmp_path: Path) -> None:
    """The refusal and the card offer Undo if what was done can be undone, and that leads there."""
    journal = tmp_path / "journal"
    at = await now(room.simulator) + timedelta(seconds=31)
    line = f"/task reversible journal={journal} asks=true at={at.isoformat()}"
    async with case(house, room, line) as it:
        await it.stands(Pending)
        await room.press("bob", await it.card(), "approve")
        await it.stands(Decided)
        card = await it.card()
        await keep_cards(room)
        await it.later(seconds=31)
        await it.stands(Pending, number=1)

        refused = await room.pressing("bob", card, "take_back")

        assert "Undo" in refused
        assert await it.refusals() == ["TooLateToTakeBack"]
        await it.show_cards()
        approval = await it.card(0)
        assert answers(approval) == ["review"]
        await room.press("alice", approval, "review")
        await room.modal("alice", "Wrote journal")
        await room.answer("alice", "undo")
        assert "Undone" in await it.outcome()
        assert len(journal.read_text().splitlines()) == 2
        request = await it.request(0)
        assert request.undo is not None
        assert request.undo.outcome is Outcome.UNDO
        assert answers(await it.card(0)) == []
