"""What a decision costs of Slack's limits: a task with one question that one person answers."""

from __future__ import annotations

from collections import Counter

from simulator.client import Simulator
from tests.support.stage import Bot, Room

WRITES = ("chat.postMessage", "chat.update", "chat.delete", "chat.postEphemeral")


async def calls(room: Room, after: int) -> Counter[str]:
    """How often each method was called, the ones that write messages alone."""
    found = {method: await room.simulator.traffic(method=method, after=after) for method in WRITES}
    return Counter({method: len(made) for method, made in found.items() if made})


async def test_a_decision_costs_three_posts_and_one_edit(bot: Bot, room: Room) -> None:
    bot.fill("calls", old=3)
    before = await room.mark()

    thread = await room.start("/task cleanup path=calls older_than=30d")
    card = await thread.card()
    await room.press("bob", card, "approve")
    await thread.ended("Moved 3 files", "Approved by @bob", "@alice")
    await thread.settled("Approved by @bob")
    await thread.opening("@alice started cleanup", "✅ Moved 3 files", "approved by @bob")

    assert await calls(room, before) == {"chat.postMessage": 3, "chat.update": 1}


async def test_a_graph_that_asks_at_once_opens_its_thread_with_the_question(bot: Bot, room: Room) -> None:
    bot.fill("at-once", old=3)

    thread = await room.start("/task cleanup path=at-once older_than=30d")
    await thread.card()

    opening, _ = await thread.messages()
    assert "⏳ Move 3 files of at-once to the trash?" in room.read(opening)
    assert "edited" not in opening


async def test_whoever_answers_in_a_modal_is_told_that_it_counted_if_the_card_lags(
    bot: Bot, simulator: Simulator, room: Room
) -> None:
    bot.fill("lagging", old=3)
    thread = await room.start("/task cleanup path=lagging older_than=30d")
    card = await thread.card()
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")
    for way in ("response_url", "chat.update"):
        await simulator.fault(way, "status", status=500, times=40)
    before = len(await room.seat("bob").notices())

    assert await room.submit("bob", {"Why?": "not today"}) == {}

    told = await room.told("bob", after=before)
    assert told == "Your rejection counted. The card will show it in a moment."
    await simulator.clear_faults()
    await thread.settled("Rejected by @bob", "not today")
