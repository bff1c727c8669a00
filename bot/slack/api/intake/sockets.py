"""Takes what comes in over Socket Mode. On shutdown, what has arrived is acknowledged; the rest goes to other
processes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.approvals.model.facts import SlackAcknowledged
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.slack.api.intake.echoes import is_echo

DRAIN_SECONDS: Final = 2.0
"""For what has arrived when a shutdown begins."""


class Intake:
    """Hands each envelope to Bolt."""

    def __init__(self, socket: AsyncSocketModeHandler, telemetry: Telemetry = SILENT) -> None:
        self._socket = socket
        self._telemetry = telemetry
        self._at_hand = 0
        self._closed = False
        socket.client.socket_mode_request_listeners[:] = [self._take]

    async def _take(self, connection: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Hands the envelope to Bolt, which returns once it is acknowledged."""
        if self._closed:
            return
        if is_echo(request.payload):
            await connection.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            return
        self._at_hand += 1
        began = time.perf_counter()
        try:
            await self._socket.handle(connection, request)  # type: ignore[arg-type]
        finally:
            self._at_hand -= 1
        self._telemetry.tell(SlackAcknowledged(kind=request.type, seconds=time.perf_counter() - began))

    async def close(self) -> None:
        """Acknowledges what has arrived, and closes the socket. Anything that arrives meanwhile is not acknowledged and
        has no effect; Slack tells the person who did it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self._at_hand or not self._socket.client.message_queue.empty():  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.01)
        self._closed = True
        await self._socket.close_async()  # type: ignore[no-untyped-call]
