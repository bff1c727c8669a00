"""Lines that cannot be run: each gets a private answer that says what is wrong and shows one that works."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from simulator.client import Simulator
from tests.support.stage import Bot, Room

LIKE = "A line looks like this:"
"""Before an example whose folder may not be there."""
BAD_LINES = {
    "an unknown graph": (
        "/task clenup path=logs",
        ["neither a graph nor a subcommand", "Did you mean /task cleanup"],
    ),
    "an unknown subcommand": ("/task stats 1a2b", ["stats is neither", "Did you mean /task status", "/task help"]),
    "a missing argument": ("/task cleanup", ["path is missing", f"{LIKE} /task cleanup path=logs"]),
    "a mistyped argument": ("/task cleanup paht=logs", ["paht is not an input", "path", LIKE]),
    "a value of the wrong form": ("/task cleanup path=ok older_than=soon", ["older_than", "soon", "12h, 30d", LIKE]),
    "a word without a key": (
        "/task cleanup path=ok logs",
        ["logs is not key=value", "Try: /task cleanup"],
    ),
    "a key given twice": ("/task cleanup path=a path=b", ["path is given twice", "Try: "]),
    "an open quote": ('/task cleanup path="my logs', ["quote", "Try: "]),
    "a path that climbs out": ("/task cleanup path=../..", ["leads out of", LIKE]),
    "an absolute path": ("/task cleanup path=/etc", ["leads out of", LIKE]),
    "a path through a link": ("/task cleanup path=link", ["leads out of", LIKE]),
    "a folder that is not there": ("/task cleanup path=nowhere", ["is not a folder in", LIKE]),
    "a task that is not there": ("/task status 0000", ["There is no task 0000", "/task list"]),
    "a status of nothing": ("/task status", ["Which task?", "Try: /task status"]),
    "a cancel of nothing": ("/task cancel", ["Which task?", "Try: /task cancel"]),
}


@pytest.fixture(scope="module")
def bot(bot: Bot) -> Bot:
    """With a folder that is fine, and a link that leads out of the root."""
    bot.fill("ok")
    (bot.folder / "files" / "link").symlink_to(bot.folder)
    return bot


@pytest.mark.parametrize(("line", "words"), BAD_LINES.values(), ids=BAD_LINES.keys())
async def test_a_line_that_cannot_be_run_is_answered_in_private(
    bot: Bot, room: Room, line: str, words: Sequence[str]
) -> None:
    mark = await room.mark()

    answer = await room.says("alice", line)

    for word in words:
        assert word in answer
    assert await room.posts(mark) == []
    assert await room.seat("bob").messages(room.channel) == []


async def test_in_a_channel_without_the_bot_it_says_how_to_invite_it(bot: Bot, room: Room) -> None:
    await room.simulator.change_channel(room.channel, remove=("countersign",))

    answers = [await room.says("alice", line) for line in ("/task cleanup path=ok", "/task")]

    assert all("I am not in this channel" in answer for answer in answers)
    assert all("/invite @countersign" in answer for answer in answers)
    assert await room.seat("alice").modal() is None

    await room.simulator.change_channel(room.channel, add=("countersign",))
    await room.start("/task cleanup path=ok")


async def test_in_a_dm_it_says_where_to_go(bot: Bot, simulator: Simulator, room: Room) -> None:
    for channel in ("@countersign", "@bob"):
        before = len(await room.seat("alice").notices())

        await room.seat("alice").command(channel, "/task cleanup path=ok")

        told = await room.told("alice", after=before)
        assert "Tasks are started in a channel" in told
        assert "Go to one and type /task there" in told


async def test_a_failing_look_at_the_channel_starts_nothing_and_says_so(bot: Bot, room: Room) -> None:
    await room.simulator.fault("conversations.info", "status", status=500)

    answer = await room.says("alice", "/task cleanup path=ok")

    assert "That did not get through" in answer
    assert "nothing was changed. Please try again" in answer
    assert await room.seat("bob").messages(room.channel) == []
