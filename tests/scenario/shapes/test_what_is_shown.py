"""What people see beside the answer: all of a payload, nothing forged by it, and what a graph is doing meanwhile."""

from __future__ import annotations

import json
import re
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from simulator.client import Seat
from tests.scenario.shapes.cases import LONG
from tests.scenario.shapes.conftest import Asks
from tests.support.stage import Bot, Room


async def test_what_is_too_long_to_page_through_is_a_file_in_the_thread_once(asks: Asks) -> None:
    asked = await asks("long", "Publish it?", "line 0: nothing of note", "The rest is in Review…")
    shared = await asked.thread.shows("Everything that request")

    (file,) = shared["files"]
    (shown,) = await asked.room.review("bob", await asked.thread.again(asked.card))
    await asked.room.answer("bob", "view_all")
    await asked.room.until(partial(_depth, asked.room.seat("bob")), "the whole, on top of the review")
    paged = await asked.room.modal("bob", "Details")
    await asked.room.seat("bob").close_modal()
    await asked.room.answer("bob", "approve")

    assert await asked.told() is True
    assert file["size"] > len(LONG)
    assert f"The whole is in the file {file['name']} of this thread" in shown
    assert f"The whole is in the file {file['name']} of this thread" in paged
    assert "[Raw JSON]" not in paged
    files = [message for message in await asked.thread.messages() if message.get("files")]
    assert len(files) == 1


async def test_what_is_cut_says_so_on_the_card_and_its_whole_is_paged_through(asks: Asks) -> None:
    asked = await asks("paged", "Publish it?", "line 0: nothing of note", "The rest is in Review…", "[Review…]")
    pages = await asked.room.review("bob", asked.card)
    whole = "\n".join(pages)

    assert all(f"line {number}: nothing of note" in whole for number in range(1200))
    assert len({*re.findall(r"SHA-256 (\w{64})", whole)}) == 1
    assert all("SHA-256 " in page for page in pages)
    assert "[Next]" not in pages[-1]
    assert not [message for message in await asked.thread.messages() if message.get("files")]
    await asked.room.answer("bob", "approve")
    assert await asked.told() is True


async def test_words_of_an_agent_forge_nothing_on_any_surface(asks: Asks) -> None:
    asked = await asks("hostile", "Safe")
    bob = asked.room.seat("bob")
    views: list[Any] = []
    for action in ("edit", "reject", "view_all"):
        await asked.room.review("bob", asked.card)
        views.append(await bob.modal())
        await asked.room.answer("bob", action)
        await asked.room.until(partial(_depth, bob), f"the modal of {action}")
        views.append(await bob.modal())
        await bob.close_modal(everything=True)
    await asked.room.review("bob", asked.card)
    await asked.room.answer("bob", "edit")
    await asked.room.until(partial(_depth, bob), "the edit")
    assert await asked.submit(Safe="2") == {}
    await asked.told()

    told = [json.dumps(shown) for shown in (*views, *await asked.thread.messages(), *await bob.notices())]
    for words in (text for each in told for text in _mrkdwn(json.loads(each))):
        assert "<!channel>" not in words
        assert "<https:" not in words
    mentions = await asked.room.simulator.traffic(method="chat.postMessage", after=await asked.room.mark() - 200)
    assert all("<!channel>" not in str(call["arguments"].get("text")) for call in mentions)


async def test_a_running_graph_says_what_it_does_and_then_no_more(bot: Bot, room: Room, tmp_path: Path) -> None:
    before = await room.mark()
    told = tmp_path / "told.json"

    thread = await room.start(f"/task asking case=words told={told} seconds=6")

    await thread.shows("Working: ", "seconds left of <!channel>")
    await thread.card("What is the cost centre?")
    opening = await thread.shows("started asking", "⏳ What is the cost centre?", without=["Working", "seconds left"])
    calls = await room.simulator.traffic(method="chat.update", after=before)
    edits = [call["at"] for call in calls if call["arguments"]["ts"] == opening["ts"]]
    assert len(edits) in (2, 3)
    assert all(later - earlier > 2.9 for earlier, later in pairwise(edits))
    assert len(await thread.messages()) == 2


async def _depth(bob: Seat) -> bool:
    """Whether one modal lies on another."""
    view = await bob.modal()
    return view is not None and view["depth"] == 2


def _mrkdwn(node: Any) -> list[str]:
    """Everything in which Slack would parse something."""
    if isinstance(node, list):
        return [words for each in node for words in _mrkdwn(each)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if node.get("type") == "mrkdwn" else []
    own += [node["text"]] if "ts" in node and isinstance(node.get("text"), str) else []
    return own + [words for each in node.values() for words in _mrkdwn(each)]
