"""`/mcp`: the tools of `bot.mcp` over streamable HTTP, with the tokens of the API. Imported only if the extra `mcp` is
installed.

A tool calls the API's own routes inside this process, so tokens, limits, errors and shutdowns are the same as for any
other caller.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.approvals.model.token import Scope as TokenScope
from bot.http.intake import MAX_BYTES
from bot.http.parts import Parts
from bot.http.problems import Refused
from bot.mcp.api import Api
from bot.mcp.server import quiet, server_of

PATH: Final = "/mcp"
SCOPES: Final = (TokenScope.WRITE_REQUESTS,)
MAX_MESSAGE_BYTES: Final = 2 * MAX_BYTES
"""A message may be larger than what people may be asked, so that the API's own refusal is read."""
_API: Final = "countersign.api"
_INSIDE: Final = "http://countersign"


@asynccontextmanager
async def mounted(parts: Parts) -> AsyncIterator[Mapping[str, ASGIApp]]:
    """The app at its path, while the block runs."""
    quiet()
    manager = StreamableHTTPSessionManager(
        server_of(_api_of),
        stateless=True,  # any replica answers any call
        max_request_body_size=MAX_MESSAGE_BYTES,
        security_settings=None,  # a page that rebinds its name to this address has no token
    )
    async with manager.run():
        yield {PATH: _Guarded(parts=parts, manager=manager)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guarded:
    """Lets calls in that have a valid token."""

    parts: Parts
    manager: StreamableHTTPSessionManager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            token = await self.parts.guard.admit(request, SCOPES)
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(_inside(request))
            scope[_API] = Api(http=http, caller=token.name, is_ending=lambda: self.parts.waiters.draining)
            await self.manager.handle_request(scope, receive, send)


def _inside(request: Request) -> httpx2.AsyncClient:
    """Calls the app that serves this request, as its caller does."""
    client = request.client or ("", 0)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=request.app, client=(client[0], client[1])),
        base_url=_INSIDE,
        headers={"Authorization": request.headers["authorization"]},
        trust_env=False,
    )


def _api_of(ctx: ServerRequestContext[Any, Any]) -> Api:
    request: Request | None = ctx.request
    if request is None:
        raise AssertionError("a call over HTTP has a request")
    api: Api = request.scope[_API]
    return api
