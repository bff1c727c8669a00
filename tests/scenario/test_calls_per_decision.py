"""What a decision costs of Slack's limits: a task with one question that one person answers."""

from __future__ import annotations

from collections import Counter

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
    await thread.shows("cleanup finished, @alice")
    await thread.shows("Approved by @bob", "The agent was told")
    await thread.shows("@alice started cleanup", "Finished")

    assert await calls(room, before) == {"chat.postMessage": 3, "chat.update": 1}
