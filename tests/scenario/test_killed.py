"""kill -9 at any moment, and start again: no request lost, no second card, no second run of the action."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.approvals.model.ids import Person, TeamId, UserId
from bot.storage.sqlite.store import SqliteStorage
from tests.support.stage import Bot, Room

GRAPHS = ("action", "plain")
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
rules:
  - name: short
    match: {graph: plain}
    deadline: 3s
"""
ALICE = Person(team_id=TeamId("T0ACME"), user_id=UserId("U0ALICE"))


async def a_minute_passes(bot: Bot) -> None:
    """What a killed process had claimed for its calls to Slack is free again."""
    storage = await SqliteStorage.open(bot.folder / "state" / "countersign.sqlite")
    try:
        for task in await storage.tasks_of(ALICE, 10):
            for message in await storage.messages_of(task.id):
                await storage.save_message(replace(message, not_before=None))
    finally:
        await storage.close()


async def killed(bot: Bot) -> None:
    """The bot has been killed at its point, and a minute has passed."""
    assert await asyncio.to_thread(bot.wait) == -9
    await a_minute_passes(bot)


async def assert_each_posted_once(room: Room, mark: int) -> None:
    counted = await room.posted_ids(mark)
    assert set(counted.values()) == {1}, counted


@pytest.mark.parametrize(
    ("starting", "deciding"),
    [
        ("task-recorded", "vote-saved"),
        ("interrupt-reached", "resume-begun"),
        ("request-opened", "before-delivered"),
        ("message-posted", "message-posted"),
    ],
)
async def test_a_bot_that_is_killed_at_the_start_and_at_the_decision_brings_both_to_their_end(
    own_bot: Bot, room: Room, tmp_path: Path, starting: str, deciding: str
) -> None:
    journal, mark = tmp_path / "killed", await room.mark()
    own_bot.start(COUNTERSIGN_CRASH_AT=starting)
    await room.seat("alice").command(room.channel, f"/task action journal={journal}")
    await killed(own_bot)

    if deciding == "message-posted":  # the card's; and once more the outcome's, below
        own_bot.start(COUNTERSIGN_CRASH_AT=deciding)
        await killed(own_bot)
    own_bot.start(COUNTERSIGN_CRASH_AT=deciding)
    thread = await room.opened()
    card = await thread.card("Act on killed?")
    await room.seat("bob").press(card, "approve")
    await killed(own_bot)

    own_bot.start()
    await thread.ended_well()
    assert journal.read_text() == "begun\ndone\n"
    await assert_each_posted_once(room, mark)


@pytest.mark.parametrize("point", ["decided", "leased", "run-returned"])
async def test_a_bot_that_is_killed_while_waiting_and_then_between_decision_and_resume_loses_nothing(
    own_bot: Bot, room: Room, tmp_path: Path, point: str
) -> None:
    journal, mark = tmp_path / "waiting", await room.mark()
    own_bot.start()
    thread = await room.start(f"/task action journal={journal}")
    card = await thread.card()
    await thread.opening("⏳")
    own_bot.kill()
    assert not (await room.seat("bob").press(card, "approve"))["ok"]
    await a_minute_passes(own_bot)

    own_bot.start(COUNTERSIGN_CRASH_AT=point)
    await room.seat("bob").press(card, "approve")
    await killed(own_bot)
    own_bot.start()

    await thread.ended_well()
    assert journal.read_text() == "begun\ndone\n"
    await assert_each_posted_once(room, mark)


async def test_a_bot_that_is_killed_in_the_very_node_that_acts_runs_that_node_again(
    own_bot: Bot, room: Room, tmp_path: Path
) -> None:
    journal, gate, mark = tmp_path / "node", tmp_path / "gate", await room.mark()
    os.mkfifo(gate)
    own_bot.start()
    thread = await room.start(f"/task action journal={journal} gate={gate}")
    await room.press("bob", await thread.card(), "approve")
    writer = await asyncio.to_thread(gate.open, "w")  # returns once the graph reads

    own_bot.kill()
    writer.close()
    gate.unlink()
    gate.touch()
    await a_minute_passes(own_bot)
    own_bot.start()

    await thread.ended_well()
    assert journal.read_text() == "begun\nbegun\ndone\n"
    await assert_each_posted_once(room, mark)


async def test_files_are_moved_once_though_the_bot_is_killed_before_it_has_recorded_that(
    own_bot: Bot, room: Room
) -> None:
    folder = own_bot.fill("moved", old=3, size=500)
    own_bot.start()
    thread = await room.start("/task cleanup path=moved older_than=30d")
    await thread.card()
    await thread.opening("⏳")
    own_bot.kill()
    await a_minute_passes(own_bot)
    own_bot.start(COUNTERSIGN_CRASH_AT="run-returned")
    await room.seat("bob").press(await thread.card(), "approve")
    await killed(own_bot)

    own_bot.start()

    await thread.ended("Moved 3 files, 1.5 kB (1,500 bytes)")
    await thread.ended_well()
    assert own_bot.trashed("moved") == ["old-0.log", "old-1.log", "old-2.log"]
    assert [file.name for file in folder.iterdir()] == ["new-3.log"]


async def test_a_deadline_that_passes_while_no_bot_runs_fires_when_one_does(own_bot: Bot, room: Room) -> None:
    own_bot.start()
    thread = await room.start("/task plain topic=downtime")
    card = await thread.card("Which region for downtime?")
    await thread.opening("⏳")
    own_bot.kill()
    await a_minute_passes(own_bot)

    own_bot.start()

    expired = await thread.settled("🛑", "Expired: nobody answered by", "the task was stopped")
    assert expired["ts"] == card["ts"]
    await thread.ended("🛑 Expired: nobody answered by", "@alice", "this question has no answer that says no")
    await thread.opening("🛑 Expired: nobody answered by", "stopped there", without=["⏳", "✅", "Finished"])
    assert len(await thread.messages()) == 3
