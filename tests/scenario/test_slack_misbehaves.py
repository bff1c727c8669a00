"""Errors, rate limits, a silent directory and dropped sockets: nothing is posted twice, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

from simulator.client import Simulator
from tests.support.stage import WAIT, Bot, Room

GRAPHS = ("action",)


async def test_a_dropped_socket_is_opened_again_and_buttons_work_after_it(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    thread = await room.start(f"/task action journal={tmp_path / 'dropped'}")
    card = await thread.card()

    opened = await simulator.wait_connected(timeout=WAIT)
    for politely in (True, False):
        await simulator.drop_sockets(politely=politely)
        opened = await simulator.wait_connected(since=opened, timeout=WAIT)

    assert "not yours to approve" in await room.pressing("alice", card, "approve")
    await thread.approved()


async def test_a_channel_that_the_bot_was_removed_from_takes_no_task_until_it_is_back(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    """What is remembered of a channel ends with the event that changes it."""
    own_bot.start()
    line = f"/task action journal={tmp_path / 'removed'}"
    await (await room.start(line)).approved()

    await simulator.change_channel(room.channel, remove=("countersign",))
    assert "not in this channel" in await room.says("alice", line)
    await simulator.change_channel(room.channel, add=("countersign",))

    await (await room.start(line)).approved()


async def test_a_rate_limit_and_errors_delay_messages_and_lose_none(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    await simulator.fault("chat.postMessage", "status", status=429, retry_after=1)
    await simulator.fault("chat.postMessage", "status", status=500)
    await simulator.fault("chat.update", "status", status=429, retry_after=1)
    mark = await room.mark()

    thread = await room.start(f"/task action journal={tmp_path / 'limited'}")
    await thread.approved()
    await thread.shows("@alice started action", "✅", "approved by @bob")

    limited = [call for call in await simulator.traffic(after=mark) if call.get("status") == 429]
    assert len(limited) == 2
    assert set((await room.posted_ids(mark)).values()) == {1}


async def test_a_slack_that_refuses_connections_for_a_while_is_found_again(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    thread = await room.start(f"/task action journal={tmp_path / 'refused'}")
    card = await thread.card()
    await simulator.refuse_sockets(2)
    await simulator.drop_sockets()

    async def unreachable() -> bool:
        return not (await simulator.state())["connected"]

    await room.until(unreachable, "the end of the connection")
    answer = await room.seat("bob").press(card, "approve")
    assert not answer["ok"]
    assert "[Approve]" in room.read(await thread.again(card))

    await simulator.wait_connected(timeout=30)

    await thread.approved()


async def test_a_failing_directory_refuses_a_click_with_try_again_and_loses_nothing(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    thread = await room.start(f"/task action journal={tmp_path / 'directory'}")
    card = await thread.card()

    for kind in ("status", "error"):
        await simulator.fault("users.info", kind)
        refusal = await room.pressing("dave", card, "approve")  # whom nobody has looked up yet
        assert "nothing was changed. Please try again" in refusal
        assert "[Approve]" in room.read(await thread.again(card))
    await simulator.fault("users.info", "status", status=500)
    assert "Please try again" in await room.pressing("dave", card, "reject")

    await thread.approved()


async def test_a_slack_that_forgets_a_card_gets_it_again_once(
    own_bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    own_bot.start()
    thread = await room.start(f"/task action journal={tmp_path / 'forgotten'}")
    card = await thread.card()
    await thread.shows("@alice started action", "⏳ Act on forgotten?")
    await simulator.fault("chat.update", "error", error="message_not_found", times=1)

    await room.press("bob", card, "approve")

    await thread.settled("Act on forgotten?", "Approved by @bob")
    await thread.ended("Acted.")
