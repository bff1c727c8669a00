"""Serves the API in the gateway's own event loop. uvicorn gets no signal and logs no call: addresses hold ids."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bot.approvals.model.errors import SettingsError
from bot.http.app import app_of
from bot.http.parts import Parts
from bot.http.routes.watched import Watched
from bot.http.waiting import Waiters

BACKLOG: Final = 2048
SECONDS_FOR_HEADER: Final = 30.0
MAX_HEADER_BYTES: Final = 65_536
SECONDS_TO_CLOSE: Final = 5
"""How long calls that were begun may take once the server closes."""
KEEP_ALIVE_SECONDS: Final = 75
"""How long a connection stays open without a call: longer than clients and proxies keep theirs, so that none sends a
call on a connection that is being closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The API as it is served."""

    host: str
    port: int
    waiters: Waiters

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def drain(self) -> None:
        """Answers all waiting calls with what is known, and refuses new ones until the server is closed."""
        self.waiters.drain()


@asynccontextmanager
async def serving(
    parts: Parts, bind: str, *, mounted: Mapping[str, ASGIApp] | None = None, watched: Watched | None = None
) -> AsyncIterator[Serving]:
    """Serves the API at `bind` (`host:port`; port 0 is any) while the block runs. Raises SettingsError if it cannot.

    When the block ends, calls that wait are answered, calls that were begun are finished, and connections are closed.
    """
    listening = _bound(bind)
    server = _Server(config(app_of(parts, mounted=mounted, watched=watched)))
    host, port = listening.getsockname()[:2]
    serving = Serving(host=host, port=port, waiters=parts.waiters)
    async with parts.waiters.looking():
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await server.listening(task)
            yield serving
        finally:
            serving.drain()
            server.should_exit = True
            await task


def config(app: ASGIApp) -> uvicorn.Config:
    """The settings of uvicorn for this app. It runs no lifespan, and no WebSockets."""
    return uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SECONDS_TO_CLOSE,
    )


class _Connection(HttpToolsProtocol):
    """A connection on which the header of a call has to arrive soon, and to be small. uvicorn waits for ever and keeps
    all that comes, before anybody has shown a token."""

    _due: asyncio.TimerHandle | None = None
    """When the header that is awaited has to be there. None if none is awaited."""
    _waiting_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._header_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if self._due is not None:
            self._waiting_bytes += len(data)
            if self._waiting_bytes > MAX_HEADER_BYTES:
                self.transport.close()
        elif cycle is None or cycle.response_complete:
            self._await_header()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_header()

    def on_headers_complete(self) -> None:
        self._header_came()
        super().on_headers_complete()

    def _await_header(self) -> None:
        if self._due is None and not self.transport.is_closing():
            self._due = self.loop.call_later(SECONDS_FOR_HEADER, self.transport.close)

    def _header_came(self) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due, self._waiting_bytes = None, 0


class _Server(uvicorn.Server):
    """uvicorn without its own handlers of signals: the gateway has one, which drains everything in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def listening(self, task: asyncio.Task[None]) -> None:
        """Returns once calls are taken. Raises what ended the server if it ended before."""
        while not self.started and not task.done():  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0)
        if task.done():
            await task


def _bound(bind: str) -> socket.socket:
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as error:
        listening.close()
        raise SettingsError(
            f"HTTP_BIND {bind}: the API cannot be served there ({error}). Name an address of this machine and a port "
            "that nobody uses, such as 127.0.0.1:8420."
        ) from None
    listening.setblocking(False)
    return listening
