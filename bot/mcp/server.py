"""The MCP server: the tools, for clients of 2025-11-25 and before, which are held, and of 2026-07-28, which may poll.

It is the low-level server of the package, because the other one sets up the logging of the whole process.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from bot import __version__
from bot.mcp import answers, asking, tasks, tools
from bot.mcp.api import Api, Json
from bot.mcp.tools import NAMES, Call

Context: TypeAlias = ServerRequestContext[Any, Any]
ApiOf: TypeAlias = Callable[[Context], Api]
"""The API, with the token of the client that calls."""
Params = TypeVar("Params", bound=tasks.TaskParams)
INSTRUCTIONS: Final = (
    "People answer in Slack, which can take hours. Give every call a key that names what you want; call again with the "
    "same key to go on waiting. Anything but an explicit approval means no."
)


def server_of(api_of: ApiOf, *, held_seconds: float | None = None) -> Server[Any]:
    """The server. held_seconds: how long a call of `request_approval` or `ask_human` is held; None: as long as the
    client is expected to wait."""

    async def list_tools(_: Context, __: object) -> ListToolsResult:
        return ListToolsResult(tools=tools.listed())

    async def call_tool(ctx: Context, params: CallToolRequestParams) -> CallToolResult | Json:
        name = next((each for each in NAMES if each == params.name), None)
        if name is None:
            raise MCPError(code=INVALID_PARAMS, message=f"There is no tool {params.name!r}.")
        try:
            call = tools.call_of(name, params.arguments or {})
        except ValueError as error:
            return answers.unfit(name, str(error))
        if not tasks.wanted(ctx):
            return await _held(api_of(ctx), ctx, call, held_seconds)
        begun = await tasks.begun(api_of(ctx), call)
        return answers.told(name, begun) if isinstance(begun, asking.Failed) else begun

    async def get_task(ctx: Context, params: tasks.TaskParams) -> Json:
        return await tasks.read(api_of(ctx), params)

    async def cancel_task(ctx: Context, params: tasks.TaskParams) -> Json:
        return await tasks.withdrawn(api_of(ctx), params)

    server: Server[Any] = Server("countersign", version=__version__, title="Countersign", instructions=INSTRUCTIONS)
    server.add_request_handler("tools/list", PaginatedRequestParams, list_tools)
    server.add_request_handler("tools/call", CallToolRequestParams, call_tool)
    server.add_request_handler("tasks/get", tasks.TaskParams, _modern(get_task))
    server.add_request_handler("tasks/cancel", tasks.TaskParams, _modern(cancel_task))
    server.extensions[tasks.EXTENSION] = {}
    return server


def quiet() -> None:
    """Keeps the packages from logging each call: their addresses hold ids."""
    for name in ("mcp", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def _held(api: Api, ctx: Context, call: Call, held_seconds: float | None) -> CallToolResult:
    hears = "progress_token" in (ctx.meta or {})
    seconds = held_seconds or (asking.HELD_SECONDS if hears else asking.HELD_QUIETLY_SECONDS)
    steps = 0

    async def progress(words: str) -> None:
        nonlocal steps
        steps += 1
        await ctx.session.report_progress(steps, message=words)

    # A permission prompt has no words for "not yet", so it waits for as long as the client does.
    limit = None if call.tool == "permission_prompt" else seconds
    return answers.told(call.tool, await asking.held(api, call, progress, limit))


def _modern(handler: Callable[[Context, Params], Awaitable[Json]]) -> Callable[[Context, Params], Awaitable[Json]]:
    """The handler, for clients of 2026-07-28 and later alone."""

    async def checked(ctx: Context, params: Params) -> Json:
        if ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            raise MCPError(code=METHOD_NOT_FOUND, message="Method not found")
        return await handler(ctx, params)

    return checked
