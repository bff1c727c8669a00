"""Silence: a reminder, then others are asked by DM, then the request expires and the graph is told so."""

from __future__ import annotations

from pathlib import Path

from tests.support.stage import Bot, Room

GRAPHS = ("action", "proposal")
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  remind_every: 1s
  escalate: {after: 2s, to: ["@on-call"]}
  deadline: 1h
rules:
  - name: short
    match: {graph: [cleanup, proposal]}
    deadline: 4s
"""


async def test_the_ones_who_are_asked_by_dm_may_answer_there_and_every_copy_is_brought_level(
    own_bot: Bot, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    journal = tmp_path / "escalated"
    thread = await room.start(f"/task action journal={journal}")
    card = await thread.card()
    refusal = await room.pressing("dave", card, "approve")
    assert "You may not answer this request. Who may: @bob, @carol." in refusal

    reminder = await thread.shows("⏰", "Still waiting for @bob", "Act on escalated?")
    asked = "You are asked because nobody answered for 2 seconds (@bob"
    await room.direct("carol", asked, room.channel, "Act on escalated?", "[Approve]")
    copy = await room.direct("dave", asked, "Act on escalated?", "[Approve]", "@alice", room.channel)

    assert reminder["ts"] != card["ts"]
    assert "@on-call" in room.read(await thread.card("@on-call"))
    assert not [m for m in await room.seat("bob").messages("@countersign") if "escalated" in room.read(m)]

    await room.press("dave", copy, "approve")

    await thread.settled("✅", "Approved by @dave")
    for who in ("carol", "dave"):
        level = await room.direct(who, "Act on escalated?", "Approved by @dave", "Acted")
        assert "[Approve]" not in room.read(level)
    await thread.ended("Acted.")
    await thread.lacks("⏰", "Still waiting")
    assert journal.read_text() == "begun\ndone\n"


async def test_at_the_deadline_every_copy_says_so_and_the_graph_is_told_that_nobody_answered(
    own_bot: Bot, room: Room
) -> None:
    own_bot.start()
    thread = await room.start("/task proposal action=silent")
    card = await thread.card()
    await thread.shows("⏰", "Still waiting for")
    copies = [await room.direct(who, "Silent", "[Approve]") for who in ("carol", "dave")]

    expired = await thread.settled("⌛", "Expired: nobody answered by", "the agent was told")

    assert expired["ts"] == card["ts"]
    for who, copy in zip(("carol", "dave"), copies, strict=True):
        level = await room.direct(who, "Silent", "⌛", "Expired: nobody answered by")
        assert level["ts"] == copy["ts"]
        assert "[Approve]" not in room.read(level)
    await thread.ended("⌛ Expired: nobody answered by", "@alice", "told reject: Rejected: nobody answered by")
    await thread.opening("⌛ Expired: nobody answered by", without=["⏳", "✅", "Finished"])
    assert len(await thread.cards()) == 1


async def test_silence_moves_no_file(own_bot: Bot, room: Room) -> None:
    own_bot.start()
    folder = own_bot.fill("silent", old=3)
    thread = await room.start("/task cleanup path=silent older_than=30d")

    await thread.ended("⌛ Expired: nobody answered by", "Nothing was moved")

    assert len(list(folder.glob("old-*"))) == 3
