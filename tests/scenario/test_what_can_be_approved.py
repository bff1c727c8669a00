"""Nothing can be approved from a place that does not show all of it: what is left out is reviewed first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.scenario.test_home import home, row
from tests.support.stage import Bot, Room, Thread

POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
  reason_required: never
rules:
  - name: private
    match: {graph: given, action: secret}
    private: yes
"""
GRAPHS = ("given", "plain")
PLAN = (
    "Go on with the plan? It has been agreed on with the owners of the data, and there is a backup of all of it.\n"
    + ("1. stop the importer and wait until its queue is empty\n2. drop table orders_2019")
)
TWO = {
    "action_requests": [
        {"name": "delete_file", "args": {"path": "/srv/tmp/cache"}},
        {"name": "delete_file", "args": {"path": "/srv/orders/2019"}},
    ],
    "review_configs": [{"action_name": "delete_file", "allowed_decisions": ["approve", "reject"]}],
}
SIXTY = {"question": "Set them?", "details": {f"key_{number:02}": f"value {number}" for number in range(60)}}
LARGE = {"question": "Publish it?", "details": {"body": "\n".join(f"line {n} of the text" for n in range(9_000))}}
TRAP = {
    "question": "Which way?",
    "options": [
        {"label": "No, keep everything", "value": "delete_all", "description": "Frees 3 TB at once"},
        {"label": "Yes", "value": "yes"},
    ],
}


async def asked(room: Room, folder: Path, value: Any) -> Thread:
    file = folder / "asked"
    file.write_text(repr(value))
    return await room.start(f"/task given file={file}")


def told(folder: Path) -> Any:
    return json.loads((folder / "asked.told").read_text())


@pytest.mark.parametrize("value", [SIXTY, LARGE], ids=["sixty keys", "200 kB"])
async def test_what_does_not_fit_is_approved_after_its_last_page_and_nowhere_else(
    bot: Bot, room: Room, tmp_path: Path, value: Mapping[str, Any]
) -> None:
    thread = await asked(room, tmp_path, value)
    card = await thread.card("[Review…]")
    assert "[Approve]" not in room.read(card)
    if value is LARGE:
        await thread.shows("Everything that request")

    pages = await room.review("bob", card)

    whole = "\n".join(pages)
    if value is SIXTY:
        assert all(name.replace("key_", "Key ") in whole and said in whole for name, said in value["details"].items())
    else:
        (file,) = (await thread.shows("Everything that request"))["files"]
        assert file["name"] in whole
        assert "SHA-256 of the file" in whole
    assert "[Approve] [Reject…]" in pages[-1]
    await room.answer("bob", "approve")
    await room.modal("bob", "Your answer is recorded")
    await thread.settled("Approved by @bob")
    assert told(tmp_path) is True


