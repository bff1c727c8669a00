"""What the simulator's tests share: a small app's manifest, a simulator in this process, an app's side of the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from simulator.client import Seat, Simulator
from simulator.clock import Clock
from simulator.manifest import parse
from simulator.server import Server
from simulator.workspace import read
from simulator.world import World

MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Countersign"},
    "features": {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
        "bot_user": {"display_name": "countersign"},
        "slash_commands": [{"command": "/task", "description": "Start a task"}],
        "shortcuts": [
            {"name": "Start from this", "type": "message", "callback_id": "from_message", "description": "A task"},
            {"name": "Start", "type": "global", "callback_id": "from_anywhere", "description": "A task"},
        ],
    },
    "oauth_config": {
        "scopes": {
            "bot": [
                "app_mentions:read",
                "channels:history",
                "channels:read",
                "chat:write",
                "commands",
                "files:write",
                "groups:history",
                "im:history",
                "im:write",
                "reactions:read",
                "reactions:write",
                "users:read",
                "usergroups:read",
            ]
        }
    },
    "settings": {
        "event_subscriptions": {"bot_events": ["app_home_opened", "app_mention", "message.channels"]},
        "interactivity": {"is_enabled": True},
        "socket_mode_enabled": True,
    },
}


TRUSTED: dict[str, Any] = {
    **MANIFEST,
    "oauth_config": {
        "scopes": {
            "bot": [
                *MANIFEST["oauth_config"]["scopes"]["bot"],
                "channels:join",
                "channels:manage",
                "files:read",
                "groups:read",
                "groups:write",
                "im:read",
                "mpim:history",
                "mpim:read",
                "mpim:write",
                "team:read",
                "users.profile:read",
                "users:read.email",
            ]
        }
    },
    "settings": {
        **MANIFEST["settings"],
        "event_subscriptions": {
            "bot_events": [
                "channel_archive",
                "channel_left",
                "channel_unarchive",
                "member_joined_channel",
                "member_left_channel",
                "reaction_added",
                "reaction_removed",
                "user_change",
            ]
        },
    },
}
"""An app that may do more, and hears of what happens beside messages."""


def make_world(*, limited: bool = False, manifest: dict[str, Any] | None = None, clock: Clock | None = None) -> World:
    """A workspace whose clock stands still, if it is given no other."""
    app = parse(manifest or MANIFEST)
    workspace = read(None, bot_name=app.bot_name, app_name=app.app_name)
    return World(manifest=app, workspace=workspace, clock=clock or Clock(start=1_800_000_000.0), limited=limited)


@dataclass
class Socket:
    """One Socket Mode connection of an app that does nothing by itself."""

    stream: aiohttp.ClientWebSocketResponse
    received: list[dict[str, Any]] = field(default_factory=list)

    async def next(self) -> dict[str, Any]:
        """The next envelope."""
        envelope: dict[str, Any] = await self.stream.receive_json(timeout=5)
        self.received.append(envelope)
        return envelope

    async def acknowledge(self, envelope: dict[str, Any], payload: dict[str, Any] | None = None) -> None:
        """Acknowledges it, with a payload if there is one."""
        answer = {"envelope_id": envelope["envelope_id"], **({"payload": payload} if payload else {})}
        await self.stream.send_str(json.dumps(answer))

    async def next_acknowledged(self, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """The next envelope's payload, acknowledged."""
        envelope = await self.next()
        await self.acknowledge(envelope, payload)
        content: dict[str, Any] = envelope["payload"]
        return content


@dataclass
class Desk:
    """A running simulator, seen from all sides."""

    server: Server
    sim: Simulator
    session: aiohttp.ClientSession

    @property
    def world(self) -> World:
        """What the simulator knows."""
        return self.server.world

    @property
    def clock(self) -> Clock:
        """Its clock, which stands still."""
        return self.world.clock

    @property
    def api_url(self) -> str:
        """Where the Web API is."""
        return f"{self.world.base_url}/api/"

    @property
    def bot(self) -> AsyncWebClient:
        """slack_sdk's client with the bot's token."""
        return AsyncWebClient(token=self.world.bot_token, base_url=self.api_url)

    def seat(self, name: str) -> Seat:
        """A person's seat."""
        return self.sim.seat(name)

    async def socket(self) -> Socket:
        """A new connection, greeted."""
        app = AsyncWebClient(token=self.world.app_token, base_url=self.api_url)
        url = (await app.apps_connections_open(app_token=self.world.app_token))["url"]
        socket = Socket(await self.session.ws_connect(url))
        assert (await socket.next())["type"] == "hello"
        return socket


@asynccontextmanager
async def opened(world: World) -> AsyncIterator[Desk]:
    """A simulator of that world, for as long as the block runs."""
    async with (
        Server(world) as server,
        Simulator.connect(server.world.base_url) as sim,
        aiohttp.ClientSession() as session,
    ):
        yield Desk(server, sim, session)


async def refusal(call: Any) -> dict[str, Any]:
    """What Slack answered to a call that it refused."""
    try:
        await call
    except SlackApiError as error:
        answer = error.response
        return {**answer.data, "status": answer.status_code, "headers": dict(answer.headers)}
    raise AssertionError("the call was not refused")


def plain(text: str) -> dict[str, Any]:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def section(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    """A section of mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **fields}


def button(action_id: str = "approve", **fields: Any) -> dict[str, Any]:
    """A button."""
    return {"type": "button", "text": plain(action_id.title()), "action_id": action_id, **fields}


def actions(*elements: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An actions block."""
    return {"type": "actions", "elements": list(elements), **fields}


def question(block_id: str = "why", label: str = "Why", **element: Any) -> dict[str, Any]:
    """An input block with a text input."""
    shape = {"type": "plain_text_input", "action_id": "typed", **element}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": shape}


def modal(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A modal with a submit button."""
    shape = {"type": "modal", "callback_id": "m", "title": plain("A modal"), "submit": plain("Send")}
    return {**shape, "blocks": list(blocks) or [question()], **fields}


async def wait_for_sleeper(desk: Desk, *, longer_than: float = 0.0) -> None:
    """Returns when something in the simulator waits for the clock to move that far."""
    while desk.clock.longest <= longer_than:  # noqa: ASYNC110 - gives way to the server in this same loop, and waits for nothing
        await asyncio.sleep(0)
