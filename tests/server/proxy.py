"""What stands between the bot and a LangGraph Server in these tests: it notes each call, and may be away."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, web

from tests.support.starter import WAIT

_PER_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that the bot made."""

    method: str
    path: str
    headers: dict[str, str]
    """By their names in small letters."""
    body: Any
    """The JSON that was sent. None if nothing was."""


@dataclass(slots=True, kw_only=True)
class Proxy:
    """An address of a server. What comes there is noted, and goes to the server unless that is away."""

    server: str
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _runner: web.AppRunner | None = field(default=None, init=False)
    _session: ClientSession = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def runs(self) -> list[Call]:
        """The runs that the bot began, or tried to."""
        return [each for each in self.calls if each.method == "POST" and each.path.endswith("/runs")]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nothing answers at the address while the block runs."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(WAIT)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._come(), self._loop).result(WAIT)

    # --- In the thread that serves ---------------------------------------------------------------

    async def serve(self, begun: Future[None]) -> None:
        """Serve until the loop is stopped."""
        self._loop = asyncio.get_running_loop()
        async with ClientSession(timeout=ClientTimeout(total=None)) as self._session:
            await self._come()
            begun.set_result(None)
            try:
                await asyncio.Event().wait()
            finally:
                await self._leave()

    async def _come(self) -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = int(runner.addresses[0][1])
        self._runner = runner

    async def _leave(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        sent = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(sent) if sent else None
        self.calls.append(Call(method=request.method, path=request.path, headers=headers, body=body))
        passed = {name: value for name, value in headers.items() if name not in _PER_HOP}
        try:
            async with self._session.request(
                request.method, f"{self.server}{request.path_qs}", headers=passed, data=sent or None
            ) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _PER_HOP}
                passing = web.StreamResponse(status=answer.status, headers=kept)
                await passing.prepare(request)
                async for chunk in answer.content.iter_any():
                    await passing.write(chunk)
                await passing.write_eof()
                return passing
        except ClientConnectionError:
            assert request.transport is not None
            request.transport.abort()  # as if the server itself had been called
            return web.Response()


@contextmanager
def proxy_of(server: str) -> Iterator[Proxy]:
    """An address of this server while the block runs."""
    proxy, begun = Proxy(server=server), Future[None]()
    runner: list[asyncio.Task[None]] = []

    async def serve() -> None:
        runner.append(task := asyncio.ensure_future(proxy.serve(begun)))
        await asyncio.wait([task])

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if not begun.done():
                begun.set_exception(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        begun.result(WAIT)
        yield proxy
    finally:
        proxy._loop.call_soon_threadsafe(runner[0].cancel)
        thread.join(WAIT)
