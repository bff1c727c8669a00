"""Answers to a click on a message, through its response_url: what they may change, how often, and what is lost."""

import asyncio
from typing import Any

import pytest

from tests.support.desk import Desk, actions, button

METADATA = {"event_type": "card", "event_payload": {"id": "1"}}


async def clicked(desk: Desk) -> tuple[dict[str, Any], str]:
    """A message with metadata in a thread, and the response_url of a click on it."""
    socket = await desk.socket()
    root = await desk.bot.chat_postMessage(channel="C0OPS", text="Task")
    posted = await desk.bot.chat_postMessage(
        channel="C0OPS", thread_ts=root["ts"], text="Card", blocks=[actions(button())], metadata=METADATA
    )
    card = {"channel": "C0OPS", "ts": posted["ts"], "thread_ts": root["ts"]}
    press = asyncio.create_task(desk.seat("bob").press(card, "approve"))
    while "response_url" not in (payload := await socket.next_acknowledged()):
        pass  # events about the two posts
    await press
    return card, payload["response_url"]


async def answered(desk: Desk, url: str, answer: dict[str, Any]) -> tuple[int, str]:
    async with desk.session.post(url, json=answer) as response:
        return response.status, await response.text()


async def as_it_is(desk: Desk, card: dict[str, Any]) -> dict[str, Any]:
    """The card as the app reads it."""
    found = await desk.bot.conversations_replies(channel="C0OPS", ts=card["thread_ts"], include_all_metadata=True)
    (message,) = [message for message in found["messages"] if message["ts"] == card["ts"]]
    return dict(message)


async def test_a_message_is_replaced_in_its_thread_and_keeps_its_ts(desk: Desk) -> None:
    card, url = await clicked(desk)

    assert await answered(desk, url, {"replace_original": True, "text": "Approved"}) == (200, "ok")

    message = await as_it_is(desk, card)
    assert (message["text"], message["thread_ts"]) == ("Approved", card["thread_ts"])
    assert "blocks" not in message
    assert await desk.seat("bob").notices() == []


@pytest.mark.parametrize(("sent", "kept"), [({}, None), ({"metadata": METADATA}, METADATA)])
async def test_metadata_is_lost_unless_it_is_sent_again(desk: Desk, sent: dict[str, Any], kept: Any) -> None:
    card, url = await clicked(desk)

    await answered(desk, url, {"replace_original": "true", "text": "Approved", **sent})

    assert (await as_it_is(desk, card)).get("metadata") == kept


async def test_the_sixth_answer_is_refused_and_changes_nothing(desk: Desk) -> None:
    card, url = await clicked(desk)

    statuses = [(await answered(desk, url, {"replace_original": True, "text": f"{n}"}))[0] for n in range(6)]

    assert statuses == [200] * 5 + [404]
    assert (await as_it_is(desk, card))["text"] == "4"


async def test_after_thirty_minutes_it_is_refused(desk: Desk) -> None:
    card, url = await clicked(desk)
    desk.clock.advance(30 * 60 + 1)

    assert (await answered(desk, url, {"replace_original": True, "text": "Late"}))[0] == 404
    assert (await as_it_is(desk, card))["text"] == "Card"


async def test_a_message_that_is_gone_and_an_archived_channel_are_errors(desk: Desk) -> None:
    card, url = await clicked(desk)
    await desk.sim.change_channel("#ops", archived=True)
    archived = await answered(desk, url, {"replace_original": True, "text": "Approved"})
    await desk.sim.change_channel("#ops", archived=False)
    await desk.bot.chat_delete(channel="C0OPS", ts=card["ts"])

    gone = await answered(desk, url, {"replace_original": True, "text": "Approved"})

    assert "is_archived" in archived[1]
    assert "message_not_found" in gone[1]
    assert {archived[0], gone[0]} == {400}


async def test_blocks_and_metadata_are_checked_as_anywhere(desk: Desk) -> None:
    _, url = await clicked(desk)

    wrong: list[dict[str, Any]] = [
        {"text": "x", "blocks": [{"type": "nonsense"}]},
        {"text": "x", "metadata": {"event_type": 1}},
        {},
    ]

    assert [(await answered(desk, url, {"replace_original": True, **each}))[0] for each in wrong] == [400, 400, 400]


async def test_it_does_not_count_as_an_edit_by_chat_update(limited_desk: Desk) -> None:
    desk = limited_desk
    card, url = await clicked(desk)
    for _ in range(50):
        await desk.bot.chat_update(channel="C0OPS", ts=card["ts"], text="Edited")

    assert (await answered(desk, url, {"replace_original": True, "text": "Approved"}))[0] == 200


async def test_the_traffic_has_the_calls_without_the_address(desk: Desk) -> None:
    card, url = await clicked(desk)
    await desk.sim.fault("response_url", "status", status=503)

    await answered(desk, url, {"replace_original": True, "text": "Lost"})
    await answered(desk, url, {"replace_original": True, "text": "Approved"})

    calls = await desk.sim.traffic(method="response_url")
    assert [(call["arguments"]["text"], call["status"], call["ok"]) for call in calls] == [
        ("Lost", 503, False),
        ("Approved", 200, True),
    ]
    assert calls[1]["answer"] == {"channel": "C0OPS", "ts": card["ts"]}
    assert url.rpartition("/")[2] not in str(calls)
