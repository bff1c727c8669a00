"""Shortcuts: what the manifest registers, on a message or anywhere."""

import asyncio

import pytest

from simulator.client import ControlError
from simulator.manifest import ManifestError, parse
from tests.support.desk import MANIFEST, Desk, modal


async def test_the_page_is_told_which_shortcuts_there_are(desk: Desk) -> None:
    state = await desk.sim.state()

    assert state["app"]["shortcuts"] == [
        {"name": "Start from this", "callback_id": "from_message", "description": "A task", "type": "message"},
        {"name": "Start", "callback_id": "from_anywhere", "description": "A task", "type": "global"},
    ]


async def test_a_message_shortcut_carries_the_message_and_opens_a_modal(desk: Desk) -> None:
    socket = await desk.socket()
    bob = desk.seat("bob")
    sent = await desk.seat("alice").send("#ops", "Tidy up, please")
    await socket.next_acknowledged()

    run = asyncio.create_task(bob.shortcut("from_message", sent))
    body = await socket.next_acknowledged()
    opened = await desk.bot.views_open(trigger_id=body["trigger_id"], view=modal())

    assert (await run)["ok"]
    assert opened["ok"]
    assert (body["type"], body["callback_id"]) == ("message_action", "from_message")
    assert (body["message"]["text"], body["message"]["user"]) == ("Tidy up, please", "U0ALICE")
    assert (body["message_ts"], body["channel"]) == (sent["ts"], {"id": "C0OPS", "name": "ops"})
    assert (body["user"]["id"], body["team"]["id"]) == ("U0BOB", "T0ACME")
    assert await bob.modal() is not None


async def test_the_answer_to_a_message_shortcut_is_private_and_leaves_the_message_alone(desk: Desk) -> None:
    socket = await desk.socket()
    sent = await desk.seat("alice").send("#ops", "Tidy up, please")
    await socket.next_acknowledged()
    run = asyncio.create_task(desk.seat("bob").shortcut("from_message", sent))
    url = (await socket.next_acknowledged())["response_url"]
    await run

    async with desk.session.post(url, json={"text": "Started", "replace_original": True}) as response:
        assert response.status == 200

    assert [message["text"] for message in await desk.seat("alice").messages("#ops")] == ["Tidy up, please"]
    assert [notice["text"] for notice in await desk.seat("bob").notices()] == ["Started"]


async def test_a_global_shortcut_knows_no_channel(desk: Desk) -> None:
    socket = await desk.socket()

    run = asyncio.create_task(desk.seat("bob").shortcut("from_anywhere"))
    body = await socket.next_acknowledged()

    assert (await run)["ok"]
    assert (body["type"], body["callback_id"], body["user"]["id"]) == ("shortcut", "from_anywhere", "U0BOB")
    assert not {"channel", "message", "response_url"} & body.keys()


async def test_a_shortcut_is_run_only_where_it_belongs(desk: Desk) -> None:
    bob = desk.seat("bob")
    sent = await bob.send("#ops", "Hello")
    private = await desk.bot.chat_postEphemeral(channel="C0OPS", user="U0BOB", text="Only you")

    with pytest.raises(ControlError, match="no such shortcut there: from_anywhere"):
        await bob.shortcut("from_anywhere", sent)
    with pytest.raises(ControlError, match="no such shortcut there: from_nowhere"):
        await bob.shortcut("from_nowhere")
    with pytest.raises(ControlError, match="only one person sees"):
        await bob.shortcut("from_message", {"channel": "C0OPS", "ts": private["message_ts"]})


async def test_a_shortcut_that_nobody_takes_shows_an_error(desk: Desk) -> None:
    result = await desk.seat("bob").shortcut("from_anywhere")

    assert result["notice"]["text"] == "We had some trouble connecting. Try again?"


def test_commands_and_shortcuts_need_their_scope() -> None:
    with pytest.raises(ManifestError, match="need the scope commands"):
        parse({**MANIFEST, "oauth_config": {"scopes": {"bot": ["chat:write"]}}})


def test_a_shortcut_of_a_type_that_slack_does_not_know_is_refused() -> None:
    features = {**MANIFEST["features"], "shortcuts": [{"name": "x", "type": "channel", "callback_id": "x"}]}

    with pytest.raises(ManifestError, match="message or global, not channel"):
        parse({**MANIFEST, "features": features})
