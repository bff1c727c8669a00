"""The card, from the question to how it ended: what people see of it on a phone, and what they see next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.client import Simulator
from tests.support.stage import ROOT, UNPACED, Bot, Message, Room, Slack, Thread

POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
rules:
  - name: payments
    match: {graph: payment}
    approvers: ["@finance"]
    quorum: 2
    confirm: yes
  - name: short
    match: {graph: given, action: hurry}
    deadline: 2s
cards:
  given:
    labels: {older_than: Age of the files}
    keys: [path]
"""
PAYMENT = '/task payment payee="Foss & Co" amount=9000 purpose="Consulting, Q4"'


@pytest.fixture(scope="module")
def bot(slack: Slack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    folder = tmp_path_factory.mktemp("card")
    graphs = ("given", "timed", "stopping")
    ledger = str(folder / "ledger.db")
    bot = Bot.prepare(folder / "bot", slack.environment, policy=POLICY, graphs=graphs, PAYMENT_LEDGER=ledger)
    named = json.loads((bot.folder / "langgraph.json").read_text())
    named["graphs"]["payment"] = f"{ROOT}/graphs/payment.py:graph"
    (bot.folder / "langgraph.json").write_text(json.dumps(named))
    bot.module = UNPACED
    bot.start()
    yield bot
    assert bot.stop() == 0, bot.log


async def asked(room: Room, folder: Path, value: Any) -> Thread:
    file = folder / "asked"
    file.write_text(repr(value))
    return await room.start(f"/task given file={file}")


def confirmation(card: Message) -> str:
    """What Slack asks once more before the approval."""
    buttons = [each for block in card["blocks"] for each in block.get("elements", [])]
    (approve,) = [each for each in buttons if each.get("action_id") == "approve"]
    return str(approve["confirm"]["text"]["text"])


# --- Asked, and how it ended ----------------------------------------------------------------------------------


async def test_a_payment_says_in_a_few_lines_who_asks_for_what_and_who_is_missing(bot: Bot, room: Room) -> None:
    thread = await room.start(PAYMENT)
    card = await thread.card("⏳ Pay 9,000.00 EUR to Foss & Co?", "Consulting, Q4", "above the 100 EUR limit")
    first = room.read(card)
    await room.press("bob", card, "approve")
    second = await thread.card("Needs 1 more of @finance (@dave) by", "✓ @bob")

    assert "Needs 2 of @finance by" in first
    assert "0 so far" in first
    assert "[Approve] [Reject…] [Details]" in first
    assert len(first.split("\n")) <= 10
    assert not any(words in first for words in ('"', "SHA", "digest", "Request", "Task", "version", "payments"))
    assert confirmation(card) == "Pay 9,000.00 EUR to Foss & Co? Yours is the first of two approvals."
    assert "Yours is the second of two approvals." in confirmation(second)

    await room.press("dave", second, "approve")

    paid = "Paid 9,000.00 EUR to Foss & Co"
    await thread.settled("✅", "Approved by @bob and @dave", paid, "of ledger.db", without=["Needs"])
    await thread.ended("✅", paid, "Approved by @bob and @dave", "@alice")
    await thread.opening("@alice started payment", f"✅ {paid}", "approved by @bob and @dave", without=["⏳"])


async def test_a_rejection_says_who_and_why_and_that_nothing_was_done(bot: Bot, room: Room) -> None:
    thread = await room.start(PAYMENT)
    await room.press("bob", await thread.card(), "reject")
    assert "the agent is told it" in await room.modal("bob", "Why?")
    await room.submit("bob", {"Why?": "already paid on Monday"})

    card = await thread.settled(
        "⛔", "Rejected by @bob", '"already paid on Monday"', "the agent was told", "othing was paid"
    )
    ended = await thread.ended("⛔ Rejected by @bob", "Nothing was paid", "@alice")
    opening = await thread.opening("⛔ Rejected by @bob", "Nothing was paid")

    assert not any(word in room.read(shown) for word in ("✅", "inished") for shown in (card, ended))
    assert not any(word in opening for word in ("✅", "inished"))


async def test_silence_says_that_nobody_answered_and_that_the_agent_knows(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await asked(room, tmp_path, {"question": "Do it?", "action": "hurry", "details": {"n": 1}})

    card = await thread.settled("⌛", "Expired: nobody answered by", "the agent was told")
    opening = await thread.opening("⌛ Expired: nobody answered by")

    assert not any(word in shown for word in ("✅", "inished") for shown in (room.read(card), opening))


async def test_a_rejection_at_a_breakpoint_says_where_the_task_was_stopped(bot: Bot, room: Room) -> None:
    thread = await room.start("/task stopping topic=harbours")
    await room.press("bob", await thread.card("Before publish: go on?", "All about harbours."), "reject")
    await room.modal("bob", "Why?")
    await room.submit("bob", {"Why?": "not yet"})

    await thread.settled("🛑", "Rejected by @bob", '"not yet"', "the task was stopped before publish")
    await thread.ended("🛑 Rejected by @bob", "@alice")
    await thread.opening("🛑 Rejected by @bob", "stopped", without=["inished"])


@pytest.mark.parametrize(("shape", "word", "settled"), [("inbox", "Ignore", "Ignored"), ("mcp", "Decline", "Declined")])
async def test_a_verb_of_the_shapes_own_opens_a_modal_of_that_name_and_settles_as_it(
    bot: Bot, room: Room, tmp_path: Path, shape: str, word: str, settled: str
) -> None:
    allowed = {f"allow_{name}": name in ("accept", "ignore") for name in ("accept", "edit", "respond", "ignore")}
    row = {"type": "object", "properties": {"row": {"type": "integer"}}, "required": ["row"]}
    form = {"key": "seat", "message": "Which seat?", "mode": "form", "requested_schema": row}
    shapes: dict[str, Any] = {
        "inbox": {"action_request": {"action": "send_email", "args": {"to": "ann@x.example"}}, "config": allowed},
        "mcp": {"type": "mcp_elicitation", "tool_name": "book", "requests": [form]},
    }
    thread = await asked(room, tmp_path, shapes[shape])

    await room.press("bob", await thread.card(f"[{word}…]"), "reject")
    modal = await room.modal("bob", "Why?")
    await room.submit("bob", {"Why?": "none of its business"})

    assert modal.startswith(word)
    assert "the agent is not told it" in modal
    await thread.settled(f"{settled} by @bob", '"none of its business"', without=["Rejected"])


# --- What stands on it, and what is behind a button -----------------------------------------------------------


async def test_what_is_too_long_folds_and_is_approved_in_the_opened_whole_alone(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    details = {f"step_{number}": f"move shelf {number} to the southern hall" for number in range(12)}
    thread = await asked(room, tmp_path, {"question": "Move them?", "details": details})
    card = await thread.card("Move them?", "[Review…]")

    pages = await room.review("bob", card)

    assert "[Approve" not in room.read(card)
    assert len(room.read(card).split("\n")) <= 10
    assert all(words in "\n".join(pages) for words in details.values())
    assert "SHA-256" in pages[-1]
    await room.answer("bob", "approve")
    await thread.settled("Approved by @bob")


async def test_details_shows_every_field_who_decides_and_the_ids_then_the_json_and_its_digest(
    bot: Bot, room: Room
) -> None:
    thread = await room.start(PAYMENT)
    card = await thread.card()
    await room.press("dave", card, "approve")
    card = await thread.card("✓ @dave")

    await room.press("carol", card, "view_all")
    details = await room.modal("carol", "Details")
    view = await room.seat("carol").modal()
    assert view is not None
    (turn,) = [
        each["action_id"]
        for block in view["blocks"]
        for each in block.get("elements", [])
        if each["type"] == "button" and each["text"]["text"] == "Raw JSON"
    ]
    await room.seat("carol").press(view, turn)
    raw = await room.modal("carol", "SHA-256")

    for words in ("Payee  Foss & Co", "Amount  9,000.00", "Purpose  Consulting, Q4", "@dave", "payments", "Request "):
        assert words in details
    assert details.index("Payee") < details.index("Who decides") < details.index("Request ")
    assert '"payee": "Foss & Co"' in raw


async def test_names_and_values_are_for_people_and_the_owners_come_first(bot: Bot, room: Room, tmp_path: Path) -> None:
    details = {"dry_run": False, "older_than": "30d", "count": "12", "path": "/srv/logs"}
    thread = await asked(room, tmp_path, {"question": "Clean up?", "details": details})

    card = room.read(await thread.card("Clean up?"))

    for words in ("Path  /srv/logs", "Age of the files  30 days", "Dry run  No", "Count  12"):
        assert words in card
    assert card.index("Path") < card.index("Age of the files")


async def test_options_that_look_alike_are_numbered(bot: Bot, room: Room, tmp_path: Path) -> None:
    options = [f"{'Keep everything that is there ' * 3}and remove {what}" for what in ("nothing", "the rest")]
    thread = await asked(room, tmp_path, {"question": "Which way?", "options": options})

    card = room.read(await thread.card("Which way?", "[1. ", "[2. "))

    assert all(option in card for option in options)


async def test_without_a_question_the_most_telling_value_is_the_title(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await asked(room, tmp_path, {"customer": "Ann", "weights": [1, 2]})

    card = room.read(await thread.card("Customer: Ann"))

    assert card.startswith("⏳ Customer: Ann")
    assert "A question" not in card


# --- Clicks that come late ------------------------------------------------------------------------------------


async def test_an_answer_by_a_modal_is_confirmed_in_private_while_slack_delays_the_card(
    bot: Bot, simulator: Simulator, room: Room, tmp_path: Path
) -> None:
    thread = await asked(room, tmp_path, {"question": "Do it?", "details": {"n": 1}})
    card = await thread.card()
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")
    for way in ("response_url", "chat.update"):
        await simulator.fault(way, "status", status=500, times=40)
    before = len(await room.seat("bob").notices())

    await room.submit("bob", {"Why?": "not today"})

    assert "counted" in await room.told("bob", after=before)
    assert "[Approve]" in room.read(await thread.again(card))
    await simulator.clear_faults()
    await thread.settled("Rejected by @bob", '"not today"')


async def test_if_only_a_clock_changed_the_refusal_brings_the_card_with_it_and_one_more_click_is_enough(
    bot: Bot, simulator: Simulator, room: Room
) -> None:
    thread = await room.start("/task timed name=Ann")
    size, pay = await thread.card("Which size?"), await thread.card("Pay Ann?")
    await simulator.fault("chat.update", "status", status=500, times=40)
    await room.press("bob", size, "respond")
    await room.modal("bob", "Which size?")
    assert await room.seat("bob").submit({"value": "large"}) == {}
    await thread.settled("Which size?", "Answered by @bob")

    refused = await room.pressing("bob", await thread.again(pay), "approve")
    await room.press("bob", await thread.again(pay), "approve")

    assert "Only the time of asking changed" in refused
    assert "press the button once more" in refused
    await simulator.clear_faults()
    await thread.settled("Pay Ann?", "Approved by @bob")
    await thread.ended("size large")
