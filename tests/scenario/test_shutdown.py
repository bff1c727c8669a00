"""SIGTERM: what is under way is brought to an end that loses nothing, and the process exits with 0."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from pathlib import Path

from simulator.client import Simulator
from tests.support.stage import Bot, Room

GRAPHS = ("action",)


async def test_an_idle_bot_ends_at_once(own_bot: Bot, simulator: Simulator) -> None:
    own_bot.start()

    assert own_bot.stop() == 0

    async def gone() -> bool:
        return not (await simulator.state())["connected"]

    await simulator.wait_for(gone)
    assert "Traceback" not in own_bot.log
    with contextlib.closing(sqlite3.connect(own_bot.folder / "state" / "countersign.sqlite")) as records:
        assert records.execute("SELECT owner FROM owners").fetchall() == []  # the next start takes nobody for dead


async def test_a_click_in_flight_is_answered_and_counts(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    journal = tmp_path / "inflight"
    thread = await room.start(f"/task action journal={journal}")
    card = await thread.card()
    await simulator.fault("users.info", "delay", seconds=0.7, times=2)

    await asyncio.gather(room.press("dave", card, "approve"), room.press("bob", card, "approve"))
    own_bot.terminate()

    assert await asyncio.to_thread(own_bot.wait) == 0
    assert "You may not answer this request" in await room.told("dave", containing="You may not")
    assert "Approved by @bob" in room.read(await thread.again(card))

    own_bot.start()

    await thread.ended_well()
    assert journal.read_text() == "begun\ndone\n"


async def test_a_modal_that_was_sent_is_answered_and_counts(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    thread = await room.start(f"/task action journal={tmp_path / 'sent'}")
    card = await thread.card()
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")
    await thread.shows("@alice started", "⏳", "@ops-leads")
    mark = await room.mark()

    with sqlite3.connect(own_bot.folder / "state" / "countersign.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")  # nothing can be recorded for a moment
        sent = asyncio.create_task(room.seat("bob").submit({"reason": "not in this release"}))

        async def arrived() -> bool:
            return bool(await simulator.traffic(kind="interactive", after=mark))

        await simulator.wait_for(arrived)
        await room.press("dave", card, "approve")  # acknowledged, so what came before it is being worked on
        own_bot.terminate()
        other.execute("ROLLBACK")
    other.close()

    assert await sent == {}
    assert await asyncio.to_thread(own_bot.wait) == 0
    await thread.shows("Rejected by @bob", "not in this release")


async def test_a_graph_that_is_running_may_end_its_step(own_bot: Bot, room: Room, tmp_path: Path) -> None:
    own_bot.start()
    journal, gate = tmp_path / "step", tmp_path / "gate"
    os.mkfifo(gate)
    thread = await room.start(f"/task action journal={journal} gate={gate}")
    await room.press("bob", await thread.card(), "approve")
    writer = await asyncio.to_thread(gate.open, "w")  # returns once the graph reads

    own_bot.terminate()
    assert journal.read_text() == "begun\n"
    writer.close()

    assert await asyncio.to_thread(own_bot.wait) == 0
    own_bot.start()
    await thread.ended_well()
    assert journal.read_text() == "begun\ndone\n"
