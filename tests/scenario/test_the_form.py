"""/task alone: a form to choose a graph and fill its inputs."""

from __future__ import annotations

from pathlib import Path

from tests.support.stage import Bot, Room

GRAPHS = ("action",)


async def opened(room: Room) -> None:
    """alice types /task and has the form before her."""
    await room.seat("alice").command(room.channel, "/task")
    await room.modal("alice", "Start a task")


async def choose(room: Room, graph: str, containing: str) -> str:
    """alice chooses a graph in the form; returns the form with its inputs."""
    view = await room.seat("alice").modal()
    assert view is not None
    await room.seat("alice").press(view, "graph", value=graph)
    return await room.modal("alice", containing)


async def test_a_task_can_be_started_from_the_form(bot: Bot, room: Room) -> None:
    folder = bot.fill("forms", old=2)
    await opened(room)
    shown = await room.modal("alice", "What should be done?")
    assert "Path" not in shown

    form = await choose(room, "cleanup", "Path")

    assert "The folder to clean" in form
    assert "30d" in form
    assert await room.submit("alice", {"Path": "forms", "Older than": "4w"}) == {}
    assert await room.seat("alice").modal() is None
    thread = await room.opened()
    card = await thread.card("Move 2 files of forms")
    assert "unchanged for 4 weeks" in room.read(card)
    await room.press("bob", card, "approve")
    await thread.ended("Moved 2 files")
    assert len(list(folder.iterdir())) == 1


async def test_what_is_wrong_stands_at_its_field_and_can_be_put_right(bot: Bot, room: Room) -> None:
    bot.fill("fields")
    await opened(room)
    await choose(room, "cleanup", "Path")

    empty = await room.submit("alice", {"Path": ""})
    wrong = await room.submit("alice", {"Path": "fields", "Older than": "soon"})
    outside = await room.submit("alice", {"Path": "../..", "Older than": "30d"})

    assert "Path" in empty
    assert "soon" in wrong["Older than"]
    assert "leads out of" in " ".join(outside.values())
    assert await room.seat("bob").messages(room.channel) == []

    assert await room.submit("alice", {"Path": "fields"}) == {}

    await (await room.opened()).card("Move 3 files of fields")


async def test_choosing_another_graph_shows_its_inputs_instead(bot: Bot, room: Room, tmp_path: Path) -> None:
    await opened(room)
    await choose(room, "cleanup", "Path")

    form = await choose(room, "action", "Journal")

    assert "Path" not in form
    assert await room.submit("alice", {"Journal": str(tmp_path / "chosen")}) == {}
    await (await room.opened()).card("Act on chosen?")


async def test_a_form_without_a_graph_asks_for_one(bot: Bot, room: Room) -> None:
    await opened(room)

    errors = await room.submit("alice", {})

    assert "What should be done?" in errors
    assert await room.seat("bob").messages(room.channel) == []
