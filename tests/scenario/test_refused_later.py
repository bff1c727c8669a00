"""Who somebody is, asked again at the submission and when the vote is counted; a bot that was started anew believes
nothing that Slack said before."""

from __future__ import annotations

from pathlib import Path

from simulator.client import Simulator
from tests.support.stage import Bot, Message, Room, Thread

GRAPHS = ("action",)
POLICY = """
defaults:
  approvers: ["@finance", "@on-call"]
  quorum: 2
  deadline: 1h
"""


async def asked(room: Room, tmp_path: Path) -> tuple[Thread, Message]:
    thread = await room.start(f"/task action journal={tmp_path / 'journal'}")
    return thread, await thread.card()


def begin_anew(bot: Bot) -> None:
    bot.kill()
    bot.start()


async def test_one_who_becomes_a_guest_while_the_modal_is_open_is_refused_at_the_submission(
    own_bot: Bot, room: Room, simulator: Simulator, tmp_path: Path
) -> None:
    own_bot.start()
    thread, card = await asked(room, tmp_path)
    await room.press("carol", card, "reject")
    await room.modal("carol", "Why?")
    await simulator.change_person("carol", is_restricted=True)
    begin_anew(own_bot)

    await room.submit("carol", {"Why?": "because"})

    assert "it is a guest's" in await room.modal("carol", "Not counted")
    await simulator.change_person("carol", is_restricted=False)
    await room.seat("carol").close_modal()
    assert not any("because" in text for text in await thread.texts())


async def test_the_vote_of_one_who_was_deactivated_since_does_not_count_with_the_last_one(
    own_bot: Bot, room: Room, simulator: Simulator, tmp_path: Path
) -> None:
    own_bot.start()
    thread, card = await asked(room, tmp_path)
    await room.press("carol", card, "approve")
    await thread.card("Needs 1 more of @finance and @on-call (@bob or @dave)", "✓ @carol")
    await simulator.change_person("carol", deleted=True)
    begin_anew(own_bot)

    await room.press("bob", card, "approve")

    await thread.card("Needs 1 more of @finance and @on-call (@dave)", "✓ @carol", "✓ @bob")
    assert not (tmp_path / "journal").exists()
    await simulator.change_person("carol", deleted=False)
    await room.press("dave", card, "approve")
    await thread.settled("Approved by", "@bob", "@dave")


async def test_where_slack_does_not_say_who_somebody_is_nothing_is_counted_and_they_are_told(
    own_bot: Bot, room: Room, simulator: Simulator, tmp_path: Path
) -> None:
    own_bot.start()
    thread, card = await asked(room, tmp_path)
    begin_anew(own_bot)
    await simulator.fault("users.info", "error", error="internal_error", times=20)

    answer = await room.pressing("bob", card, "approve")

    assert "Slack did not say who you are" in answer
    assert "nothing was changed" in answer
    assert "approved" not in room.read(await thread.again(card))
