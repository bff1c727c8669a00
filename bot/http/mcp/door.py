"""The way in: nothing of a call is read before its token is known to be valid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.approvals.model.token import Scope as TokenScope
from bot.approvals.model.token import Token
from bot.http import problems
from bot.http.parts import Parts
from bot.http.problems import Refused

PATH: Final = "/mcp"
SCOPES: Final = (TokenScope.WRITE_REQUESTS,)
Sessions: TypeAlias = Callable[[Token, Request, Receive, Send], Awaitable[None]]
"""Serves a call of a client that has this token."""
Opening: TypeAlias = Callable[[Callable[[], bool]], AbstractAsyncContextManager[Sessions]]


@asynccontextmanager
async def mounted(parts: Parts) -> AsyncIterator[Mapping[str, ASGIApp]]:
    """The app at its path, while the block runs. Nothing if the extra `mcp` is not installed."""
    if find_spec("mcp") is None:
        yield {}
        return
    door = _Door(parts)
    try:
        yield {PATH: door}
    finally:
        await door.close()


class _Door:
    """Lets in calls with a valid token. The package `mcp` is loaded for the first one, because it takes 30 MB and a
    second."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._closing = asyncio.Event()
        self._sessions: asyncio.Future[Sessions] | None = None
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            token = await self._parts.guard.admit(request, SCOPES)
            if request.method != "POST":  # a stream that is opened by GET would stay open for nothing
                raise _not_taken(request.method)
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        if self._sessions is None:
            self._sessions = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._sessions))
        serve = await asyncio.shield(self._sessions)
        await serve(token, request, receive, send)

    async def close(self) -> None:
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _run(self, opened: asyncio.Future[Sessions]) -> None:
        """Keeps the sessions open in one task, as their package wants it."""
        try:
            opening = await asyncio.to_thread(_load)
            async with opening(lambda: self._parts.waiters.draining) as sessions:
                opened.set_result(sessions)
                await self._closing.wait()
        except Exception as error:
            if opened.done():
                raise
            opened.set_exception(error)  # every call is answered with it, and the log has it


def _not_taken(method: str) -> Refused:
    detail = f"MCP takes POST here, and not {method}, because nothing is kept between two calls. Nothing was done."
    return Refused(problems.METHOD, detail, headers={"Allow": "POST"})


def _load() -> Opening:
    from bot.http.mcp.sessions import opened

    return opened
