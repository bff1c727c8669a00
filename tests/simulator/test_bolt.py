"""An app of slack_bolt with Socket Mode, unchanged but for its base_url: the whole way, there and back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from simulator.client import render_text
from tests.support.desk import Desk, actions, button, modal, section


def _app(desk: Desk) -> AsyncApp:
    app = AsyncApp(client=desk.bot)

    @app.command("/task")
    async def start(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack("Started")
        blocks = [section(f"<@{body['user_id']}> asks: delete *all*?"), actions(button("approve"), button("edit"))]
        await client.chat_postMessage(channel=body["channel_id"], text="Delete all?", blocks=blocks)

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        channel, message = body["channel"]["id"], body["message"]
        await client.chat_update(channel=channel, ts=message["ts"], text=f"Approved by <@{body['user']['id']}>")

    @app.action("edit")
    async def edit(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal())

    @app.view("m")
    async def edited(ack: Any, view: dict[str, Any]) -> None:
        value = view["state"]["values"]["why"]["typed"]["value"]
        if value == "bad":
            await ack(response_action="errors", errors={"why": "Not that"})
        else:
            await ack()

    @app.event("message")
    async def heard() -> None:
        """Subscribed, and of no interest."""

    return app


@pytest.fixture
async def bolt(desk: Desk) -> AsyncIterator[Desk]:
    """A desk with a running app."""
    handler = AsyncSocketModeHandler(_app(desk), desk.world.app_token)
    handler.client.web_client = AsyncWebClient(token=desk.world.app_token, base_url=desk.api_url)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await desk.sim.wait_connected()
    yield desk
    await handler.close_async()  # type: ignore[no-untyped-call]


async def test_a_command_leads_to_a_card_and_its_button_to_the_outcome(bolt: Desk) -> None:
    alice, bob = bolt.seat("alice"), bolt.seat("bob")
    await alice.command("#ops", "/task cleanup")
    card = await bolt.sim.wait_for(lambda: bob.message("#ops", containing="delete"))

    pressed = await bob.press(card, "approve")

    done = await bolt.sim.wait_for(lambda: bob.message("#ops", containing="Approved"))
    assert pressed["ok"]
    assert render_text(card, await bolt.sim.names()) == "@alice asks: delete all?\n[Approve] [Edit]"
    assert render_text(done, await bolt.sim.names()) == "Approved by @bob"
    assert [notice["text"] for notice in await alice.notices()] == ["Started"]


async def test_a_button_opens_a_modal_whose_errors_are_shown_until_they_are_mended(bolt: Desk) -> None:
    bob = bolt.seat("bob")
    await bob.command("#ops", "/task cleanup")
    card = await bolt.sim.wait_for(lambda: bob.message("#ops", containing="delete"))
    await bob.press(card, "edit")
    await bolt.sim.wait_for(bob.modal)

    assert await bob.submit({"why": "bad"}) == {"why": "Not that"}
    assert await bob.submit({"why": "good"}) == {}
    assert await bob.modal() is None


async def test_an_app_whose_socket_was_cut_is_there_again(bolt: Desk) -> None:
    opened = await bolt.sim.wait_connected()
    await bolt.sim.drop_sockets(politely=True)

    await bolt.sim.wait_connected(since=opened)

    assert (await bolt.seat("alice").command("#ops", "/task again"))["ok"]
