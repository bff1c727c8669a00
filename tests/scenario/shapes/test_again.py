"""Questions that change while they wait, that come back with what was wrong, and that are asked round after round."""

from __future__ import annotations

from tests.scenario.shapes.conftest import Asks


async def test_a_question_that_changes_while_it_waits_says_so_and_votes_on_the_old_text_are_void(starts: Asks) -> None:
    size = await starts("changing", "name=x", "Which size?")
    pay = await size.thread.card("Pay?", "francs")
    before = size.room.read(pay)
    await size.room.press("bob", pay, "approve")
    await size.thread.card("Pay?", "Needs 1 more of @ops-leads (@carol)", "✓ @bob")
    await size.says("respond", "large", "bob")
    await size.room.press("bob", await size.thread.again(pay), "reject")
    await size.room.modal("bob", "Why?")

    await size.says("respond", "large", "carol")

    anew = ("asks something else now", "Needs 2 of @ops-leads", "0 so far")
    changed = size.room.read(await size.thread.shows("Pay?", *anew))
    assert price(changed) != price(before)
    assert await size.submit("bob", **{"Why?": "Too dear"}) == {}
    assert "this changed: Price" in await size.room.modal("bob", "Not counted")
    for who in ("bob", "carol"):
        await size.room.press(who, await size.thread.again(pay), "approve")
    assert (await size.ended()).endswith("francs: True; size large")


async def test_every_branch_of_a_fan_out_has_its_card_and_any_may_be_first(starts: Asks) -> None:
    first = await starts("fanned", "name=x", "Do one?")
    cards = [await first.thread.card(f"Do {name}?") for name in ("three", "one", "two")]

    for card in cards:
        await first.room.press("bob", card, "approve")

    assert await first.ended() == "one True; three True; two True"
    assert len(await first.thread.cards()) == 3


async def test_an_answer_that_the_graph_refuses_comes_back_as_a_question_that_says_why(starts: Asks) -> None:
    first = await starts("insisting", "name=x", "How old?")
    await first.says("respond", "old")
    second = await first.thread.card("How old?", "'old' is not a number.")

    await first.room.press("carol", second, "respond")
    await first.room.modal("carol", "How old?")
    assert await first.room.seat("carol").submit({"answer": "42"}) == {}

    assert second["ts"] != first.card["ts"]
    await first.settled("Answered by @bob", "old")
    assert await first.ended() == "42 years"
    assert len(await first.thread.cards()) == 2


async def test_a_loop_of_revisions_comes_to_its_end_within_its_rounds(starts: Asks) -> None:
    first = await starts("revising", "name=x", "Publish draft 1?")
    await first.says("reject", "Longer.")
    second = await first.thread.card("Publish draft 2?")

    await first.room.press("bob", second, "approve")

    assert await first.ended() == "published draft 2"


async def test_a_loop_of_revisions_is_ended_after_its_rounds_and_that_is_said(starts: Asks) -> None:
    first = await starts("revising", "name=x", "Publish draft 1?")
    await first.press("reject")
    await first.room.modal("bob", "Why?")
    assert await first.submit() == {}, "the policy does not ask for a reason"
    second = await first.thread.card("Publish draft 2?")
    await first.room.press("bob", second, "reject")
    await first.room.modal("bob", "Why?")
    assert await first.submit(**{"Why?": "Still no"}) == {}

    ended = await first.stopped()

    assert ended == "It has asked at review 2 times, which is as often as its policy allows."
    assert len(await first.thread.cards()) == 2


def price(card: str) -> int:
    return int(card.partition(" francs")[0].split()[-1])
