"""How the bot is connected to Slack: by Socket Mode, or by requests that come in over HTTP."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final, Protocol

from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp

from bot.approvals.model.facts import SlackConnected, SlackDisconnected
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.settings import Settings
from bot.slack.api import tokens
from bot.slack.api.calls import Done, Limited, call, web_client
from bot.slack.api.intake.handler import Handler
from bot.slack.api.intake.request_url import RequestUrl
from bot.slack.api.intake.sockets import Intake

SECONDS_TO_RECONNECT: Final = 2.0
"""How soon a broken socket is noticed; until then no click arrives. slack_sdk's default is ten."""
SECONDS_KNOWN: Final = 30.0
"""How long it counts that Slack was heard."""
SECONDS_TO_HEAR: Final = 3.0
"""For Slack's answer to the question whether it is there."""


class Connection(Protocol):
    """One way in which Slack's payloads reach Bolt."""

    @property
    def bolt(self) -> AsyncApp:
        """The app that handles them."""
        ...

    @property
    def request_url(self) -> RequestUrl | None:
        """Who takes what Slack sends over HTTP. None if nothing comes that way."""
        ...

    async def start(self) -> None:
        """Takes payloads from now on."""
        ...

    async def close(self) -> None:
        """Acknowledges what has arrived, and takes nothing more. Slack sends events again, and tells people whose click
        was not taken."""
        ...

    async def is_connected(self) -> bool:
        """Whether what people do in Slack reaches the bot, as far as it can know."""
        ...


async def connection(settings: Settings, session: ClientSession, telemetry: Telemetry = SILENT) -> Connection:
    """The connection that the settings ask for, which is not started. Raises SettingsError if Slack refuses a token."""
    url, token = settings.slack_api_url, settings.slack_bot_token.get_secret_value()
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else None
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN"):
        os.environ.pop(name, None)  # Bolt reads them itself, and the first two make it use OAuth
    # Bolt creates loggers at the root's level as it runs; at DEBUG they log whole envelopes, including secrets.
    bolt = AsyncApp(
        client=web_client(token, url, session, telemetry), signing_secret=secret, logger=logging.getLogger("slack_bolt")
    )
    if secret is not None:
        return OverHttp(bolt, RequestUrl(bolt, secret, telemetry), telemetry)
    assert settings.slack_app_token is not None  # noqa: S101 - one of the two is set, or the settings are refused
    app_token = settings.slack_app_token.get_secret_value()
    await tokens.refuse_bad_app_token(app_token, url)
    client = web_client(app_token, url, telemetry=telemetry)
    socket = Handler(bolt, app_token, web_client=client, ping_interval=SECONDS_TO_RECONNECT, telemetry=telemetry)
    return OverSocket(bolt, socket, telemetry)


class OverSocket:
    """Socket Mode: the bot opens the connection. It is connected as long as the socket is open."""

    request_url = None

    def __init__(self, bolt: AsyncApp, socket: Handler, telemetry: Telemetry) -> None:
        self.bolt = bolt
        self._socket = socket
        self._intake = Intake(socket, telemetry)

    async def start(self) -> None:
        await self._socket.connect_async()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        await self._intake.close()

    async def is_connected(self) -> bool:
        return bool(await self._socket.client.is_connected())


class OverHttp:
    """HTTP: Slack sends requests, and nothing stays open. Whether the next one will arrive cannot be known, so this
    counts as connected: requests are taken, and Slack has just sent one, or answers a call."""

    def __init__(self, bolt: AsyncApp, request_url: RequestUrl, telemetry: Telemetry) -> None:
        self.bolt = bolt
        self.request_url = request_url
        self._telemetry = telemetry
        self._away_since: float | None = None
        self._answered_at: float | None = None
        self._asking = asyncio.Lock()

    async def start(self) -> None:
        self.request_url.open()
        self._telemetry.tell(SlackConnected())

    async def close(self) -> None:
        await self.request_url.close()

    async def is_connected(self) -> bool:
        if not self.request_url.is_open:
            return False
        async with self._asking:
            connected = self._heard_lately() or await self._answers()
            self._tell(connected)
            return connected

    def _tell(self, connected: bool) -> None:
        """Tells once that Slack is not there, and once that it is back."""
        now = asyncio.get_running_loop().time()
        if not connected and self._away_since is None:
            self._away_since = now
            self._telemetry.tell(SlackDisconnected())
        elif connected and self._away_since is not None:
            away, self._away_since = now - self._away_since, None
            self._telemetry.tell(SlackConnected(away=away))

    def _heard_lately(self) -> bool:
        since = asyncio.get_running_loop().time() - SECONDS_KNOWN
        return any(at is not None and at >= since for at in (self.request_url.heard_at, self._answered_at))

    async def _answers(self) -> bool:
        answer = await call(self.bolt.client.auth_test(), SECONDS_TO_HEAR)
        if isinstance(answer, Done | Limited):
            self._answered_at = asyncio.get_running_loop().time()
            return True
        return False
