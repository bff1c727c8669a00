"""People edit and delete what they wrote: an answer follows its message for a minute, and nobody is left in doubt."""

from __future__ import annotations

from simulator.client import Simulator
from tests.support.clocked import born, simulator, slack
from tests.support.stage import Bot, Message, Room, Thread

__all__ = ["simulator", "slack"]

GRAPHS = ("wordy", "action")
SECONDS_HELD = 60


async def answered(bot: Bot, simulator: Simulator, room: Room, words: str = "eu-west") -> tuple[Thread, Message]:
    """The thread of a question for words, and bob's reply that answers it."""
    await born(bot, simulator)
    thread = await room.start("/task wordy topic=europe")
    await thread.card("Which region for europe?")
    sent = await room.seat("bob").send(room.channel, words, thread_ts=thread.ts)
    await room.told("bob", containing="Taken as your answer")
    return thread, sent


async def heard(room: Room, after: int, containing: str) -> str:
    return await room.told("bob", after=after, containing=containing)


async def notices(room: Room) -> int:
    return len(await room.seat("bob").notices())


async def test_an_edit_within_the_minute_is_what_the_agent_gets(own_bot: Bot, simulator: Simulator, room: Room) -> None:
    thread, sent = await answered(own_bot, simulator, room)
    before = await notices(room)
    await simulator.advance(SECONDS_HELD - 10)

    await room.seat("bob").edit(sent, "ap-south.example.com & more")

    told = await heard(room, before, "Your answer is now this. The agent gets it in 1 minute.")
    assert "> ap-south.example.com & more" in told
    assert "[Undo]" in told
    await thread.shows("Answered by @bob", "ap-south.example.com & more", "[Undo]", without=["eu-west"])
    await simulator.advance(SECONDS_HELD + 1)
    await thread.ended("Answered by @bob", "It was told: ap-south.example.com & more")


async def test_an_edit_after_the_minute_is_said_to_change_nothing(
    own_bot: Bot, simulator: Simulator, room: Room
) -> None:
    thread, sent = await answered(own_bot, simulator, room)
    await simulator.advance(SECONDS_HELD + 1)
    await thread.ended("It was told: eu-west")
    before = await notices(room)

    await room.seat("bob").edit(sent, "ap-south")
    told = await heard(room, before, "Your answer was handed over already, as it was.")
    assert "Editing your message changes nothing. You said: “eu-west”" in told

    await room.seat("bob").delete(sent)
    await heard(room, before, "Deleting your message changes nothing.")


async def test_a_reply_that_is_deleted_within_the_minute_takes_its_answer_back(
    own_bot: Bot, simulator: Simulator, room: Room
) -> None:
    thread, sent = await answered(own_bot, simulator, room)
    before = await notices(room)

    await room.seat("bob").delete(sent)

    await heard(room, before, "You deleted your message, so your answer to Which region for europe? is taken back.")
    await thread.card("Which region for europe?")
    await simulator.advance(SECONDS_HELD + 1)
    await room.seat("carol").send(room.channel, "us-east", thread_ts=thread.ts)
    await thread.shows("Answered by @carol", "us-east")


async def test_an_edit_that_is_no_answer_takes_the_answer_back(own_bot: Bot, simulator: Simulator, room: Room) -> None:
    thread, sent = await answered(own_bot, simulator, room)
    before = await notices(room)

    await room.seat("bob").edit(sent, "eu")
    await heard(room, before, "Your answer is taken back, because your edit cannot replace it")
    await thread.card("Which region for europe?")

    sent = await room.seat("bob").send(room.channel, "@countersign eu-north", thread_ts=thread.ts)
    await thread.shows("Answered by @bob", "eu-north")
    await room.seat("bob").edit(sent, "@countersign")
    await heard(room, before, "Your message no longer answers Which region for europe?")
    await thread.card("Which region for europe?")


async def test_what_never_was_an_answer_does_not_become_one(own_bot: Bot, simulator: Simulator, room: Room) -> None:
    await born(own_bot, simulator)
    thread = await room.start("/task wordy topic=europe")
    talk = await room.seat("dave").send(room.channel, "@countersign help", thread_ts=thread.ts)
    helped = await room.told("dave")
    card = await thread.card("Which region for europe?")
    dave = await room.seat("dave").send(room.channel, "I would say us-east", thread_ts=thread.ts)
    await room.seat("dave").edit(dave, "I would say us-west")
    sent = await room.seat("bob").send(room.channel, "eu-west", thread_ts=thread.ts)
    notice = (await room.seat("bob").notices())[-1:]
    await room.told("bob", containing="Taken as your answer")
    notice = (await room.seat("bob").notices())[-1:]
    await room.press("bob", notice[0], "take_back")
    await thread.card("Which region for europe?")
    before = await notices(room)

    await room.seat("bob").edit(sent, "ap-south")

    await heard(room, before, "I read a message once, when it is sent, so your edit changes nothing.")
    assert "Answered" not in room.read(await thread.again(card))
    assert talk["ts"] != dave["ts"]
    assert [room.read(each) for each in await room.seat("dave").notices()] == [helped]


async def test_a_mention_that_is_edited_starts_nothing_more_and_its_author_is_told(
    own_bot: Bot, simulator: Simulator, room: Room
) -> None:
    await born(own_bot, simulator)
    sent = await room.seat("bob").send(room.channel, "@countersign wordy topic=europe")
    thread = await room.opened()
    await thread.card("Which region for europe?")

    await room.seat("bob").edit(sent, "@countersign wordy topic=asia")
    await heard(room, 0, "was started by your message as it was, and goes on.")

    before = await notices(room)
    await room.seat("bob").delete(sent)
    await heard(room, before, "was started by your message as it was, and goes on.")
    shown = [room.read(each) for each in await room.seat("bob").messages(room.channel) if not each["is_ephemeral"]]
    assert len([text for text in shown if "started wordy" in text]) == 1


async def test_several_edits_leave_the_last(own_bot: Bot, simulator: Simulator, room: Room) -> None:
    thread, sent = await answered(own_bot, simulator, room)

    for words in ("ap-south", "us-east", "eu-west", "sa-east"):
        await room.seat("bob").edit(sent, words)

    await thread.shows("Answered by @bob", "sa-east", "[Undo]")
    await simulator.advance(SECONDS_HELD + 1)
    await thread.ended("It was told: sa-east")
