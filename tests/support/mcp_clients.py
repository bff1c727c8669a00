"""Clients of MCP for tests: the package's own, with or without the tasks extension."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import httpx2
from mcp.client import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Request, Result, TextContent
from pydantic import ConfigDict, Field

from bot.mcp.tasks import EXTENSION, TaskParams

ROOT: Final = Path(__file__).parents[2]
LEGACY, MODERN = "legacy", "2026-07-28"


class Begun(Result):
    """A task in place of a result."""

    result_type: Literal["task"]
    task_id: str = Field(alias="taskId")
    status: str


class Polling(ClientExtension):
    """A client that understands tasks, and leaves the polling to the test."""

    identifier = EXTENSION

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=Begun, resolve=_never)]


async def _never(begun: Begun, context: ClaimContext) -> CallToolResult:
    raise AssertionError("the test polls")


class Polled(Result):
    model_config = ConfigDict(extra="allow")


class GetTask(Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams


class CancelTask(Request[TaskParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    params: TaskParams


@asynccontextmanager
async def over_http(url: str, token: str, mode: str = MODERN, *, tasks: bool = False) -> AsyncIterator[Client]:
    """A client of `/mcp` at this address."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False, verify=False) as http,
        Client(
            streamable_http_client(f"{url}/mcp", http_client=http),
            mode=mode,
            extensions=[Polling()] if tasks else None,
        ) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(
    url: str, token: str, log: TextIO, *options: str, mode: str = MODERN, tasks: bool = False
) -> AsyncIterator[Client]:
    """A client of `countersign mcp`, in a process of its own."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "bot", "mcp", *options],
        env={"COUNTERSIGN_URL": url, "COUNTERSIGN_TOKEN": token, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    async with Client(stdio_client(server, errlog=log), mode=mode, extensions=[Polling()] if tasks else None) as client:
        yield client


def said(result: CallToolResult) -> dict[str, Any]:
    """The JSON text of a result."""
    assert not result.is_error, result
    found: dict[str, Any] = json.loads(text(result))
    assert result.structured_content in (None, found)
    return found


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def begin(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    """The id of the task that the call of this tool became."""
    begun = await client.session.call_tool(tool, arguments, allow_claimed=True)
    assert isinstance(begun, Begun), begun
    assert begun.status == "working"
    return begun.task_id


async def poll(client: Client, task_id: str) -> dict[str, Any]:
    """The task, as a client that polls reads it."""
    found = await client.session.send_request(GetTask(params=TaskParams(taskId=task_id)), Polled)
    return found.model_dump(by_alias=True)


async def cancel(client: Client, task_id: str) -> None:
    await client.session.send_request(CancelTask(params=TaskParams(taskId=task_id)), Polled)
