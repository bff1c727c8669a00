"""The socket of Socket Mode, which tells when it is open and when it is lost."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.facts import SlackConnected, SlackDisconnected
from bot.approvals.ports.telemetry import Telemetry

SECONDS_BETWEEN: Final = 60.0
"""While there is no connection, slack_sdk logs the same error at each try, which is every two seconds."""


class Socket(SocketModeClient):
    """slack_sdk's client, which connects again by itself."""

    def __init__(self, *, telemetry: Telemetry, **settings: Any) -> None:
        super().__init__(**settings)
        self._telemetry = telemetry
        self._away_since: float | None = None

    async def connect(self) -> None:
        await super().connect()  # type: ignore[no-untyped-call]
        if not self.closed:
            away = None if self._away_since is None else time.monotonic() - self._away_since
            self._away_since = None
            self._telemetry.tell(SlackConnected(away=away))

    async def connect_to_new_endpoint(self, force: bool = False) -> None:
        """Connects again, because the connection is lost. `force`: because Slack is about to end it."""
        if self._away_since is None and not self.closed and (force or not await self.is_connected()):
            self._away_since = time.monotonic() - (0.0 if force else self._silent_for())
            self._telemetry.tell(SlackDisconnected(announced=force))
        await super().connect_to_new_endpoint(force)

    def _silent_for(self) -> float:
        """The seconds since Slack last answered a ping: the connection may have been lost at any time since then."""
        if self.last_ping_pong_time is None:  # slack_sdk has just given it up, after four pings without an answer
            return 4 * self.ping_interval
        return max(time.time() - self.last_ping_pong_time, 0.0)


class Handler(AsyncSocketModeHandler):
    """Bolt's handler, on such a client."""

    def __init__(
        self, app: AsyncApp, app_token: str, *, web_client: AsyncWebClient, ping_interval: float, telemetry: Telemetry
    ) -> None:
        # the parent's would make a client of its own, and a session with it
        self.app = app
        self.app_token = app_token
        logger = logging.getLogger("slack_bolt.socket")
        logger.filters[:] = [NotAgain()]
        self.client = Socket(
            telemetry=telemetry,
            app_token=app_token,
            logger=logger,
            web_client=web_client,
            ping_interval=ping_interval,
        )
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]


class NotAgain(logging.Filter):
    """Leaves out what was logged within the last minute, whatever stands in parentheses in it."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        words, now = record.getMessage().partition("(")[0], time.monotonic()
        if now - self._logged.get(words, -SECONDS_BETWEEN) < SECONDS_BETWEEN:
            return False
        if len(self._logged) >= 100:
            self._logged.clear()
        self._logged[words] = now
        return True
