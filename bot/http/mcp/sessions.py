"""The MCP server over streamable HTTP. It has no sessions in the protocol's sense: any replica answers any call.

A tool calls the API's own routes inside this process, so tokens, limits, errors and shutdowns are the same as for any
other caller.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.types import Receive, Send

from bot.approvals.model.token import Token
from bot.http.intake import MAX_BYTES
from bot.http.mcp.door import Sessions
from bot.mcp.api import Api
from bot.mcp.server import quiet, server_of

MAX_MESSAGE_BYTES: Final = 2 * MAX_BYTES
"""A message may be larger than what people may be asked, so that the API's own refusal is read."""
_API: Final = "countersign.api"
_INSIDE: Final = "http://countersign"


@asynccontextmanager
async def opened(is_ending: Callable[[], bool]) -> AsyncIterator[Sessions]:
    """What serves the calls while the block runs."""
    quiet()
    manager = StreamableHTTPSessionManager(
        server_of(_api_of),
        stateless=True,
        max_request_body_size=MAX_MESSAGE_BYTES,
        security_settings=None,  # a web page that rebinds its name to this address has no token
    )

    async def serve(token: Token, request: Request, receive: Receive, send: Send) -> None:
        request.scope[_API] = Api(http=_inside(request), caller=token.name, is_ending=is_ending)
        await manager.handle_request(request.scope, receive, send)

    async with manager.run():
        yield serve


def _inside(request: Request) -> httpx2.AsyncClient:
    """Calls the app that serves this request, as its caller does. It holds no connection, so nothing closes it: a call
    that is cancelled outlives the connection of its client by a moment, in which it withdraws its question."""
    host, port = (request.client.host, request.client.port) if request.client is not None else ("", 0)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=request.app, client=(host, port)),
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
