"""A graph that raises: people see it with an error id, the log has the trace under that id, and it can be retried."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scenario.stage import Bot, Room

GRAPHS = ("failing", "action")


def error_id(text: str) -> str:
    found = re.search(r"error id (\w+)", text)
    assert found is not None, text
    return found[1]


def trace(bot: Bot, id: str) -> str:
    """What the log has under that id, up to the next record."""
    records = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d )", bot.log)
    return next(record for record in records if f"error {id}" in record)


async def test_a_graph_that_raises_says_so_in_its_thread_and_can_be_retried(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    fixed = tmp_path / "fixed"
    thread = await room.start(f"/task failing fixed={fixed} when=started")

    stopped = await thread.shows("failing did not finish, @alice", "Stopped by an error (ConnectionError)", "[Retry]")

    text = room.read(stopped)
    assert "10.0.0.7" not in text
    found = trace(bot, error_id(text))
    assert "Traceback" in found
    assert "the mail server at 10.0.0.7 is down" in found

    await room.press("alice", stopped, "retry")
    second = await thread.shows("Stopped by an error", "[Retry]", without=[error_id(text)])
    assert "[Retry]" not in room.read(await thread.again(stopped))
    fixed.touch()
    await room.press("alice", second, "retry")

    card = await thread.card("Go on with fixed?")
    await room.press("bob", card, "approve")
    await thread.shows("failing finished", "It was told: approve.")
    assert not any("[Retry]" in text for text in await thread.texts())


async def test_only_the_requester_and_those_asked_may_retry(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await room.start(f"/task failing fixed={tmp_path / 'fixed'} when=started")
    stopped = await thread.shows("Stopped by an error", "[Retry]")

    answer = await room.pressing("dave", stopped, "retry")

    assert "belongs to @alice" in answer
    assert "[Retry]" in room.read(await thread.again(stopped))


async def test_a_graph_that_raises_on_its_answer_says_so_on_the_card_and_a_retry_delivers_it_once(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    fixed = tmp_path / "mended"
    thread = await room.start(f"/task failing fixed={fixed} when=answered")
    card = await thread.card("Go on with mended?")
    await room.press("bob", card, "approve")

    stopped = await thread.shows("Approved by @bob", "Stopped by an error (ConnectionError)", "[Retry now]")

    assert stopped["ts"] == card["ts"]
    assert "the mail server" in trace(bot, error_id(room.read(stopped)))
    assert "[Approve]" not in room.read(stopped)

    fixed.touch()
    await room.press("bob", stopped, "retry")

    level = await thread.shows("Approved by @bob", "The agent went on")
    assert "Stopped" not in room.read(level)
    await thread.shows("failing finished", "It was told: approve.")
    assert fixed.read_text() == "approve\n"
    assert len(await thread.cards()) == 1


async def test_two_who_retry_at_once_deliver_once(bot: Bot, room: Room, tmp_path: Path) -> None:
    fixed = tmp_path / "both"
    thread = await room.start(f"/task failing fixed={fixed} when=answered")
    await room.press("bob", await thread.card(), "approve")
    stopped = await thread.shows("Approved by @bob", "[Retry now]")
    fixed.touch()

    await room.press("bob", stopped, "retry")
    await room.press("alice", stopped, "retry")

    await thread.shows("failing finished", "It was told: approve.")
    await thread.shows("Approved by @bob", "The agent went on")
    assert fixed.read_text() == "approve\n"
