"""The main story: a task asks, the right person answers, and the agent goes on with that answer."""

from __future__ import annotations

from pathlib import Path

from tests.support.stage import Bot, Room

GRAPHS = ("action",)


async def test_a_command_is_acknowledged_and_opens_a_thread_with_a_card_that_says_it_all(bot: Bot, room: Room) -> None:
    bot.fill("reports", old=3, size=2000)
    before = await room.mark()

    thread = await room.start("/task cleanup path=reports older_than=30d")

    commands = await room.simulator.traffic(kind="slash_commands", after=before)
    assert commands[0]["acknowledged_after"] < 1.5
    assert room.read((await thread.messages())[0]).startswith("@alice started cleanup")
    card = await thread.card()
    for words in (
        "⏳ Move 3 files of reports to the trash?",
        "unchanged for 30 days",
        "@alice",
        "6.0 kB (6,000 bytes)",
        "Needs 1 of @ops-leads by",
        "[Approve] [Reject…] [Details]",
    ):
        assert words in room.read(card)
    assert all(f"old-{number}.log" in room.read(card) for number in range(3))

    await room.press("bob", card, "view_all")

    everything = await room.modal("bob", "May answer: @bob and @carol")
    assert all(f"old-{number}.log" in everything for number in range(3))
    assert "SHA-256" in everything or "[Raw JSON]" in everything


async def test_a_card_with_more_than_ten_lines_folds_and_is_approved_at_the_end_of_its_review(
    bot: Bot, room: Room
) -> None:
    bot.fill("archive", old=12, size=2000)
    thread = await room.start("/task cleanup path=archive older_than=30d")
    card = await thread.card("⏳ Move 12 files of archive to the trash?", "24.0 kB (24,000 bytes)", "@ops-leads")
    assert "[Review…]" in room.read(card)
    assert "[Approve" not in room.read(card)

    pages = await room.review("bob", card)

    assert all(f"old-{number}.log" in "\n".join(pages) for number in range(12))
    await room.answer("bob", "approve")
    await thread.settled("Approved by @bob")
    assert len(bot.trashed("archive")) == 12


async def test_the_requester_may_not_approve_and_another_person_may(bot: Bot, room: Room) -> None:
    folder = bot.fill("logs", old=3, young=2, size=1500)
    thread = await room.start("/task cleanup path=logs older_than=30d")
    card = await thread.card()

    refusal = await room.pressing("alice", card, "approve")

    assert "not yours to approve" in refusal
    assert "@bob, @carol" in refusal
    assert "Approved" not in room.read(await thread.again(card))
    assert len(list(folder.iterdir())) == 5

    await room.press("bob", card, "approve")

    settled = await thread.settled("✅", "Approved by @bob", "Moved 3 files")
    assert settled["ts"] == card["ts"]
    outcome = room.read(await thread.ended("Approved by @bob", "@alice"))
    assert "Moved 3 files, 4.5 kB (4,500 bytes), to files/.trash/" in outcome
    assert bot.trashed("logs") == ["old-0.log", "old-1.log", "old-2.log"]
    assert sorted(file.name for file in folder.iterdir()) == ["new-3.log", "new-4.log"]
    await thread.opening("@alice started cleanup", "✅ Moved 3 files", "approved by @bob", without=["⏳"])


async def test_a_rejection_says_why_on_the_card_and_to_the_graph(bot: Bot, room: Room) -> None:
    folder = bot.fill("audit", old=3)
    thread = await room.start("/task cleanup path=audit older_than=30d")
    card = await thread.card()

    await room.press("bob", card, "reject")
    assert "Why?" in await room.modal("bob", "Move 3 files of audit")
    errors = await room.seat("bob").submit({"reason": "   "})

    assert "reason" in errors
    assert "Rejected" not in room.read(await thread.again(card))

    errors = await room.seat("bob").submit({"reason": "the audit of March still reads these"})

    assert errors == {}
    assert await room.seat("bob").modal() is None
    settled = await thread.settled(
        "⛔", "Rejected by @bob", "the audit of March still reads these", "the agent was told"
    )
    assert settled["ts"] == card["ts"]
    await thread.ended("Rejected by @bob", "@alice", "Nothing was moved")
    await thread.opening("⛔ Rejected by @bob", without=["⏳", "✅", "Finished"])
    assert len(list(folder.glob("old-*"))) == 3


async def test_the_graph_is_told_why_it_was_rejected(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await room.start(f"/task action journal={tmp_path / 'why'}")
    await room.press("bob", await thread.card(), "reject")
    await room.modal("bob", "Why?")

    assert await room.submit("bob", {"Why?": "the *audit* of March"}) == {}

    await thread.ended("⛔", "Rejected by @bob", "@alice", "Not acted: the *audit* of March")
