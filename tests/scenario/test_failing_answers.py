"""A graph that raises on its answer: the card says so, and a retry delivers the answer, once."""

from __future__ import annotations

from pathlib import Path

from tests.support.stage import Bot, Room

GRAPHS = ("failing",)


async def test_a_graph_that_raises_on_its_answer_says_so_on_the_card_and_a_retry_delivers_it_once(
    own_bot: Bot, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    fixed = tmp_path / "mended"
    thread = await room.start(f"/task failing fixed={fixed} when=answered")
    card = await thread.card("Go on with mended?")
    await room.press("bob", card, "approve")

    stopped = await thread.shows("Approved by @bob", "Stopped by an error (ConnectionError)", "[Retry now]")

    assert stopped["ts"] == card["ts"]
    assert "the mail server" in own_bot.trace(room.read(stopped))
    assert "[Approve]" not in room.read(stopped)

    fixed.touch()
    await room.press("bob", stopped, "retry")

    await thread.settled("✅", "Approved by @bob", "was told: approve", without=["Stopped"])
    await thread.ended("Approved by @bob", "It was told: approve.")
    assert fixed.read_text() == "approve\n"
    assert len(await thread.cards()) == 1


async def test_two_who_retry_at_once_deliver_once(own_bot: Bot, room: Room, tmp_path: Path) -> None:
    own_bot.start()
    fixed = tmp_path / "both"
    thread = await room.start(f"/task failing fixed={fixed} when=answered")
    await room.press("bob", await thread.card(), "approve")
    stopped = await thread.shows("Approved by @bob", "[Retry now]")
    fixed.touch()

    await room.press("bob", stopped, "retry")
    await room.press("alice", stopped, "retry")

    await thread.ended("Approved by @bob", "It was told: approve.")
    await thread.settled("Approved by @bob", without=["Stopped"])
    assert fixed.read_text() == "approve\n"
