"""What agents ask before they call a tool, from the card through clicks and modals to what the graph was given."""

from __future__ import annotations

import pytest

from tests.scenario.shapes.conftest import Asks


async def test_several_tool_calls_are_edited_and_answered_one_by_one(asks: Asks) -> None:
    asked = await asks("calls", "[Review…]")
    await asked.press("edit:0")
    form = await asked.room.modal("bob", "Save changes")
    assert "129.5" in form

    assert await asked.submit(Amount="99.5", Note="First line.\nAnother line.") == {}

    card = await asked.shows("Changed by @bob", "129.5", "99.5", "- Second line.", "+ Another line.")
    assert "  First line." in card
    await asked.press("each", "carol")
    await asked.room.modal("carol", "[Send]")
    errors = await asked.room.submit("carol", {"1. Refund": "Approve", "2. Send mail": "Reject"})
    assert errors == {"Reason or answer": "Please say why."}
    assert await asked.room.submit("carol", {"Reason or answer": "Not sorry"}) == {}
    await asked.shows("1 of 2 approved by @carol", "Refund", "Not sorry", "Changed by @bob")
    args = {"order": "A-1", "amount": 99.5, "note": "First line.\nAnother line."}
    assert await asked.told() == {
        "decisions": [
            {"type": "edit", "edited_action": {"name": "refund", "args": args}},
            {"type": "reject", "message": "Not sorry"},
        ]
    }


async def test_all_are_approved_at_once_only_where_each_can_be(asks: Asks) -> None:
    asked = await asks("mixed", "[Review…]")

    (page,) = await asked.room.review("bob", asked.card)

    assert "[Approve all" not in page
    assert "[Reject all 2…]" in page
    assert "[One by one…]" in page
    await asked.room.answer("bob", "reject")
    await asked.room.modal("bob", "Why?")
    assert await asked.submit(**{"Why?": "No"}) == {}
    assert await asked.told() == {"decisions": [{"type": "reject", "message": "No"}] * 2}


async def test_an_edit_that_is_wrong_is_told_at_its_field_and_one_that_is_right_is_approved(asks: Asks) -> None:
    asked = await asks("call", "[Approve]", "[Edit…]")
    await asked.press("edit")
    await asked.room.modal("bob", "Save and approve")

    assert "Amount" in await asked.submit(Amount="many")
    assert await asked.submit(Amount="100") == {}

    await asked.shows("Approved with changes by @bob", "129.5", "100")
    told = await asked.told()
    assert told["decisions"][0]["edited_action"]["args"]["amount"] == 100


async def test_a_structure_is_edited_as_json(asks: Asks) -> None:
    asked = await asks("structure", "Steps", "- Do drain", "[Edit…]")
    await asked.press("edit")
    await asked.room.modal("bob", "Steps")

    assert "not JSON" in (await asked.submit(Steps="[{"))["Steps"]
    assert await asked.submit(Steps='[{"do": "drain", "in": 9}]', Dry="Yes") == {}

    changed = '[{"do": "drain", "in": 5}] → [{"do": "drain", "in": 9}]'
    await asked.shows("Approved with changes by @bob", changed, "Dry  No → Yes")
    told = await asked.told()
    assert told["decisions"][0]["edited_action"]["args"] == {"steps": [{"do": "drain", "in": 9}], "dry": True}


async def test_an_edit_voids_the_votes_before_it(asks: Asks) -> None:
    asked = await asks("call", "Needs 2 of @ops-leads", graph="paired")
    await asked.press("approve", "bob")
    await asked.shows("Needs 1 more of @ops-leads (@carol)", "✓ @bob")
    await asked.press("edit", "carol")
    await asked.room.modal("carol", "answers given so far no longer count")

    assert await asked.submit("carol", Amount="100") == {}

    await asked.shows("Changed by @carol", "Needs 1 more of @ops-leads (@bob)", "✓ @carol")
    await asked.press("approve", "bob")
    await asked.shows("Approved with changes by @carol and @bob")
    assert (await asked.told())["decisions"][0]["edited_action"]["args"]["amount"] == 100


