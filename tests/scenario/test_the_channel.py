"""What the channel, direct messages and notifications say about a task, from its start to its end."""

from __future__ import annotations

import re

from tests.support.clocked import born, simulator, slack
from tests.support.stage import Bot, Message, Room, Thread

__all__ = ["simulator", "slack"]

GRAPHS = ("proposal", "silent", "plain")
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 8h
  escalate: {after: 4h, to: [U0DAVE]}
rules:
  - name: reminded
    match: {graph: plain}
    remind_every: 1h
    escalate: []
  - name: both
    match: {action: both}
    quorum: 2
"""
HOUR = 3600.0
GLANCE = 110
"""Characters of a notification that a telephone shows."""


async def started(own_bot: Bot, room: Room, line: str) -> tuple[Thread, Message]:
    await born(own_bot, room.simulator)
    thread = await room.start(line)
    return thread, await thread.card()


async def rejected(room: Room, card: Message, why: str = "already paid") -> None:
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")
    assert await room.submit("bob", {"Why?": why}) == {}


def notified(room: Room, message: Message) -> str:
    """What a notification of this message says."""
    return room.read({"text": message["text"]})


def in_order(text: str, *parts: str) -> None:
    places = [text.find(part) for part in parts]
    assert -1 not in places, (parts, text)
    assert places == sorted(places), (parts, text)


# --- The opening --------------------------------------------------------------------------------


async def test_the_opening_says_the_task_then_whose_turn_it_is_then_how_it_ended(own_bot: Bot, room: Room) -> None:
    thread, card = await started(own_bot, room, "/task proposal action=both amount=9000")

    asked = await thread.opening("⏳", "2 of @ops-leads", "by")
    assert len(asked.splitlines()) == 2
    assert asked.startswith("@alice started proposal")
    await room.press("bob", card, "approve")
    await thread.opening("⏳", "1 more of @carol")
    await room.press("carol", card, "approve")

    ended = await thread.opening("✅", "told approve", "approved by @bob and @carol", without=["⏳", "Finished"])
    assert len(ended.splitlines()) == 2
    assert ended.startswith("@alice started proposal")


async def test_a_rejection_is_never_told_as_a_success_in_the_channel(own_bot: Bot, room: Room) -> None:
    thread, card = await started(own_bot, room, "/task proposal action=pay")

    await rejected(room, card)

    await thread.opening("⛔ Rejected by @bob", without=["⏳", "✅", "Finished", "finished"])
    await thread.settled("⛔", "Rejected by @bob", '"already paid"', "the agent was told", without=["went on"])
    assert not any("inished" in text or "✅" in text for text in await thread.texts())


async def test_silence_is_never_told_as_a_success_in_the_channel(own_bot: Bot, room: Room) -> None:
    thread, _ = await started(own_bot, room, "/task proposal action=pay")

    await room.simulator.advance(8.1 * HOUR)

    await thread.opening("⌛ Expired", without=["⏳", "✅", "Finished", "finished"])
    await thread.settled("⌛", "Expired: nobody answered by", "the agent was told", without=["went on"])
    assert not any("inished" in text or "✅" in text for text in await thread.texts())


async def test_a_graph_that_reports_nothing_gets_an_honest_last_line(own_bot: Bot, room: Room) -> None:
    thread, card = await started(own_bot, room, "/task silent task=first")
    await room.press("bob", card, "approve")
    await thread.opening("✅ Approved by @bob", "reported nothing", without=["⏳", "inished"])

    thread = await room.start("/task silent task=second")
    await rejected(room, await thread.card())
    await thread.opening("⛔ Rejected by @bob", without=["⏳", "✅", "inished", "Done"])

    thread = await room.start("/task silent task=third")
    await thread.card()
    await room.simulator.advance(8.1 * HOUR)
    await thread.opening("⌛ Expired", without=["⏳", "✅", "inished", "Done"])


# --- Direct messages ----------------------------------------------------------------------------


async def test_an_escalation_says_first_why_it_came(own_bot: Bot, room: Room) -> None:
    thread, card = await started(own_bot, room, "/task silent task=escalated")

    await room.simulator.advance(4.1 * HOUR)

    copy = await room.direct("dave", "Do escalated?", "[Approve]")
    why = room.read(copy).splitlines()[0]
    assert why.startswith("You are asked because nobody answered for 4 hours (@bob")
    assert why.endswith(f"@carol, in {room.channel}).")
    in_order(notified(room, copy)[:GLANCE], "Nobody answered for 4 hours", "Do escalated?", "High risk", "Due")
    await room.press("dave", copy, "approve")
    await thread.settled("Approved by @dave")
    assert card["ts"] != copy["ts"]


async def test_a_delegates_message_says_first_who_asks_them(own_bot: Bot, room: Room) -> None:
    _, card = await started(own_bot, room, "/task silent task=delegated")

    await room.choose("bob", card, "delegate")
    await room.modal("bob", "Who answers in your place?")
    assert await room.submit("bob", {"Who answers in your place?": "U0DAVE"}) == {}

    copy = await room.direct("dave", "Do delegated?", "[Approve]")
    assert re.match(r"@bob asks you to answer in (his|her|their) place\.", room.read(copy))
    in_order(notified(room, copy)[:GLANCE], "@bob asks you to answer", "Do delegated?", "High risk", "Due")


async def test_a_reminder_takes_the_place_of_the_one_before_and_goes_with_the_answer(own_bot: Bot, room: Room) -> None:
    thread, card = await started(own_bot, room, "/task plain topic=reminders")

    async def reminders() -> list[str]:
        return [message["ts"] for message in await thread.messages() if "⏰" in room.read(message)]

    seen: set[str] = set()
    for _ in range(3):
        await room.simulator.advance(HOUR + 60)

        async def another() -> str | None:
            found = await reminders()
            return found[0] if len(found) == 1 and found[0] not in seen else None

        seen.add(await room.until(another, "one reminder, and a new one"))
    assert len(seen) == 3
    reminder = await thread.shows("⏰", "Still waiting for @alice, @bob and @carol", "Which region for reminders?")
    in_order(notified(room, reminder), "Reminder", "Which region for reminders?", "Due")

    await room.press("bob", card, "respond")
    await room.modal("bob", "Which region")
    await room.seat("bob").submit({"answer": "north"})

    await thread.ended("It was told: north")
    await thread.lacks("⏰", "Still waiting")


# --- Notifications ------------------------------------------------------------------------------


async def test_a_notification_says_what_how_risky_by_when_and_how_many_in_that_order(own_bot: Bot, room: Room) -> None:
    _, risky = await started(own_bot, room, "/task silent task=noticed")
    quorum = await (await room.start("/task proposal action=both")).card()

    said = notified(room, risky)
    in_order(said, "Do noticed?", "High risk", "Due", "@alice", "@bob")
    in_order(said[:GLANCE], "Do noticed?", "High risk", "Due")
    in_order(notified(room, quorum), "Both", "Due", "2 people", "@alice", "@bob")


# --- Home and /approvals ------------------------------------------------------------------------


async def test_the_list_offers_a_review_of_what_a_row_cannot_show_and_never_an_approval(
    own_bot: Bot, room: Room
) -> None:
    own_bot.fill("listed", old=3)
    thread, _ = await started(own_bot, room, "/task cleanup path=listed older_than=30d")
    small = await room.start("/task silent task=small")
    await small.card()

    await room.says("bob", "/approvals")
    listed = (await room.seat("bob").notices())[-1]

    rows = {words.strip().splitlines()[0]: words for words in room.read(listed).split("---")[1:]}
    folded = next(words for title, words in rows.items() if "listed" in title)
    assert "[Review…]" in folded
    assert "[Approve" not in folded
    assert "[Approve]" in rows["Do small?"]
    block = next(
        each["block_id"]
        for each in listed["blocks"]
        for button in each.get("elements", [])
        if button.get("action_id") == "review"
    )
    pages = await room.review("bob", listed, block_id=block)
    assert all(f"old-{number}.log" in "\n".join(pages) for number in range(3))
    await room.answer("bob", "approve")
    await thread.ended("Approved by @bob", "Moved 3 files")
