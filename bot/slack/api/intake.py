"""What comes in over Socket Mode, and how that ends: acknowledged if it has come, left to others if it has not."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

SECONDS: Final = 2.0
"""For what has come in when a shutdown begins."""


_CHANGES: Final = frozenset({"message_changed", "message_deleted"})


class Intake:
    """Hands each envelope to Bolt."""

    def __init__(self, socket: AsyncSocketModeHandler) -> None:
        self._socket = socket
        self._at_hand = 0
        self._closed = False
        socket.client.socket_mode_request_listeners[:] = [self._take]

    async def _take(self, connection: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Hand it to Bolt, which returns once it is acknowledged."""
        if self._closed:
            return
        if _is_echo(request):
            await connection.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            return
        self._at_hand += 1
        try:
            await self._socket.handle(connection, request)  # type: ignore[arg-type]
        finally:
            self._at_hand -= 1

    async def close(self) -> None:
        """Acknowledge what has come, and close the socket. What crosses that is not acknowledged and counts for
        nothing: Slack says so to whoever did it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while self._at_hand or not self._socket.client.message_queue.empty():  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.01)
        self._closed = True
        await self._socket.close_async()  # type: ignore[no-untyped-call]


def _is_echo(request: SocketModeRequest) -> bool:
    """Whether it tells of what an app wrote, or of a change of that: nothing here listens to it, and Slack tells of
    each card and each edit of it, so that to hand them all to Bolt would be a sixth of a decision's CPU."""
    event = request.payload.get("event") or {}
    if event.get("type") != "message":
        return False
    told = (event.get("previous_message") or event.get("message")) if event.get("subtype") in _CHANGES else event
    return not told or bool(told.get("bot_id"))
