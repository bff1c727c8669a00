"""Several actions are answered one by one, and edited on the way."""

from __future__ import annotations

from tests.support.stage import Bot, Room

GRAPHS = ("several",)


async def test_an_edit_leads_back_and_keeps_what_was_chosen_for_the_others(bot: Bot, room: Room) -> None:
    thread = await room.start("/task several payee=ann")
    card = await thread.card()
    await room.press("bob", card, "each")
    await room.modal("bob", "1. Pay")
    bob = room.seat("bob")
    await bob.fill({"verdict:0": "reject", "words:0": "Paid on Monday"})

    view = await bob.modal()
    assert view is not None
    assert (await bob.press(view, "edit:1"))["ok"]
    await room.modal("bob", "Save changes")
    assert await room.submit("bob", {"Amount": "5"}) == {}

    back = await room.modal("bob", "Amount  5")
    assert "One by one" in back
    again = await bob.modal()
    assert again is not None
    assert again["depth"] == 1
    assert await bob.submit() == {}

    await thread.shows(
        "told [", '{"type": "reject", "message": "Paid on Monday"}', '"args": {"order": "A-1", "amount": 5}'
    )


async def test_an_edit_that_changes_nothing_leads_back_to_the_same_version(bot: Bot, room: Room) -> None:
    thread = await room.start("/task several payee=bob")
    card = await thread.card()
    await room.press("bob", card, "each")
    await room.modal("bob", "1. Pay")
    bob = room.seat("bob")
    before = await bob.modal()
    assert before is not None
    assert (await bob.press(before, "edit:0"))["ok"]
    await room.modal("bob", "Save changes")

    assert await room.submit("bob", {}) == {}

    await room.modal("bob", "1. Pay")
    after = await bob.modal()
    assert after is not None
    assert (after["depth"], after["private_metadata"]) == (1, before["private_metadata"])
    await bob.close_modal(everything=True)
