"""Questions of other shapes: words as an answer, two at the same time, one after another."""

from __future__ import annotations

import pytest

from tests.support.stage import Bot, Room

GRAPHS = ("plain", "parallel", "twice")


async def test_a_question_that_wants_words_is_answered_in_words(bot: Bot, room: Room) -> None:
    thread = await room.start("/task plain topic=backups")
    card = await thread.card("Which region for backups?", "[Answer…]")
    assert "[Approve]" not in room.read(card)
    await room.press("bob", card, "respond")
    assert "Which region for backups?" in await room.modal("bob")

    assert await room.seat("bob").submit({}) != {}
    assert await room.seat("bob").submit({"value": "eu-west, <!channel> & only there"}) == {}

    await thread.settled("Answered by @bob", "eu-west, <!channel> & only there")
    await thread.ended("It was told: eu-west, <!channel> & only there")


@pytest.mark.parametrize("order", [("Publish", "Announce"), ("Announce", "Publish")], ids=lambda order: order[0])
async def test_two_questions_at_once_are_two_cards_answered_in_either_order(
    bot: Bot, room: Room, order: tuple[str, str]
) -> None:
    thread = await room.start(f"/task parallel release={order[0]}-2.0")
    cards = [await thread.card(f"{verb} {order[0]}-2.0?") for verb in order]
    assert cards[0]["ts"] != cards[1]["ts"]

    await room.press("bob", cards[0], "approve")
    await thread.settled(f"{order[0]} {order[0]}-2.0?", "Approved by @bob")

    assert "[Approve]" in room.read(await thread.again(cards[1]))

    await room.press("carol", cards[1], "reject")
    await room.modal("carol", "Why?")
    await room.seat("carol").submit({"reason": "not this one"})

    await thread.shows(f"{order[1]} {order[0]}-2.0?", "Rejected by @carol", "not this one")
    told = {order[0]: "True", order[1]: "False"}
    await thread.ended(f"announce {told['Announce']} and publish {told['Publish']}")
    assert len(await thread.cards()) == 2


async def test_both_of_two_questions_answered_at_the_same_time_reach_the_graph(bot: Bot, room: Room) -> None:
    thread = await room.start("/task parallel release=both")
    cards = [await thread.card(f"{verb} both?") for verb in ("Publish", "Announce")]

    for who, card in zip(("bob", "carol"), cards, strict=True):
        await room.press(who, card, "approve")

    await thread.ended("announce True and publish True")
    assert len(await thread.cards()) == 2


async def test_a_graph_that_asks_twice_gets_a_second_card_in_the_same_thread(bot: Bot, room: Room) -> None:
    thread = await room.start("/task twice plan=move")
    first = await thread.card("Begin move?")
    await room.press("bob", first, "approve")
    second = await thread.card("Finish move?")
    assert second["ts"] != first["ts"]
    await thread.settled("Begin move?", "Approved by @bob")

    await room.press("carol", second, "approve")

    await thread.ended("begun True, finished True")
    assert len(await thread.cards()) == 2
