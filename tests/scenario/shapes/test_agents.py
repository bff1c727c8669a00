"""LangChain's and deepagents' own agents: from the model's call, through the card and its modals, to the tool."""

from __future__ import annotations

import pytest

from tests.scenario.shapes.conftest import Asks

EVERY = pytest.mark.parametrize("graph", ["batched", "per_call", "deep"])
BATCHED = pytest.mark.parametrize("graph", ["batched", "deep"])


@EVERY
async def test_an_approved_call_runs_as_it_was_proposed(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Run send?", "[Approve]", "[Edit…]", "[Reject]", "[Answer…]")

    await asked.press("approve")

    assert await asked.ended() == 'sent with ["ann", 2]'


@EVERY
async def test_an_edited_call_runs_as_it_was_approved_and_its_tool_is_no_field(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Run send?")
    await asked.press("edit")
    await asked.room.modal("bob", "copies")
    view = await asked.room.seat("bob").modal()
    assert view is not None
    fields = [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"]

    assert list(await asked.submit(copies="many")) == ["copies"]
    assert await asked.submit(to="bob", copies="3") == {}

    assert fields == ["to", "copies"]
    card = await asked.shows("Approved with changes by @bob", "The agent was told, and went on")
    assert "to  ann  →  bob\ncopies  2  →  3" in card
    assert 'sent with ["bob", 3]' in await asked.ended()


async def test_asked_call_by_call_an_edit_is_held_against_the_tools_own_arguments(starts: Asks) -> None:
    asked = await starts("per_call", "please write to ann", "Run send?")
    await asked.press("edit")
    await asked.room.modal("bob", "copies")

    assert list(await asked.submit(copies="2.5")) == ["copies"]
    assert await asked.submit(copies="1") == {}

    assert 'sent with ["ann", 1]' in await asked.ended()


@EVERY
async def test_a_rejected_call_does_not_run_and_the_model_is_told_why(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Run send?")

    await asked.says("reject", "She has moved.")

    await asked.shows("Rejected by @bob", "> She has moved.", "The agent was told, and went on")
    ended = await asked.ended()
    assert "She has moved." in ended
    assert "sent with" not in ended


@EVERY
async def test_an_answer_takes_the_place_of_the_tools_own(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Run send?")

    await asked.says("respond", "I told her myself.")

    await asked.shows("Answered by @bob", "> I told her myself.")
    assert await asked.ended() == "I told her myself."


@BATCHED
async def test_several_calls_are_one_card_approved_at_once(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please do both", "Run these 2 tools?", "1. send", "2. burn", "[Approve all 2]")

    await asked.press("approve")

    assert await asked.ended() == 'sent with ["ann", 2] | burnt /x'


@BATCHED
async def test_several_calls_are_edited_and_answered_one_by_one(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please do both", "[One by one…]")
    await asked.press("edit:0")
    await asked.room.modal("bob", "send")
    assert await asked.submit(copies="1") == {}
    await asked.shows("Changed by @bob", "copies  2  →  1")

    await asked.press("each")
    form = await asked.room.modal("bob", "One by one")
    assert list(await asked.room.submit("bob", {"1. send": "Approve"})) == ["2. burn"]
    filled = {"1. send": "Approve", "2. burn": "Reject", "Reason, if it is rejected": "Keep it."}
    assert await asked.room.submit("bob", filled) == {}

    assert "copies  1" in form
    await asked.shows("Answered one by one by @bob", "send  Approved", "burn  Rejected: Keep it.")
    ended = await asked.ended()
    assert 'sent with ["ann", 1]' in ended
    assert "Keep it." in ended
    assert "burnt" not in ended


async def test_asked_call_by_call_each_has_its_own_card_and_any_may_be_first(starts: Asks) -> None:
    send = await starts("per_call", "please do both", "Run send?")
    burn = await send.thread.card("Run burn?", "[Approve]", "[Reject]")
    assert "[Edit…]" not in send.room.read(burn)

    await send.room.press("carol", burn, "approve")
    await send.shows("Run burn?", "Approved by @carol")
    await send.press("approve")

    assert await send.ended() == 'sent with ["ann", 2] | burnt /x'