async def test_a_long_question_stands_in_full_with_its_line_ends(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await asked(room, tmp_path, {"question": PLAN, "details": {"n": 1}})

    card = room.read(await thread.card("[Approve]"))

    assert "1. stop the importer and wait until its queue is empty\n2. drop table orders_2019" in card
    assert "…" not in card.replace("…]", "]")


@pytest.mark.parametrize("shown_in", ["home", "command"])
async def test_two_actions_of_one_name_are_not_approved_unseen(
    bot: Bot, room: Room, tmp_path: Path, shown_in: str
) -> None:
    await room.seat("bob").open_home()
    thread = await asked(room, tmp_path, TWO)
    card = await thread.card("/srv/orders/2019", "[Approve all]")
    assert "/srv/orders/2019" in room.read(card)
    if shown_in == "command":
        listed = await room.says("bob", "/approvals")
        assert "[Approve" not in listed
        single = await room.says("bob", f"/approvals {await thread.request_id()}")
        assert "/srv/orders/2019" in single
        return

    view = await home(room, "bob", "Delete file (2 times)?")
    block_id = row(view, "Delete file (2 times)?", room)
    assert "approve" not in str(next(block for block in view["blocks"] if block.get("block_id") == block_id))
    (page,) = await room.review("bob", view, block_id=block_id)

    assert "/srv/orders/2019" in page
    await room.answer("bob", "approve")
    await thread.settled("Approved by @bob")


async def test_a_choice_shows_what_the_agent_gets_and_all_that_is_said_of_it(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread = await asked(room, tmp_path, TRAP)
    card = await thread.card("No, keep everything")

    shown = room.read(card)

    assert "the agent gets delete_all" in shown.replace("`", "")
    assert "Frees 3 TB at once" in shown
    assert "[1. No, keep" in shown
    await room.press("bob", card, "choose:0")
    await thread.settled()
    assert told(tmp_path) == "delete_all"


async def test_a_private_request_is_answered_by_one_who_has_read_it(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await asked(room, tmp_path, {"question": "Do it?", "action": "secret", "details": {"to": "hidden-words"}})
    card = await thread.card("Secret", "[Review…]")
    assert "[Approve]" not in room.read(card)

    (page,) = await room.review("bob", card)

    assert "hidden-words" in page
    await room.answer("bob", "approve")
    settled = await thread.settled("Approved by @bob")
    assert "hidden-words" not in room.read(settled)


async def test_a_form_that_is_opened_from_a_review_lies_on_top_of_it(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await asked(room, tmp_path, SIXTY)
    await room.review("bob", await thread.card())

    await room.answer("bob", "reject")
    await room.modal("bob", "Why?")
    view = await room.seat("bob").modal()
    assert view is not None
    assert view["depth"] == 2
    assert await room.submit("bob", {"Why?": "Not these"}) == {}

    await thread.settled("Rejected by @bob", "Not these")
    await thread.ended("Rejected by @bob")
    assert await room.seat("bob").modal() is None
    assert told(tmp_path) is False


async def test_one_who_may_not_answer_reads_why_in_the_place_of_the_review(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread = await asked(room, tmp_path, SIXTY)
    await room.review("dave", await thread.card())

    await room.answer("dave", "approve")

    assert "You may not answer this request" in await room.modal("dave", "About your click")
    await thread.card()


async def test_an_answer_to_what_was_drawn_before_digests_is_refused_and_the_card_drawn_again(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread = await asked(room, tmp_path, {"question": "Do it?", "details": {"n": 1}})
    card = await thread.card()
    value = json.loads(next(e["value"] for b in card["blocks"] for e in b.get("elements", []) if e.get("value")))
    old = [
        {
            **block,
            "elements": [
                {**each, "value": json.dumps({k: v for k, v in value.items() if k != "digest"})}
                if each.get("value")
                else each
                for each in block["elements"]
            ],
        }
        if block["type"] == "actions"
        else block
        for block in card["blocks"]
    ]
    await _redraw(room, bot, card, old)

    refused = await room.pressing("bob", await thread.again(card), "approve")

    assert "drawn before Countersign was updated" in refused
    again = await thread.shows("Do it?", "[Approve]")

    async def fresh() -> Any:
        shown = await thread.again(again)
        return shown if "digest" in str(shown["blocks"]) else None

    await room.press("bob", await room.until(fresh, "the card, drawn again"), "approve")
    await thread.settled("Approved by @bob")


async def test_a_long_question_for_words_is_not_answered_by_a_message(bot: Bot, room: Room, tmp_path: Path) -> None:
    topic = "word " * 900
    file = tmp_path / "topic"
    file.write_text(topic)
    value = {"question": "What shall it be called?", "answer": "text", "error": topic}
    thread = await asked(room, tmp_path, value)
    card = await thread.card("[Review…]")

    await room.seat("bob").send(room.channel, "@countersign Blue", thread_ts=thread.ts)

    assert "Press Review…" in (await room.told("bob", containing="a message does not answer it")).replace("*", "")
    await room.review("bob", card)


async def _redraw(room: Room, bot: Bot, card: Mapping[str, Any], blocks: list[Any]) -> None:
    """Let the message show what an earlier version of the bot had drawn."""
    client = AsyncWebClient(token=bot.environment["SLACK_BOT_TOKEN"], base_url=bot.environment["SLACK_API_URL"])
    sent = [{k: v for k, v in block.items() if k != "block_id"} for block in blocks]
    await client.chat_update(channel=card["channel"], ts=card["ts"], text="before", blocks=sent)


def mail(**arguments: Any) -> dict[str, Any]:
    config = {"action_name": "send", "allowed_decisions": ["approve", "edit", "reject"]}
    return {"action_requests": [{"name": "send", "args": arguments}], "review_configs": [config]}


async def edited(room: Room, thread: Thread, field: str, words: str) -> None:
    """Carol changes one argument, out of a review."""
    await room.review("carol", await thread.card())
    await room.answer("carol", "edit")
    await room.modal("carol", "Save changes")
    assert await room.submit("carol", {field: words}) == {}
    await thread.shows("Changed by @carol")


async def test_a_review_of_what_changed_meanwhile_begins_anew(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await asked(
        room, tmp_path, mail(subject="First", **{f"body_{n}": "a line of it\n" * 50 for n in range(60)})
    )
    await room.press("bob", await thread.card("[Review…]"), "review")
    await room.modal("bob", "Page 1 of")
    await edited(room, thread, "Subject", "Second")

    await room.answer("bob", "page:1")

    assert "Page 1 of" in await room.modal("bob", "This has changed while you were reading")
    await room.seat("bob").close_modal(everything=True)
    pages = await room.review("bob", await thread.card("Second"))
    assert "Subject  Second" in pages[0]
    await room.answer("bob", "approve")
    await thread.settled("Approved with changes by @bob")
    (decision,) = told(tmp_path)["decisions"]
    assert decision["edited_action"]["args"]["subject"] == "Second"


async def test_an_answer_in_a_review_of_what_changed_meanwhile_does_not_count(
    bot: Bot, room: Room, tmp_path: Path
) -> None:
    thread = await asked(room, tmp_path, mail(**{f"key_{number}": f"value {number}" for number in range(60)}))
    await room.review("bob", await thread.card())
    await edited(room, thread, "Key 3", "changed")

    await room.answer("bob", "approve")

    assert "this changed: Key 3 value 3 → changed" in await room.modal("bob", "About your click")
    await thread.card("Changed by @carol", "[Review…]")


async def test_an_argument_far_down_the_list_can_be_edited(bot: Bot, room: Room, tmp_path: Path) -> None:
    thread = await asked(room, tmp_path, mail(**{f"key_{number}": number for number in range(90)}))
    await room.review("bob", await thread.card())
    await room.answer("bob", "edit")
    await room.modal("bob", "90 arguments")
    view = await room.seat("bob").modal()
    assert view is not None
    assert (await room.seat("bob").press(view, "arguments", value="0:2"))["ok"]
    await room.modal("bob", "Key 88")

    assert list(await room.submit("bob", {"Key 88": "18446744073709551616"})) == ["Key 88"]
    assert await room.submit("bob", {"Key 88": "-1"}) == {}

    await thread.shows("Changed by @bob", "Key 88")
    await room.review("carol", await thread.card("Changed by @bob"))
    await room.answer("carol", "approve")
    await thread.settled("Approved with changes by @carol")
    (decision,) = told(tmp_path)["decisions"]
    assert decision["edited_action"]["args"]["key_88"] == -1


async def test_one_of_many_actions_is_edited_out_of_a_review(bot: Bot, room: Room, tmp_path: Path) -> None:
    many = mail()
    many["action_requests"] = [{"name": "send", "args": {"to": f"{number}@example.org"}} for number in range(20)]
    thread = await asked(room, tmp_path, many)
    card = await thread.card("[Review…]")
    assert "[Edit" not in room.read(card)
    await room.review("bob", card)
    view = await room.seat("bob").modal()
    assert view is not None

    assert (await room.seat("bob").press(view, "which", value="17"))["ok"]
    await room.modal("bob", "Save changes")
    assert await room.submit("bob", {"To": "else@example.org"}) == {}

    await thread.shows("Changed by @bob")
    await room.review("carol", await thread.card("Changed by @bob"))
    await room.answer("carol", "approve")
    await thread.settled()
    decisions = told(tmp_path)["decisions"]
    assert decisions[17]["edited_action"]["args"] == {"to": "else@example.org"}
    assert [each["type"] for each in decisions].count("approve") == 19
