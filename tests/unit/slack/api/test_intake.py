"""What comes in over the socket: handed to Bolt, or acknowledged where nobody listens to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.approvals.model.facts import SlackAcknowledged
from bot.slack.api.intake.sockets import Intake
from tests.support.fakes.telemetry import Heard


@dataclass
class Client:
    """The socket's client, as far as an intake uses it."""

    socket_mode_request_listeners: list[Any] = field(default_factory=list)
    message_queue: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    acknowledged: list[str] = field(default_factory=list)

    async def send_socket_mode_response(self, response: SocketModeResponse) -> None:
        self.acknowledged.append(response.envelope_id)


@dataclass
class Socket:
    """Bolt behind its socket."""

    client: Client = field(default_factory=Client)
    handled: list[str] = field(default_factory=list)

    async def handle(self, client: Client, request: SocketModeRequest) -> None:
        self.handled.append(request.envelope_id)

    async def close_async(self) -> None:
        pass


async def given(socket: Socket, **event: Any) -> None:
    (take,) = socket.client.socket_mode_request_listeners
    payload = {"type": "event_callback", "event": {"type": "message", **event}}
    await take(socket.client, SocketModeRequest(type="events_api", envelope_id="one", payload=payload))


@pytest.mark.parametrize(
    "event",
    [
        {"bot_id": "B1", "text": "a card"},
        {"subtype": "message_changed", "message": {"bot_id": "B1"}},
        {"subtype": "message_changed", "message": {"subtype": "tombstone"}, "previous_message": {"bot_id": "B1"}},
        {"subtype": "message_deleted", "previous_message": {"bot_id": "B1"}},
        {"subtype": "message_deleted"},
    ],
)
async def test_what_tells_of_our_own_cards_is_acknowledged_and_costs_nothing_more(event: dict[str, Any]) -> None:
    socket = Socket()
    Intake(cast("Any", socket))

    await given(socket, **event)

    assert (socket.client.acknowledged, socket.handled) == (["one"], [])


@pytest.mark.parametrize(
    "event",
    [
        {"user": "U1", "text": "yes"},
        {"user": "U1", "subtype": "thread_broadcast"},
        {"subtype": "message_changed", "message": {"user": "U1", "text": "no"}},
        {"subtype": "message_deleted", "previous_message": {"user": "U1"}},
    ],
)
async def test_what_a_person_wrote_is_handed_on(event: dict[str, Any]) -> None:
    socket, heard = Socket(), Heard()
    Intake(cast("Any", socket), heard)

    await given(socket, **event)

    assert (socket.client.acknowledged, socket.handled) == ([], ["one"])
    (acknowledged,) = heard.of(SlackAcknowledged)
    assert acknowledged.kind == "events_api"
    assert acknowledged.seconds > 0


async def test_after_the_end_nothing_is_acknowledged_so_that_slack_says_so() -> None:
    socket = Socket()
    intake = Intake(cast("Any", socket))
    await intake.close()

    await given(socket, bot_id="B1")
    await given(socket, user="U1")

    assert (socket.client.acknowledged, socket.handled) == ([], [])
