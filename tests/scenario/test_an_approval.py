"""The main story: a task asks, the right person answers, and the agent goes on with that answer."""

from __future__ import annotations

from tests.support.stage import Bot, Room


async def test_a_command_is_acknowledged_and_opens_a_thread_with_a_card_that_says_it_all(bot: Bot, room: Room) -> None:
    bot.fill("reports", old=12, size=2000)
    before = await room.mark()

    thread = await room.start("/task cleanup path=reports older_than=30d")

    commands = await room.simulator.traffic(kind="slash_commands", after=before)
    assert commands[0]["acknowledged_after"] < 1.5
    assert room.read((await thread.messages())[0]).startswith("@alice started cleanup")
    card = await thread.card()
    for words in (
        "Move 12 files of reports to the trash?",
        "They were not changed for 30d",
        "Asked by @alice for cleanup",
        "24.0 kB (24,000 bytes)",
        "reports/old-11.log",
        "@bob and @carol",
        "Answer by",
        "[Approve] [Reject] [View all] [History]",
    ):
        assert words in room.read(card)
    assert all(f"reports/old-{number}.log" in room.read(card) for number in range(12))

    await room.press("bob", card, "view_all")

    everything = await room.modal("bob", "View all")
    assert all(f"reports/old-{number}.log" in everything for number in range(12))


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

    settled = await thread.shows("Approved by @bob", "The agent was told, and went on")
    assert settled["ts"] == card["ts"]
    assert "[Approve]" not in room.read(settled)
    assert "[Reject]" not in room.read(settled)
    outcome = room.read(await thread.shows("cleanup finished, @alice"))
    assert "Moved 3 files, 4.5 kB (4,500 bytes), to files/.trash/" in outcome
    assert bot.trashed("logs") == ["old-0.log", "old-1.log", "old-2.log"]
    assert sorted(file.name for file in folder.iterdir()) == ["new-3.log", "new-4.log"]
    await thread.shows("@alice started cleanup", "Finished")


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
    settled = await thread.shows("Rejected by @bob", "> the audit of March still reads these")
    assert settled["ts"] == card["ts"]
    assert "[Approve]" not in room.read(settled)
    await thread.shows("Nothing was moved: 3 files of audit stay", "Feedback: the audit of March still reads these")
    assert len(list(folder.glob("old-*"))) == 3
