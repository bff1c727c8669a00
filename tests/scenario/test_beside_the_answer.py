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

    shown = await thread.shows("1 of 2: @bob approved, 1 more of @ops-leads")
    assert shown["ts"] == card["ts"]

    await room.press("carol", card, "approve")

    await thread.shows("Approved by @bob and @carol", "The agent was told, and went on")
    assert (tmp_path / "journal").read_text() == "begun\ndone\n"


async def test_a_vote_can_be_withdrawn_while_nothing_is_settled(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)
    await room.press("bob", card, "approve")
    voted = await thread.shows("1 of 2: @bob approved")

    assert "nothing of yours to withdraw" in await room.pressing("carol", voted, "withdraw")
    await room.press("bob", voted, "withdraw")

    await thread.shows("2 of @ops-leads have to agree", without=["@bob approved"])
    await room.press("carol", card, "approve")
    await thread.shows("1 of 2: @carol approved")
    assert not (tmp_path / "journal").exists()


async def test_the_deadline_is_extended_once_by_one_who_may_answer(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)

    refusals = {who: await room.choosing(who, card, "extend") for who in ("dave", "alice")}
    await room.choose("carol", card, "extend")

    assert "You may not answer this request. Who may: @bob, @carol" in refusals["dave"]
    assert "not yours to approve" in refusals["alice"]
    extended = await thread.shows("4 hours more, by @carol")
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
    for who, why in (("U0ERIN", "guest"), ("U0ALICE", "started this task"), ("U0CAROL", "one person answers once")):
        assert why in (await room.submit("bob", {label: who}))[label]
    await room.submit("bob", {label: "U0DAVE"})

    given = await thread.shows("@dave answers for @bob")
    copy = await room.direct("dave", "Act on journal?", "[Approve]")
    assert "gave your vote to @dave" in await room.pressing("bob", given, "approve")
    assert "goes no further" in await room.choosing("dave", copy, "delegate")

    await room.press("dave", copy, "approve")
    await thread.shows("1 of 2: @dave approved for @bob")
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
    await thread.card("2 of @ops-leads have to agree", "@carol asked: Why <!channel> today?")


async def test_the_requester_has_those_reminded_who_have_not_answered_once_an_hour(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread, card = await asked(room, tmp_path)
    await room.press("bob", card, "approve")
    await thread.shows("1 of 2: @bob approved")

    assert "belongs to @alice" in await room.choosing("carol", card, "nudge")
    await room.choose("alice", card, "nudge")

    reminder = room.read(await thread.shows("@alice", "still waits", "@carol"))
    assert "@bob" not in reminder
    assert "once an hour" in await room.choosing("alice", card, "nudge")


async def test_the_requester_cancels_from_the_card(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread, card = await asked(room, tmp_path)
    assert "belongs to @alice" in await room.choosing("bob", card, "cancel")
    await room.choose("alice", card, "cancel")
    await room.modal("alice", "The task ends here")

    await room.seat("alice").submit()

    cancelled = await thread.shows("Cancelled by @alice", without=["[Approve]"])
    assert cancelled["ts"] == card["ts"]
    assert not menus(cancelled)
