"""App Home: what waits for whoever opened theirs, level within seconds, and with the card's own buttons."""

from __future__ import annotations

from typing import Any

from tests.support.stage import Bot, Room

POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
rules:
  - name: both
    match: {graph: twice}
    quorum: 2
"""
GRAPHS = ("plain", "twice", "parallel", "proposal")


async def home(room: Room, who: str, *words: str, without: str = "") -> dict[str, Any]:
    """This person's Home, once it holds all of these words and not that one."""

    async def shown() -> dict[str, Any] | None:
        view = await room.seat(who).home()
        text = room.read(view) if view else ""
        return view if view and all(word in text for word in words) and not (without and without in text) else None

    return await room.until(shown, f"the Home of {who} with {words}, without {without}")


def row(view: dict[str, Any], title: str, room: Room) -> str:
    """The block_id of the buttons below this title."""
    below = False
    for block in view["blocks"]:
        below = below or (block["type"] == "rich_text" and title in room.read({"blocks": [block]}))
        if below and block["type"] == "actions":
            found: str = block["block_id"]
            return found
    raise AssertionError(f"{title} has no buttons")


async def test_a_home_that_was_opened_shows_what_waits_and_an_approval_on_it_counts(bot: Bot, room: Room) -> None:
    await room.seat("bob").open_home()
    await home(room, "bob", "Waiting for you")

    thread = await room.start("/task proposal action=refund_waits amount=129")

    title = "Refund waits 129?"
    view = await home(room, "bob", title, "@alice", "Open card")
    answer = await room.seat("bob").press(view, "approve", block_id=row(view, title, room))
    assert answer["ok"], answer

    await thread.ended_well()
    settled = await home(room, "bob", f"{title}\n✅ Approved by @bob")
    assert room.read(settled).index("You decided recently") < room.read(settled).index(title)


async def test_a_home_offers_a_review_of_what_a_row_cannot_show_and_the_answers_are_at_its_end(
    bot: Bot, room: Room
) -> None:
    bot.fill("reviewed", old=2)
    await room.seat("bob").open_home()
    thread = await room.start("/task cleanup path=reviewed older_than=30d")
    title = "Move 2 files of reviewed to the trash?"
    view = await home(room, "bob", title, "Medium risk", "Open card")
    shown = room.read(view).partition(title)[2].partition("---")[0]
    assert "[Review…]" in shown
    assert "[Approve" not in shown

    pages = await room.review("bob", view, block_id=row(view, title, room))

    assert all(f"old-{number}.log" in "\n".join(pages) for number in range(2))
    await room.answer("bob", "approve")
    await thread.ended_well()
    await home(room, "bob", f"{title}\n✅ Approved by @bob")


async def test_the_requesters_home_says_where_it_stands(bot: Bot, room: Room) -> None:
    await room.seat("alice").open_home()
    thread = await room.start("/task plain topic=where")

    await home(
        room, "alice", "plain · ⏳ waits for an answer", "Which region for where?\n> ⏳ waits for @ops-leads · by"
    )
    await room.press("bob", await thread.card(), "respond")
    await room.modal("bob", "Which region for where?")
    await room.seat("bob").submit({"answer": "north"})

    await thread.ended("It was told: north")
    await home(room, "alice", "plain · ✅ It was told: north", without="Which region for where?")


async def test_the_home_of_one_who_has_voted_waits_for_the_others_alone(bot: Bot, room: Room) -> None:
    for who in ("bob", "carol"):
        await room.seat(who).open_home()
    thread = await room.start("/task twice plan=votes")
    await thread.card()
    title = "Begin votes?"
    view = await home(room, "bob", title, "needs 2 of @ops-leads")

    await room.seat("bob").press(view, "approve", block_id=row(view, title, room))

    await home(room, "carol", title, "needs 1 more of")
    mine = room.read(await home(room, "bob", title, "needs 1 more of", "Open card"))
    assert mine.index("You decided recently") < mine.index(title)


async def test_a_click_on_a_home_that_is_behind_is_refused_before_that_very_person(bot: Bot, room: Room) -> None:
    await room.seat("carol").open_home()
    thread = await room.start("/task proposal action=refund_behind amount=7")
    title = "Refund behind 7?"
    view = await home(room, "carol", title, "[Approve]")
    await room.simulator.fault("views.publish", "status", status=429, retry_after=1, times=50)
    await room.press("bob", await thread.card(), "approve")
    await thread.shows("Approved by @bob")

    await room.seat("carol").press(view, "approve", block_id=row(view, title, room))

    assert "@bob approved this at" in await room.modal("carol", "About your click")
    await room.seat("carol").close_modal()
    await room.simulator.clear_faults()
    await home(room, "carol", without=title)


async def test_nobody_who_never_opened_a_home_gets_one(bot: Bot, room: Room) -> None:
    before = await room.mark()
    await room.seat("bob").open_home()
    thread = await room.start("/task plain topic=never")
    await home(room, "bob", "Which region for never?")

    calls = await room.simulator.traffic(method="views.publish", after=before)
    assert "U0DAVE" not in {call["arguments"]["user_id"] for call in calls}
    assert await room.seat("dave").home() is None
    await thread.card()


async def test_slack_is_asked_again_where_a_home_did_not_get_through(bot: Bot, room: Room) -> None:
    await room.simulator.fault("views.publish", "status", status=500)
    await room.simulator.fault("views.publish", "lose_response")
    await room.seat("bob").open_home()

    await room.start("/task plain topic=through")

    await home(room, "bob", "Which region for through?")
