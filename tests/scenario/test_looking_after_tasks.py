"""/task list, status, cancel and help: all answered in private."""

from __future__ import annotations

from pathlib import Path

from tests.support.stage import Bot, Room

GRAPHS = ("action",)


async def test_help_shows_every_subcommand_and_a_right_line_for_every_graph(bot: Bot, room: Room) -> None:
    answer = await room.says("alice", "/task help")

    for line in (
        "/task <graph> key=value",
        "/task cleanup path=logs",
        "/task action journal=",
        "/task list",
        "/task status <id>",
        "/task cancel <id>",
    ):
        assert line in answer
    assert await room.seat("bob").messages(room.channel) == []


async def test_a_task_is_listed_for_its_requester_with_where_it_stands(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await room.start(f"/task action journal={tmp_path / 'listed'}")
    card = await thread.card()
    id = await thread.task_id()

    assert f"{id} action · ⏳ waits for an answer" in await room.says("alice", "/task list")
    assert "You have started no task yet" in await room.says("carol", "/task list")
    status = await room.says("bob", f"/task status {id}")
    assert f"{id} action · ⏳ waits for an answer" in status
    assert f"by @alice in {room.channel}" in status
    assert "Act on listed?: ⏳ waits for @ops-leads, by" in status
    assert f"Task {id} belongs to @alice" in await room.says("dave", f"/task status {id}")

    await room.press("bob", card, "approve")
    await thread.ended("Acted.")

    status = await room.says("alice", f"/task status {id}")
    assert f"{id} action · ✅ Acted · approved by @bob" in status
    assert "Act on listed?: ✅ Approved by @bob" in status


async def test_a_cancelled_task_is_not_resumed_and_its_card_says_so(bot: Bot, room: Room, tmp_path: Path) -> None:
    journal = tmp_path / "cancelled"
    thread = await room.start(f"/task action journal={journal}")
    card = await thread.card()
    id = await thread.task_id()

    assert f"Task {id} belongs to @alice" in await room.says("bob", f"/task cancel {id}")
    assert "[Approve]" in room.read(await thread.again(card))
    assert f"Task {id} is cancelled" in await room.says("alice", f"/task cancel {id}")

    level = await thread.settled("Act on cancelled?", "Cancelled by @alice", without=["The agent", "the agent"])
    assert level["ts"] == card["ts"]
    await thread.ended("🚫 Cancelled by @alice")
    await thread.opening("🚫 Cancelled by @alice", without=["⏳"])
    assert "has already ended" in await room.says("alice", f"/task cancel {id}")
    assert "🚫 Cancelled by @alice" in await room.says("alice", f"/task status {id}")
    assert not journal.exists()


async def test_a_click_that_comes_after_a_cancel_is_told_so(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await room.start(f"/task action journal={tmp_path / 'late'}")
    card = await thread.card()
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")

    await room.says("alice", f"/task cancel {await thread.task_id()}")
    await room.seat("bob").submit({"reason": "too late"})

    assert "@alice cancelled this at" in await room.modal("bob", "Not counted")
