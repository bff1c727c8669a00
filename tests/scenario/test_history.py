"""What happened to a request, as people read it: by the card's button, and by `/approvals history`."""

from __future__ import annotations

import asyncio
import json

from tests.support.stage import Bot, Room
from tests.support.starter import ran


async def test_the_history_tells_who_did_what_from_where_and_on_what(bot: Bot, room: Room) -> None:
    bot.fill("logs", old=3)
    thread = await room.start("/task cleanup path=logs older_than=30d")
    card = await thread.card()
    await room.pressing("alice", card, "approve")
    await room.press("bob", card, "view_all")
    await room.modal("bob", "May answer")
    await room.seat("bob").close_modal()
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")
    await room.submit("bob", {"Why?": "Not *today*"})
    settled = await thread.settled("Rejected by @bob", "the agent was told")

    await room.press("alice", settled, "history")

    told = await room.modal("alice", "Request ")
    await room.seat("alice").close_modal()
    for sentence in (
        "@alice started cleanup.",
        "The agent asked.",
        f"The card was shown to {room.channel}.",
        "@alice was refused: You started this task, so it is not yours to approve.",
        "@bob viewed all of it.",
        "@bob rejected: “Not today”. That settled it: rejected.",
        "The agent took the answer, and went on.",
        "The task finished",
        "on the card",
        "digest",
    ):
        assert sentence in told


async def test_the_command_shows_it_to_those_whom_it_concerns_and_the_refusal_of_others_is_part_of_it(
    bot: Bot, room: Room
) -> None:
    bot.fill("reports", old=2)
    thread = await room.start("/task cleanup path=reports older_than=30d")
    request_id = await thread.request_id()
    task_id = await thread.task_id()

    assert "belongs to @alice" in await room.says("dave", f"/approvals history {request_id}")
    assert "There is no task nothing" in await room.says("bob", "/approvals history nothing")
    assert "Try: /approvals history 1a2b" in await room.says("bob", "/approvals history")
    await room.seat("bob").command(room.channel, f"/approvals history {request_id}")

    of_the_request = await room.modal("bob", f"Request {request_id}")
    await room.seat("bob").close_modal()
    await room.seat("alice").command(room.channel, f"/approvals history {task_id}")
    of_the_task = await room.modal("alice", f"Task {task_id}")

    for told in (of_the_request, of_the_task):
        assert "@dave was refused" in told
        assert "by command" in told


async def test_a_long_history_has_pages(bot: Bot, room: Room) -> None:
    bot.fill("drafts", old=2)
    thread = await room.start("/task cleanup path=drafts older_than=30d")
    card = await thread.card()
    for _ in range(20):
        await room.pressing("alice", card, "approve")

    await room.choose("alice", card, "history")
    first = await room.modal("alice", "Page 1 of 2")
    view = await room.seat("alice").modal()
    assert view is not None
    await room.seat("alice").press(view, "history:1")
    second = await room.modal("alice", "Page 2 of 2")

    assert "@alice started cleanup." in first
    assert "[Later]" in first
    assert "@alice started cleanup." not in second
    assert "[Earlier]" in second


async def test_the_log_is_proved_and_written_out_while_the_bot_runs_without_its_tokens(bot: Bot, room: Room) -> None:
    bot.fill("notes", old=2)
    thread = await room.start("/task cleanup path=notes older_than=30d")
    await thread.approved()
    environment = {name: value for name, value in bot.environment.items() if not name.startswith("SLACK_")}

    async def audit(*words: str) -> str:
        process = await asyncio.to_thread(ran, ["bot", "audit", *words], cwd=bot.folder, env=environment)
        assert process.returncode == 0, process.stderr
        return process.stdout

    said = await audit("verify")
    head = said.rpartition("head ")[2].strip()
    again = await audit("verify", "--head", head)
    lines = (await audit("export", "--task", await thread.task_id())).splitlines()

    assert "The audit log is intact" in said
    assert "The audit log is intact" in again
    kinds = [json.loads(line)["event"]["kind"] for line in lines]
    assert kinds[0] == "started"
    assert {"opened", "shown", "voted", "resume_begun", "ended", "delivered"} <= {*kinds}
