"""More than a Home shows at once: pages, and a choice of what is shown."""

from __future__ import annotations

from tests.scenario.test_home import home
from tests.support.stage import Bot, Room

GRAPHS = ("plain", "parallel")


async def test_pages_turn_and_a_filter_leaves_out_the_rest(bot: Bot, room: Room) -> None:
    await room.seat("bob").open_home()
    for number in range(9):
        await room.seat("alice").command(room.channel, f"/task plain topic=page-{number}")
    await room.seat("alice").command(room.channel, "/task parallel release=paged")

    view = await home(room, "bob", "Publish paged?", "[Next]")
    assert "1 to 8 of" in room.read(view)
    await room.seat("bob").press(view, "home_page:waiting:1")
    second = await home(room, "bob", "[Back]", without="Publish paged?")

    await room.seat("bob").press(second, "home_only", value="grave")
    grave = await home(room, "bob", "Publish paged?", without="Which region for page-")
    assert "[Back]" not in room.read(grave).partition("You asked for")[0]

    await room.seat("bob").press(grave, "home_graph", value="plain")
    await home(room, "bob", "Nothing that waits for you matches.")
