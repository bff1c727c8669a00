"""Google ADK: `adk_request_confirmation` -> people -> the function responses that the run goes on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from countersign.adapters._calls import About, Call, Ruling, arguments_of, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.adk.events import Event
    from google.adk.tools.base_tool import BaseTool
    from google.adk.tools.tool_context import ToolContext
    from google.genai import types
    from typing_extensions import Unpack

    from countersign import AsyncCountersign

CONFIRMATION = "adk_request_confirmation"
_NO_HINT = "Please approve or reject the tool call"
"""How ADK's own hint begins, which tells people nothing."""
_REFUSED, _EDITED = "countersign_refused", "countersign_edited"


async def resolve(
    events: Iterable[Event],
    client: AsyncCountersign,
    *,
    key: str,
    execution: str | None = None,
    **about: Unpack[About],
) -> types.Content | None:
    """Ask people about each confirmation in `events` that has no response yet, and return their decisions as the
    `new_message` of the next `run_async`. Returns None if nothing waits.

    `events` are those of the run, or `session.events`. `key` names the run, such as `order-17`. With a session service
    that outlives the process, call this with the same key after a crash: nothing is asked twice.

    Give the agent `before_tool_callback=before_tool`. It applies what people edited, and tells the model why a call was
    rejected. Without it, an edited call is refused.

    Raises AlreadyConsumed if another `execution` took an approval of this pause. By default each call of this function
    is an execution of its own.
    """
    from google.genai import types

    waiting = _waiting(events)
    rulings = await rule(client, [_call(each, key) for each in waiting], execution, **about)
    parts = [
        types.Part(function_response=types.FunctionResponse(id=each.id, name=each.name, response=_response(ruled)))
        for each, ruled in zip(waiting, rulings, strict=True)
    ]
    return types.Content(role="user", parts=parts) if parts else None


def before_tool(tool: BaseTool, args: dict[str, Any], tool_context: ToolContext) -> dict[str, Any] | None:
    """A `before_tool_callback`: the tool gets the arguments as people approved them, and the model reads why they
    rejected a call."""
    confirmation = tool_context.tool_confirmation
    payload = confirmation.payload if confirmation else None
    if confirmation is None or not isinstance(payload, dict):
        return None
    if _REFUSED in payload:
        return {"error": payload[_REFUSED]}
    if isinstance(edited := payload.get(_EDITED), dict):
        args.clear()
        args.update(edited)
        tool_context.tool_confirmation = confirmation.model_copy(update={"confirmed": True})
    return None


def _waiting(events: Iterable[Event]) -> list[types.FunctionCall]:
    known = list(events)
    answered = {each.id for event in known for each in event.get_function_responses()}
    asked = [each for event in known for each in event.get_function_calls() if each.name == CONFIRMATION]
    return [each for each in asked if each.id not in answered]


def _call(confirmation: types.FunctionCall, key: str) -> Call:
    said = confirmation.args or {}
    original, hint = said.get("originalFunctionCall") or {}, (said.get("toolConfirmation") or {}).get("hint") or ""
    return Call(
        key=f"{key}:{confirmation.id}",
        name=original.get("name") or "tool",
        arguments=arguments_of(original.get("args")),
        description="" if hint.startswith(_NO_HINT) else hint,
    )


def _response(ruled: Ruling) -> dict[str, Any]:
    """An edit is no plain confirmation: without `before_tool`, ADK would run the call as it was proposed."""
    if not ruled.approved:
        return {"confirmed": False, "payload": {_REFUSED: ruled.message}}
    if ruled.edited:
        return {"confirmed": False, "payload": {_EDITED: ruled.arguments}}
    return {"confirmed": True}
