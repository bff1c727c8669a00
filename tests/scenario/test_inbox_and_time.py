"""The inbox over time: a bot that has the local Slack's clock, and one that dies in the midst of things."""

from __future__ import annotations

from tests.scenario.test_home import home, row
from tests.support.clocked import born, simulator, slack
from tests.support.stage import Bot, Room

__all__ = ["simulator", "slack"]

POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 4w
"""
GRAPHS = ("plain",)
DAY = 24 * 60 * 60


def digests(told: list[str]) -> list[str]:
    return [words for words in told if "You get this at" in words]


async def direct(room: Room, who: str) -> list[str]:
    return [room.read(message) for message in await room.seat(who).messages("@countersign")]


async def test_a_digest_comes_at_its_time_and_once_also_where_the_bot_is_killed_beside_it(
    own_bot: Bot, room: Room
) -> None:
    await born(own_bot, room.simulator)
    thread = await room.start("/task plain topic=digest")
    card = await thread.card()
    assert "You get a summary at 09:00 daily" in await room.says("bob", "/approvals digest 09:00 daily")
    own_bot.kill()

    for point in ("summary-due", "summary-sent"):
        await born(own_bot, room.simulator, COUNTERSIGN_CRASH_AT=point)
        await room.simulator.advance(DAY)
        own_bot.wait()
        await born(own_bot, room.simulator)
        await room.simulator.advance(90)
        number = ("summary-due", "summary-sent").index(point) + 1

        async def sent(number: int = number) -> bool:
            return len(digests(await direct(room, "bob"))) >= number

        await room.until(sent, f"digest {number}")
        own_bot.kill()

    await born(own_bot, room.simulator)
    told = digests(await direct(room, "bob"))
    assert len(told) == 2
    assert all("1 request waits for you" in words and "Which region for digest?" in words for words in told)
    assert "@alice" in told[0]
    ids = [call["arguments"]["metadata"]["event_payload"]["id"] for call in await room.posts()]
    assert len(ids) == len(set(ids))

    await room.press("bob", card, "respond")
    await room.modal("bob", "Which region")
    await room.seat("bob").submit({"answer": "north"})
    await thread.shows("It was told: north")
    await room.simulator.advance(DAY)
    await room.seat("bob").open_home()
    await home(room, "bob", "Nothing waits for your answer.", "at 09:00 daily what waits")
    assert len(digests(await direct(room, "bob"))) == 2


async def test_an_answer_in_words_reaches_the_agent_once_its_minute_is_over(own_bot: Bot, room: Room) -> None:
    await born(own_bot, room.simulator)
    thread = await room.start("/task plain topic=words")
    await thread.card()

    await room.seat("bob").send(room.channel, "eu-west", thread_ts=thread.ts)
    await thread.shows("Answered by @bob", "eu-west", "[Undo]")
    await room.told("bob", containing="Taken as your answer")
    await room.simulator.advance(61)

    await thread.ended("It was told: eu-west")
    (notice,) = await room.seat("bob").notices()
    assert "too late to take the answer back" in await room.pressing("bob", notice, "take_back")
    await thread.settled("✅", "Answered by @bob", without=["[Undo]"])


async def test_what_changed_while_the_bot_was_down_stands_on_the_home_after_its_start(own_bot: Bot, room: Room) -> None:
    own_bot.start()
    await room.seat("bob").open_home()
    thread = await room.start("/task plain topic=down")
    view = await home(room, "bob", "Which region for down?")
    own_bot.kill()
    own_bot.start(COUNTERSIGN_CRASH_AT="vote-saved")

    await room.seat("bob").press(view, "respond", block_id=row(view, "Which region for down?", room))
    await room.modal("bob", "Which region for down?")
    await room.seat("bob").submit({"answer": "south"})
    own_bot.wait()
    own_bot.start()

    await thread.shows("It was told: south")
    await home(room, "bob", "Which region for down?\n✅ Answered by @bob")
