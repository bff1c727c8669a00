"""What people write: a mention or a shortcut starts a task, a reply answers a question; neither approves an action."""

from __future__ import annotations

from typing import Any

from tests.support.stage import Bot, Room, Thread

GRAPHS = ("plain", "parallel", "action")


async def a_thread(
    room: Room, who: str = "alice", words: str = "The disk is filling up"
) -> tuple[Thread, dict[str, Any]]:
    """A conversation that is no task's."""
    sent = await room.seat(who).send(room.channel, words)
    return Thread(room, sent["ts"]), sent


# --- Starting -----------------------------------------------------------------------------------------------


async def test_a_mention_starts_a_task(bot: Bot, room: Room) -> None:
    bot.fill("mentioned", old=2)

    await room.seat("alice").send(room.channel, "@countersign cleanup path=mentioned older_than=30d")

    thread = await room.opened()
    await room.press("bob", await thread.card("Move 2 files of mentioned"), "approve")
    await thread.ended("@alice")
    assert bot.trashed("mentioned") == ["old-0.log", "old-1.log"]


async def test_in_a_thread_the_mention_starts_it_there(bot: Bot, room: Room) -> None:
    bot.fill("there", old=2)
    thread, _ = await a_thread(room)

    await room.seat("alice").send(
        room.channel, "So, @countersign cleanup path=there older_than=30d", thread_ts=thread.ts
    )

    await room.press("bob", await thread.card("Move 2 files of there"), "approve")
    await thread.ended("@alice")
    assert len(await room.seat("bob").messages(room.channel)) == 1


async def test_a_mention_that_cannot_be_followed_is_answered_in_private(bot: Bot, room: Room) -> None:
    await room.seat("alice").send(room.channel, "@countersign claenup path=x")
    assert "Did you mean /task cleanup " in await room.told("alice", containing="claenup")

    before = len(await room.seat("alice").notices())
    await room.seat("alice").send(room.channel, "thanks, @countersign")
    assert "Start a task" in await room.told("alice", after=before)

    assert all("countersign" in room.read(each) for each in await room.seat("bob").messages(room.channel))


async def test_a_message_becomes_a_task_in_its_own_thread(bot: Bot, room: Room) -> None:
    thread, sent = await a_thread(room, "bob", "release <2.0> & friends")

    assert (await room.seat("alice").shortcut("start_from_message", sent))["ok"]
    shown = await room.modal("alice", "Start a task")
    assert "release <2.0> & friends" in shown

    view = await room.seat("alice").modal()
    assert view is not None
    await room.seat("alice").press(view, "graph", value="plain")
    await room.modal("alice", "Topic")
    assert await room.seat("alice").submit() == {}

    card = await thread.card("Which region for release <2.0> & friends?")
    assert card["thread_ts"] == sent["ts"]
    await thread.shows("@alice started plain")


async def test_in_a_conversation_with_the_bot_nothing_is_started(bot: Bot, room: Room) -> None:
    before = len(await room.seat("alice").notices())

    await room.seat("alice").send("@countersign", "plain topic=x")

    told = await room.told("alice", after=before)
    assert "Tasks are started in a channel" in told
    assert "/approvals shows what waits for you" in told


# --- Answering ----------------------------------------------------------------------------------------------


async def test_a_reply_answers_the_one_question_of_its_thread(bot: Bot, room: Room) -> None:
    thread = await room.start("/task plain topic=europe")
    await thread.card("Which region for europe?")

    before = len(await room.seat("bob").notices())
    await room.seat("bob").send(room.channel, "eu-west & <more>", thread_ts=thread.ts)

    told = await room.told("bob", after=before, containing="Taken as your answer")
    assert "> eu-west & <more>" in told
    assert "[Undo]" in told
    await thread.shows("Answered by @bob", "eu-west & <more>", "the agent gets it", "[Undo]", "[Stop]")


async def test_an_answer_can_be_taken_back_for_a_minute(bot: Bot, room: Room) -> None:
    thread = await room.start("/task plain topic=asia")
    card = await thread.card("Which region for asia?")
    before = len(await room.seat("bob").notices())
    await room.seat("bob").send(room.channel, "no idea, ask carol", thread_ts=thread.ts)
    await room.told("bob", after=before, containing="Taken as your answer")
    held = await thread.shows("Answered by @bob", "[Undo]")

    assert "Only @bob can take this answer back" in await room.pressing("carol", held, "take_back")
    (notice,) = (await room.seat("bob").notices())[before:]
    await room.press("bob", notice, "take_back")

    asked = await thread.card("Which region for asia?")
    assert asked["ts"] == card["ts"]
    assert "Answered" not in room.read(asked)
    assert "There is no answer to take back" in await room.pressing("bob", notice, "take_back")

    await room.seat("carol").send(room.channel, "@countersign ap-south", thread_ts=thread.ts)
    await thread.shows("Answered by @carol", "ap-south")


async def test_a_yes_never_approves_an_action(bot: Bot, room: Room) -> None:
    bot.fill("yes", old=2)
    thread = await room.start("/task cleanup path=yes older_than=30d")
    card = await thread.card()

    before = len(await room.seat("bob").notices())
    for words in ("yes", "@countersign yes, approve"):
        await room.seat("bob").send(room.channel, words, thread_ts=thread.ts)

    assert "use the buttons of its card" in await room.told("bob", after=before)
    assert "[Approve]" in room.read(await thread.again(card))


async def test_words_of_those_who_may_not_answer_are_only_talk(bot: Bot, room: Room) -> None:
    thread = await room.start("/task plain topic=talk")
    card = await thread.card()

    await room.seat("dave").send(room.channel, "I would say us-east", thread_ts=thread.ts)
    await room.seat("dave").send(room.channel, "@countersign us-east", thread_ts=thread.ts)

    await room.told("dave", containing="You may not answer this request")
    assert "Answered" not in room.read(await thread.again(card))


async def test_whoever_started_the_task_answers_what_approves_nothing(bot: Bot, room: Room) -> None:
    thread = await room.start("/task plain topic=mine")
    card = await thread.card()

    await room.press("alice", card, "respond")
    await room.modal("alice", "Which region for mine?")
    assert await room.seat("alice").submit({"value": "eu-west"}) == {}

    await thread.shows("Answered by @alice", "eu-west")
    await thread.ended("It was told: eu-west")


async def test_where_several_questions_are_open_a_reply_names_one(bot: Bot, room: Room) -> None:
    thread, _ = await a_thread(room)
    for topic in ("one", "two"):
        await room.seat("alice").send(room.channel, f"@countersign plain topic={topic}", thread_ts=thread.ts)
    cards = [await thread.card(f"Which region for {topic}?") for topic in ("one", "two")]

    await room.seat("bob").send(room.channel, "eu-north", thread_ts=thread.ts)
    before = len(await room.seat("bob").notices())
    await room.seat("bob").send(room.channel, "@countersign eu-north", thread_ts=thread.ts)

    told = await room.told("bob", after=before, containing="More than one question is open here")
    second = told.partition(" (Which region for two?)")[0].split()[-1].strip("`")

    await room.seat("bob").send(room.channel, f"@countersign {second} eu-north", thread_ts=thread.ts)

    await thread.shows("Which region for two?", "Answered by @bob", "eu-north")
    assert "Answered" not in room.read(await thread.again(cards[0]))
