"""LangChain's and deepagents' own agents: from the model's call, through the card and its modals, to the tool."""

from __future__ import annotations

import pytest

from tests.scenario.shapes.conftest import Asks

EVERY = pytest.mark.parametrize("graph", ["batched", "per_call", "deep"])
BATCHED = pytest.mark.parametrize("graph", ["batched", "deep"])


@EVERY
async def test_an_approved_call_runs_as_it_was_proposed(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Send to ann?", "[Approve]", "[Edit…]", "[Reject…]", "[Answer…]")

    await asked.press("approve")

    assert await asked.ended() == 'sent with ["ann", 2]'


@EVERY
async def test_an_edited_call_runs_as_it_was_approved_and_its_tool_is_no_field(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Send to ann?")
    await asked.press("edit")
    await asked.room.modal("bob", "Copies")
    view = await asked.room.seat("bob").modal()
    assert view is not None
    fields = [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"]

    assert list(await asked.submit(Copies="many")) == ["Copies"]
    assert await asked.submit(To="bob", Copies="3") == {}

    assert fields == ["To", "Copies"]
    card = await asked.settled("Approved with changes by @bob")
    assert "To  ann → bob\nCopies  2 → 3" in card
    assert 'sent with ["bob", 3]' in await asked.ended()


async def test_asked_call_by_call_an_edit_is_held_against_the_tools_own_arguments(starts: Asks) -> None:
    asked = await starts("per_call", "please write to ann", "Send to ann?")
    await asked.press("edit")
    await asked.room.modal("bob", "Copies")

    assert list(await asked.submit(Copies="2.5")) == ["Copies"]
    assert await asked.submit(Copies="1") == {}

    assert 'sent with ["ann", 1]' in await asked.ended()


@EVERY
async def test_a_rejected_call_does_not_run_and_the_model_is_told_why(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Send to ann?")

    await asked.says("reject", "She has moved.")

    await asked.settled("Rejected by @bob", "She has moved.")
    ended = await asked.ended()
    assert "She has moved." in ended
    assert "sent with" not in ended


@EVERY
async def test_an_answer_takes_the_place_of_the_tools_own(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please write to ann", "Send to ann?")

    await asked.says("respond", "I told her myself.")

    await asked.shows("Answered by @bob", "I told her myself.")
    assert await asked.ended() == "I told her myself."


@BATCHED
async def test_several_calls_are_one_card_approved_at_once(starts: Asks, graph: str) -> None:
    asked = await starts(
        graph, "please do both", "Send and burn?", "1. Send", "2. Burn", "[Approve all]", "[One by one…]"
    )

    await asked.press("approve")

    assert await asked.ended() == 'sent with ["ann", 2] | burnt /x'


@BATCHED
async def test_several_calls_are_edited_and_answered_one_by_one(starts: Asks, graph: str) -> None:
    asked = await starts(graph, "please do both", "[One by one…]")
    await asked.press("each")
    await asked.room.modal("bob", "One by one")
    await asked.room.answer("bob", "edit:0")
    await asked.room.modal("bob", "Save changes")
    assert await asked.submit(Copies="1") == {}
    await asked.shows("Changed by @bob", "Copies  2 → 1")

    form = await asked.room.modal("bob", "One by one")
    assert list(await asked.room.submit("bob", {"1. Send": "Approve"})) == ["2. Burn"]
    filled = {"1. Send": "Approve", "2. Burn": "Reject", "Reason, if it is rejected": "Keep it."}
    assert await asked.room.submit("bob", filled) == {}

    assert "Copies  1" in form
    await asked.shows("1 of 2 approved by @bob", "Send  Approved", "Burn  Rejected: Keep it.")
    ended = await asked.ended()
    assert 'sent with ["ann", 1]' in ended
    assert "Keep it." in ended
    assert "burnt" not in ended


async def test_asked_call_by_call_each_has_its_own_card_and_any_may_be_first(starts: Asks) -> None:
    send = await starts("per_call", "please do both", "Send to ann?")
    burn = await send.thread.card("Burn /x?", "[Approve]", "[Reject…]")
    assert "[Edit…]" not in send.room.read(burn)

    await send.room.press("carol", burn, "approve")
    await send.shows("Burn /x?", "Approved by @carol")
    await send.press("approve")

    assert await send.ended() == 'sent with ["ann", 2] | burnt /x'
