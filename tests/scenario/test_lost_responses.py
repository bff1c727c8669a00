"""Calls of which one does not know whether Slack got them: what was posted is found, and nothing is posted twice."""

from __future__ import annotations

from pathlib import Path

from simulator.client import Simulator
from tests.support.stage import Bot, Room

GRAPHS = ("action",)


async def test_lost_responses_to_the_opening_and_the_card_make_no_second_message(
    bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    mark = await room.mark()
    await simulator.fault("chat.postMessage", "lose_response", times=2)

    thread = await room.start(f"/task action journal={tmp_path / 'lost'}")
    await thread.approved()

    posts = await room.posts(mark)
    assert [post["lost"] for post in posts] == [True, True, False]
    assert set((await room.posted_ids(mark)).values()) == {1}


async def test_requests_that_never_arrive_are_made_again(
    bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    await simulator.fault("chat.postMessage", "lose_request", times=1)

    thread = await room.start(f"/task action journal={tmp_path / 'never'}")

    await thread.card()
    assert len(await thread.messages()) == 2
