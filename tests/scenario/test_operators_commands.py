"""What an operator does by command beside a bot, as people see it. No sweep helps: the bot is woken."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.support.stage import Bot, Room

GRAPHS = ("action", "failing")
SETTINGS = {"SWEEP_INTERVAL": "60"}


async def command(bot: Bot, *words: str) -> Any:
    """What `countersign ... --json` writes."""
    line = (sys.executable, "-m", "bot", *words, "--json")
    asked = await asyncio.create_subprocess_exec(
        *line, cwd=bot.folder, env=bot.environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asked.communicate()
    assert asked.returncode == 0
    return json.loads(out)


async def test_a_card_says_that_an_operator_cancelled_it_and_why(bot: Bot, room: Room, tmp_path: Path) -> None:
    journal = tmp_path / "cancelled"
    thread = await room.start(f"/task action journal={journal}")
    await thread.card()
    id = await thread.task_id()

    told = await command(bot, "tasks", "cancel", id, "--yes", "--reason", "the server is gone")

    assert told["state"] == "cancelled"
    said = "Cancelled by an operator ("
    await thread.settled("Act on cancelled?", said, without=["The agent", "the agent"])
    await thread.ended(f"🚫 {said}")
    await thread.opening(f"🚫 {said}", without=["⏳"])
    await room.seat("alice").command(room.channel, f"/approvals history {id}")
    assert "by command, cancelled it: “the server is gone”" in await room.modal("alice", f"Task {id}")
    await room.seat("alice").close_modal()
    assert not journal.exists()


async def test_a_task_that_failed_goes_on_once_an_operator_retries_it(bot: Bot, room: Room, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    thread = await room.start(f"/task failing fixed={fixed} when=started")
    await thread.ended("error id")
    id = await thread.task_id()
    assert [each["id"] for each in await command(bot, "tasks", "list", "--state", "stuck")] == [id]
    assert (await command(bot, "tasks", "show", id))["failure"]["summary"] == "ConnectionError"
    fixed.touch()

    await command(bot, "tasks", "retry", id)

    await thread.card()
    assert await command(bot, "tasks", "list", "--state", "stuck") == []


async def test_what_is_cancelled_while_no_bot_runs_is_shown_by_the_next_one(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread = await room.start(f"/task action journal={tmp_path / 'away'}")
    await thread.card()
    id = await thread.task_id()
    bot.stop()
    await command(bot, "tasks", "cancel", id, "--yes")

    bot.start()

    await thread.settled("Act on away?", "Cancelled by an operator (", without=["The agent", "the agent"])
