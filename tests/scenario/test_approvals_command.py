"""`/approvals`: in private, and through the same checks as everywhere."""

from __future__ import annotations

from tests.support.stage import Bot, Room


async def test_an_id_shows_the_request_with_its_buttons_to_those_whom_it_concerns(bot: Bot, room: Room) -> None:
    bot.fill("logs", old=2)
    thread = await room.start("/task cleanup path=logs older_than=30d")
    request_id = await thread.request_id()

    assert "Move 2 files of logs" in await room.says("bob", f"/approvals {request_id}")
    assert "belongs to @alice" in await room.says("dave", f"/approvals {request_id}")

    notice = (await room.seat("bob").notices())[-1]
    await room.press("bob", notice, "approve")

    await thread.ended_well()
    await room.seat("bob").command(room.channel, f"/approvals history {request_id}")
    assert "@dave was refused" in await room.modal("bob", f"Request {request_id}")


async def test_a_line_that_says_nothing_is_answered_with_what_is_right(bot: Bot, room: Room) -> None:
    assert "There is no request nothing" in await room.says("bob", "/approvals nothing")
    assert "/approvals help shows what it knows" in await room.says("bob", "/approvals what is this")
