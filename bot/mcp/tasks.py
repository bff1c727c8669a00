"""The tasks extension of MCP: a client asks, goes away, and polls. The id of a task says all that there is to know, so
nothing is kept here, and the server may be restarted while hours pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, RequestParams
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from bot.mcp import answers, asking
from bot.mcp.api import Api, ApiError, Json
from bot.mcp.tools import NAMES, Call, ToolName

EXTENSION: Final = "io.modelcontextprotocol/tasks"
POLL_MS: Final = 2000
_ID: Final = re.compile(
    rf"(?P<tool>{'|'.join(NAMES)})~(?P<request>[A-Za-z0-9_-]{{1,100}})~(?P<execution>[0-9a-f]{{16}})"
)


class TaskParams(RequestParams):
    task_id: str = Field(alias="taskId", max_length=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskId:
    """`<tool>~<request>~<execution>`. Two calls that share a request are two tasks, and one of them gets the
    approval."""

    tool: ToolName
    request: str
    execution: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises MCPError if there is no such task."""
        found = _ID.fullmatch(text)
        if found is None:
            raise _unknown()
        tool = next(name for name in NAMES if name == found["tool"])
        return cls(tool=tool, request=found["request"], execution=found["execution"])

    def __str__(self) -> str:
        return f"{self.tool}~{self.request}~{self.execution}"


def wanted(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client understands a task as an answer."""
    declared = ctx.session.client_capabilities
    extensions = declared.extensions if declared is not None else None
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and EXTENSION in (extensions or {})


async def begun(api: Api, call: Call) -> Json | asking.Failed:
    """The task for this call. Its request is asked by then."""
    try:
        request = await api.ask(call.question, call.idempotency_key(api.caller))
    except ApiError as error:
        return asking.Failed(why=str(error), key=call.key if error.later is not None else None)
    id = TaskId(tool=call.tool, request=request["id"], execution=call.execution)
    return {"resultType": "task", **_task(id, request["created_at"], "working", asking.words_of(request))}


async def read(api: Api, params: TaskParams) -> Json:
    """The task as it is now, with its result once there is one. Raises MCPError if there is no such task."""
    id = TaskId.of(params.task_id)
    try:
        request = await api.read(id.request)
        if request["status"] == "pending":
            return {"resultType": "complete", **_task(id, request["created_at"], "working", asking.words_of(request))}
        call = Call(tool=id.tool, question={}, key="", keeps=True, execution=id.execution)
        outcome = await asking.taken(api, call, request)
    except ApiError as error:
        return _unread(id, error)
    if request["status"] == "cancelled":
        return {"resultType": "complete", **_task(id, request["created_at"], "cancelled", "The question was withdrawn")}
    result = {"resultType": "complete", **_dumped(answers.told(id.tool, outcome))}
    return {"resultType": "complete", **_task(id, request["created_at"], "completed", "Decided"), "result": result}


async def withdrawn(api: Api, params: TaskParams) -> Json:
    """Withdraws the request. One that is settled stays as it is."""
    id = TaskId.of(params.task_id)
    try:
        await api.withdraw(id.request, "The program that asked has cancelled its call.")
    except ApiError as error:
        if error.status == 404:
            raise _unknown() from None
        if error.status != 409:
            raise MCPError(code=_INTERNAL, message=str(error)) from None
    return {"resultType": "complete"}


_INTERNAL: Final = -32603


def _unread(id: TaskId, error: ApiError) -> Json:
    """What a client hears that cannot be told how the request stands. It goes on polling if that may change."""
    if error.status == 404:
        raise _unknown() from None
    if error.later is None:
        raise MCPError(code=_INTERNAL, message=str(error)) from None
    return {"resultType": "complete", **_task(id, _now(), "working", str(error))}


def _task(id: TaskId, created_at: str, status: str, words: str) -> Json:
    return {
        "taskId": str(id),
        "status": status,
        "statusMessage": words,
        "createdAt": created_at,
        "lastUpdatedAt": _now(),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _dumped(result: Any) -> Json:
    dumped: Json = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def _unknown() -> MCPError:
    return MCPError(code=INVALID_PARAMS, message="There is no such task, or this token may not see it.")