async def test_an_edit_that_changes_nothing_is_an_approval_of_what_was_proposed(asks: Asks) -> None:
    asked = await asks("call", "[Edit…]")
    await asked.press("edit")
    await asked.room.modal("bob", "Save and approve")

    assert await asked.submit() == {}

    await asked.shows("Approved by @bob")
    assert await asked.told() == {"decisions": [{"type": "approve"}]}


@pytest.mark.parametrize(
    ("action", "words", "answer"),
    [
        ("approve", "", {"type": "accept", "args": {"action": "send_email", "args": {"to": "ann@x.example"}}}),
        ("respond", "Ask her first", {"type": "response", "args": "Ask her first"}),
        ("reject", "Spam", {"type": "ignore", "args": None}),
    ],
)
async def test_agent_inbox_in_its_own_words(asks: Asks, action: str, words: str, answer: object) -> None:
    asked = await asks("inbox", "[Accept]", "[Ignore…]")

    await asked.press(action)
    if words:
        await asked.room.modal("bob", "Send email to ann@x.example?")
        assert await asked.room.seat("bob").submit({"value": words}) == {}

    assert await asked.told() == [answer]


async def test_a_tools_server_asks_for_data(asks: Asks) -> None:
    asked = await asks("mcp", "Which seat?", "[Decline…]")

    await asked.press("respond")
    await asked.room.modal("bob", "Row")
    assert await asked.submit(Row="12") == {}

    assert await asked.told() == {"responses": {"seat": {"action": "accept", "content": {"row": 12}}}}


async def test_a_tools_server_is_declined(asks: Asks) -> None:
    asked = await asks("mcp", "Which seat?", "[Decline…]")

    await asked.says("reject", "None of its business")

    assert await asked.told() == {"responses": {"seat": {"action": "decline"}}}


async def test_a_tools_server_has_an_address_opened(asks: Asks) -> None:
    asked = await asks("mcp url", "Please log in", "https://rail.example/login", "[Done]", "[Decline…]")

    await asked.press("approve")

    assert await asked.told() == {"responses": {"login": {"action": "accept"}}}


async def test_a_tools_server_asks_two_things_at_once(asks: Asks) -> None:
    asked = await asks("mcp both", "Which seat?", "Please log in", "https://rail.example/login")

    await asked.press("each")
    assert "Please log in" in await asked.room.modal("bob", "Row")
    filled = {"1. Book": "Answer", "2. Book": "Decline", "Reason, if you choose Decline": "Not from here"}
    assert list(await asked.room.submit("bob", filled)) == ["Row"]
    assert await asked.room.submit("bob", {**filled, "Row": "12"}) == {}

    assert await asked.told() == {
        "responses": {"seat": {"action": "accept", "content": {"row": 12}}, "login": {"action": "decline"}}
    }


async def test_agent_inboxs_list_is_one_card_whose_actions_are_edited_and_answered_one_by_one(asks: Asks) -> None:
    asked = await asks("inboxes", "Send email", "2 times", "[Accept all]", "[Ignore…]")
    await asked.press("each")
    await asked.room.modal("bob", "One by one")
    await asked.room.answer("bob", "edit:0")
    await asked.room.modal("bob", "Save changes")
    assert await asked.submit(To="bob@x.example") == {}
    await asked.shows("Changed by @bob", "bob@x.example")

    await asked.room.modal("bob", "One by one")
    filled = {"1. Send email": "Accept", "2. Send email": "Answer", "Reason or answer": "Ask her first"}
    assert await asked.room.submit("bob", filled) == {}

    assert await asked.told() == [
        {"type": "edit", "args": {"action": "send_email", "args": {"to": "bob@x.example"}}},
        {"type": "response", "args": "Ask her first"},
    ]
