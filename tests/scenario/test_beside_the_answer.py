"""What people do with a card besides answering it: more time, another voter, a question, a reminder, the end."""

from __future__ import annotations

from pathlib import Path

from tests.support.stage import Bot, Message, Room, Thread

GRAPHS = ("action",)
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  quorum: 2
  deadline: 2h
  extend: 4h
"""


async def asked(room: Room, tmp_path: Path) -> tuple[Thread, Message]:
    thread = await room.start(f"/task action journal={tmp_path / 'journal'}")
    return thread, await thread.card()


def menus(message: Message) -> list[Message]:
    """The menus of a message."""
    return [each for block in message["blocks"] for each in block.get("elements", []) if each["type"] == "overflow"]


async def test_votes_are_shown_as_they_come_with_what_is_missing(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)

    await room.press("bob", card, "approve")

    shown = await thread.card("Needs 1 more of @ops-leads", "@carol", "✓ @bob")
    assert shown["ts"] == card["ts"]

    await room.press("carol", card, "approve")

    await thread.settled("✅", "Approved by @bob and @carol")
    assert (tmp_path / "journal").read_text() == "begun\ndone\n"


async def test_a_vote_can_be_withdrawn_while_nothing_is_settled(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)
    await room.press("bob", card, "approve")
    voted = await thread.card("Needs 1 more of @ops-leads", "✓ @bob")

    assert "nothing of yours to withdraw" in await room.pressing("carol", voted, "withdraw")
    await room.press("bob", voted, "withdraw")

    await thread.shows("Needs 2 of @ops-leads", "0 so far", without=["✓"])
    await room.press("carol", card, "approve")
    await thread.card("Needs 1 more", "✓ @carol")
    assert not (tmp_path / "journal").exists()


async def test_the_deadline_is_extended_once_by_one_who_may_answer(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)

    refusals = {who: await room.choosing(who, card, "extend") for who in ("dave", "alice")}
    await room.choose("carol", card, "extend")

    assert "You may not answer this request. Who may: @bob, @carol" in refusals["dave"]
    assert "not yours to approve" in refusals["alice"]
    extended = await thread.card("4 hours more, by @carol")
    assert extended["ts"] == card["ts"]
    assert not any(option["value"].startswith("extend") for menu in menus(extended) for option in menu["options"])


async def test_a_vote_given_to_a_colleague_counts_in_the_givers_place_and_goes_no_further(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread, card = await asked(room, tmp_path)
    assert "You may not answer" in await room.pressing("dave", card, "approve")
    await room.choose("bob", card, "delegate")
    await room.modal("bob", "Who answers in your place?")
    label = "Who answers in your place?"
    for who, why in (("U0ERIN", "guest"), ("U0ALICE", "asked for them"), ("U0CAROL", "one person answers once")):
        assert why in (await room.submit("bob", {label: who}))[label]
    await room.submit("bob", {label: "U0DAVE"})

    given = await thread.card("@dave answers for @bob")
    copy = await room.direct("dave", "Act on journal?", "[Approve]")
    assert "gave your vote to @dave" in await room.pressing("bob", given, "approve")
    assert "goes no further" in await room.choosing("dave", copy, "delegate")

    await room.press("dave", copy, "approve")
    await thread.card("Needs 1 more", "✓ @dave for @bob")
    await room.press("carol", given, "approve")

    await thread.shows("Approved by @dave and @carol")
    await room.direct("dave", "Act on journal?", "Approved by @dave and @carol")


async def test_a_question_to_the_requester_is_no_vote_and_is_told_in_the_thread(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread, card = await asked(room, tmp_path)
    assert "You may not answer" in await room.choosing("dave", card, "comment")
    await room.choose("carol", card, "comment")
    await room.modal("carol", "Your question")

    await room.submit("carol", {"Your question": "Why <!channel> today?"})

    told = await thread.shows("@carol asks @alice", "Why <!channel> today?")
    assert told["ts"] != card["ts"]
    await thread.card("Needs 2 of @ops-leads", "@carol asked: Why <!channel> today?")


async def test_the_requester_has_those_reminded_who_have_not_answered_once_an_hour(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread, card = await asked(room, tmp_path)
    await room.press("bob", card, "approve")
    await thread.card("Needs 1 more of @ops-leads", "✓ @bob")

    assert "belongs to @alice" in await room.choosing("carol", card, "nudge")
    await room.choose("alice", card, "nudge")

    reminder = room.read(await thread.shows("⏰", "@alice is still waiting for @carol"))
    assert "@bob" not in reminder
    assert "once an hour" in await room.choosing("alice", card, "nudge")


async def test_the_requester_cancels_from_the_card(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)
    assert "belongs to @alice" in await room.choosing("bob", card, "cancel")
    await room.choose("alice", card, "cancel")
    await room.modal("alice", "The task ends here")

    await room.seat("alice").submit()

    cancelled = await thread.settled("Act on journal?", "Cancelled by @alice")
    assert cancelled["ts"] == card["ts"]
    assert not menus(cancelled)
    await thread.opening("🚫 Cancelled by @alice", without=["⏳", "Finished"])
