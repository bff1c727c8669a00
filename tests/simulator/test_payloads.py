"""What the app is sent has the fields that Slack's references name (Slack: the references of these payloads)."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from tests.support.desk import Desk, Socket, actions, button, modal, section

INTERACTION = {"type", "user", "team", "enterprise", "is_enterprise_install", "api_app_id", "token"}
EVENT = {
    "token",
    "team_id",
    "api_app_id",
    "event",
    "type",
    "event_id",
    "event_time",
    "authorizations",
    "is_ext_shared_channel",
    "event_context",
}


async def _body(socket: Socket, deed: Awaitable[Any], answer: dict[str, Any] | None = None) -> dict[str, Any]:
    doing = asyncio.ensure_future(deed)
    body = await socket.next_acknowledged(answer)
    await doing
    return body


async def _card(desk: Desk) -> dict[str, Any]:
    await desk.bot.chat_postMessage(channel="C0GENERAL", text="Card", blocks=[section(), actions(button("approve"))])
    return (await desk.seat("bob").messages("#general"))[-1]


async def _modal(desk: Desk, socket: Socket, **fields: Any) -> None:
    body = await _body(socket, desk.seat("bob").command("#ops", "/task new"))
    await desk.bot.views_open(trigger_id=body["trigger_id"], view=modal(**fields))


async def test_a_click_in_a_message(desk: Desk) -> None:
    socket = await desk.socket()
    posted = asyncio.ensure_future(_card(desk))
    await socket.next_acknowledged()

    body = await _body(socket, desk.seat("bob").press(await posted, "approve"))

    assert body.keys() == INTERACTION | {
        "container",
        "trigger_id",
        "channel",
        "message",
        "state",
        "response_url",
        "actions",
    }
    assert body["actions"][0].keys() == {"type", "block_id", "action_id", "action_ts", "text"}
    assert body["message"].keys() >= {"type", "user", "ts", "text", "team", "blocks", "bot_id", "app_id"}


async def test_a_click_in_a_modal_and_its_submission(desk: Desk) -> None:
    socket = await desk.socket()
    await _modal(desk, socket, blocks=[section(accessory=button("more"))])
    bob = desk.seat("bob")
    shown = await bob.modal()
    assert shown is not None

    click = await _body(socket, bob.press(shown, "more"))
    submission = await _body(socket, bob.submit())

    view = {
        "id",
        "team_id",
        "type",
        "blocks",
        "private_metadata",
        "callback_id",
        "state",
        "hash",
        "title",
        "clear_on_close",
        "notify_on_close",
        "close",
        "submit",
        "previous_view_id",
        "root_view_id",
        "app_id",
        "external_id",
        "app_installed_team_id",
        "bot_id",
    }
    assert click.keys() == INTERACTION | {"container", "trigger_id", "view", "actions"}
    assert submission.keys() == INTERACTION | {"trigger_id", "view", "response_urls"}
    assert click["view"].keys() == submission["view"].keys() == view


async def test_a_modal_that_was_closed(desk: Desk) -> None:
    socket = await desk.socket()
    await _modal(desk, socket, notify_on_close=True)

    body = await _body(socket, desk.seat("bob").close_modal())

    assert body.keys() == INTERACTION | {"view", "is_cleared"}


async def test_a_command(desk: Desk) -> None:
    socket = await desk.socket()

    body = await _body(socket, desk.seat("bob").command("#ops", "/task new"))

    assert body.keys() == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }


@pytest.mark.parametrize("where", ["#ops", "#partners"])
async def test_a_message_and_a_mention(desk: Desk, where: str) -> None:
    socket = await desk.socket()
    await desk.seat("alice").send(where, "@countersign help")

    bodies = [await socket.next_acknowledged() for _ in range(2)]

    for body in bodies:
        assert body.keys() >= EVENT
        assert body["event"].keys() >= {"type", "user", "text", "ts", "channel", "event_ts", "team", "client_msg_id"}
        assert body["is_ext_shared_channel"] is (where == "#partners")


async def test_the_home_tab_is_told_with_the_view_that_is_there(desk: Desk) -> None:
    socket = await desk.socket()
    first = (await _body(socket, desk.seat("bob").open_home()))["event"]
    await desk.bot.views_publish(user_id="U0BOB", view={"type": "home", "blocks": [section()]})
    second = (await _body(socket, desk.seat("bob").open_home()))["event"]

    assert first.keys() == {"type", "user", "channel", "tab", "event_ts"}
    assert second.keys() == {"type", "user", "channel", "tab", "event_ts", "view"}
