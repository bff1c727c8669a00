"""A graph that raises: people see it with an error id, the log has the trace under that id, and it can be retried."""

from __future__ import annotations

from pathlib import Path

from tests.support.stage import Bot, Room

GRAPHS = ("failing",)


async def test_a_graph_that_raises_says_so_in_its_thread_and_can_be_retried(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    fixed = tmp_path / "fixed"
    thread = await room.start(f"/task failing fixed={fixed} when=started")

    stopped = await thread.shows("⚠️", "Stopped by an error (ConnectionError)", "@alice", "[Retry]")
    await thread.opening("⚠️ Stopped by an error", without=["✅", "Finished"])

    text = room.read(stopped)
    assert "10.0.0.7" not in text
    found = bot.trace(text)
    assert "Traceback" in found
    assert "the mail server at 10.0.0.7 is down" in found

    await room.press("alice", stopped, "retry")
    second = await thread.shows("Stopped by an error", "[Retry]", without=[text.partition("error id ")[2].split()[0]])
    assert (await thread.shows("This was tried again.", without=["[Retry]"]))["ts"] == stopped["ts"]
    fixed.touch()
    await room.press("alice", second, "retry")

    card = await thread.card("Go on with fixed?")
    await room.press("bob", card, "approve")
    await thread.ended("✅", "Approved by @bob", "It was told: approve.")


async def test_only_the_requester_and_those_asked_may_retry(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await room.start(f"/task failing fixed={tmp_path / 'fixed'} when=started")
    stopped = await thread.shows("Stopped by an error", "[Retry]")

    answer = await room.pressing("dave", stopped, "retry")

    assert "belongs to @alice" in answer
    assert "[Retry]" in room.read(await thread.again(stopped))
