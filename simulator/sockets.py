"""Socket Mode: sends each envelope to one of the app's connections (Slack: "Using Socket Mode")."""

import asyncio
import contextlib
import json
import secrets
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from simulator import limits
from simulator.clock import Clock
from simulator.feed import Feed
from simulator.outcomes import Acknowledged, Late, Outcome, Unconnected
from simulator.people import APP_ID
from simulator.traffic import Traffic


@dataclass(eq=False, slots=True)
class _Connection:
    number: int
    socket: web.WebSocketResponse
    request: web.Request


@dataclass(slots=True)
class _Pending:
    answer: asyncio.Future[dict[str, Any]]
    entry: dict[str, Any] = field(default_factory=dict)
    sent_at: float = 0.0


class Sockets:
    """The app's connections. Delivers each envelope to one of them and waits for its acknowledgement."""

    def __init__(self, clock: Clock, feed: Feed, traffic: Traffic) -> None:
        self._clock = clock
        self._feed = feed
        self._traffic = traffic
        self._tickets: dict[str, float] = {}
        self._connections: list[_Connection] = []
        self._opened = 0
        self._turn = 0
        self._pending: dict[str, _Pending] = {}
        self._refuse_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    @property
    def opened(self) -> int:
        """How many connections were opened in total."""
        return self._opened

    def ticket(self) -> str:
        """A ticket for one connection. apps.connections.open puts it into the URL."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = self._clock.now() + limits.TICKET_SECONDS
        return ticket

    def refuse(self, seconds: float) -> None:
        """Refuses new connections for `seconds`."""
        self._refuse_until = self._clock.now() + seconds

    @property
    def refusing(self) -> bool:
        """Whether connections are being refused."""
        return self._clock.now() < self._refuse_until

    def drop(self) -> None:
        """Closes every connection without warning."""
        for connection in self._connections:
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def refresh(self) -> None:
        """Asks the app to reconnect, as Slack does every few hours, and closes the old connections a little later."""
        for connection in list(self._connections):
            await _send(connection.socket, {"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
            self._spawn(self._close_later(connection))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serves one connection until it ends."""
        if self.refusing:
            return web.Response(status=503)
        ticket = request.query.get("ticket", "")
        if self._tickets.pop(ticket, 0.0) < self._clock.now():
            return web.Response(status=401)
        socket = web.WebSocketResponse(heartbeat=None, autoping=True)
        await socket.prepare(request)
        if len(self._connections) >= limits.SOCKETS:
            await _send(socket, {"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return socket
        self._opened += 1
        connection = _Connection(self._opened, socket, request)
        self._connections.append(connection)
        pings = self._spawn(_ping(socket))
        try:
            await _send(socket, self._hello())
            self._feed.add("sockets", connected=self.connected)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(message.data)
        finally:
            pings.cancel()
            self._connections.remove(connection)
            self._feed.add("sockets", connected=self.connected)
        return socket

    async def close(self) -> None:
        """Closes every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._connections):
            await connection.socket.close()

    async def deliver(
        self, kind: str, payload: dict[str, Any], *, accepts_response: bool, attempt: int = 0, reason: str = ""
    ) -> Outcome:
        """Sends one envelope to one connection. Returns how the app answered."""
        if not self._connections:
            return Unconnected()
        self._turn += 1
        connection = self._connections[self._turn % len(self._connections)]
        envelope: dict[str, Any] = {
            "envelope_id": str(uuid.uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts_response,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        pending = _Pending(asyncio.get_running_loop().create_future())
        pending.entry = self._traffic.envelope(envelope, connection=connection.number, at=self._clock.now())
        pending.sent_at = self._clock.now()
        self._pending[envelope["envelope_id"]] = pending
        try:
            await _send(connection.socket, envelope)
        except ConnectionError:
            return Late()
        if not await self._clock.within(limits.ACKNOWLEDGE_SECONDS, pending.answer):
            pending.answer.cancel()
            return Late()
        return Acknowledged(pending.answer.result() if accepts_response else {})

    def _acknowledge(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        pending = self._pending.pop(str(message.get("envelope_id")), None)
        if pending is None:
            return
        payload = message.get("payload")
        self._traffic.acknowledged(pending.entry, after=self._clock.now() - pending.sent_at, response=payload)
        if not pending.answer.done():
            pending.answer.set_result(payload if isinstance(payload, dict) else {"text": payload} if payload else {})

    async def _close_later(self, connection: _Connection) -> None:
        await self._clock.sleep(limits.REFRESH_SECONDS)
        await connection.socket.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": self.connected,
            "connection_info": {"app_id": APP_ID},
            "debug_info": {"host": "simulator", "build_number": 1, "approximate_connection_time": 18060},
        }


async def _ping(socket: web.WebSocketResponse) -> None:
    """Sends pings, because Slack's clients give up a silent connection. In real time, because the clients use it."""
    while not socket.closed:
        await asyncio.sleep(limits.PING_SECONDS)
        with contextlib.suppress(ConnectionError):
            await socket.ping()


async def _send(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    await socket.send_str(json.dumps(message))
