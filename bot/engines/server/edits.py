"""What an answer does at a breakpoint of a server's graph: it changes the state as approved, or ends the thread.

Going on from a breakpoint is a run without input, so an approval without changes writes nothing. A change is one
checkpoint, made of the one that people were shown. By that it is found again after a crash: the server keeps nothing
else of who made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.fingerprint import fingerprint, same
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import Route
from bot.approvals.model.request import Decided, Delivered, Request
from bot.engines import questions
from bot.engines.questions import breakpoint
from bot.engines.server.client import Row, ServerClient
from bot.engines.server.stops import Standing, is_breakpoint, root_of

_REASON: Final = "{reason}"
"""Stands for the reason of the rejection in the values of a policy's `reject`."""
_REPLACING: Final = "__overwrite__"
"""The key under which LangGraph takes a value that replaces what a reducer would otherwise add it to."""
_END: Final = "__end__"


async def apply(client: ServerClient, thread_id: str, standing: Standing, answer: JSON, route: Route | None) -> bool:
    """Changes the state to what was answered, and returns whether it has to be run on. It has not if the answer is a
    rejection, or if the state does not hold the approved values after they were written: people are asked again.

    Raises `Refused`, `Busy` or `NoThread`, as the client does.
    """
    given = answer if isinstance(answer, dict) else {}
    reason = given.get(breakpoint.REJECTED)
    checkpoint = {"checkpoint_id": standing.root, "checkpoint_ns": "", "thread_id": thread_id}
    if isinstance(reason, str):
        if route is None:
            await client.update_state(thread_id, None, _END, checkpoint)
            return False
        values = {name: _with_reason(value, reason) for name, value in route.values.items()}
        await client.update_state(thread_id, values, route.as_node, checkpoint)
        return True
    listed = given.get(breakpoint.APPROVED)
    changes = next(iter(listed), None) if isinstance(listed, list) else None
    if not isinstance(changes, dict) or not changes:
        return True
    (as_node,) = standing.steps[0].ran
    await client.update_state(thread_id, changes, as_node, checkpoint)
    held = (await client.state(thread_id))["values"]
    added = [name for name, value in changes.items() if held.get(name) != value]
    if added:
        replaced = {name: {_REPLACING: value} if name in added else value for name, value in changes.items()}
        await client.update_state(thread_id, replaced, as_node, checkpoint)
    state = await client.state(thread_id)
    return _holds(changes, state) and [task["name"] for task in state["tasks"]] == [
        task["name"] for task in standing.steps[0].state["tasks"]
    ]


# --- Found again --------------------------------------------------------------------------------


def written(requests: Sequence[Request], state: Row) -> Request | None:
    """The request whose answer made this checkpoint. None if no answer did."""
    parent = (state.get("parent_checkpoint") or {}).get("checkpoint_id")
    if (state.get("metadata") or {}).get("source") != "update" or parent is None:
        return None
    return next(
        (
            each
            for each in requests
            if is_breakpoint(each.interrupt_id) and root_of(each.interrupt_id) == parent and _begun(each)
        ),
        None,
    )


def holds(request: Request, standing: Standing, now: datetime) -> bool:
    """Whether the state is what was approved, and the same steps come next."""
    value = _value(request)
    if value is None or breakpoint.REJECTED in value:
        return value is not None
    listed = value.get(breakpoint.APPROVED)
    changes = next(iter(listed), None) if isinstance(listed, list) else None
    payload = request.proposed.payload
    if not isinstance(changes, dict) or not isinstance(payload, dict) or request.fingerprint is None:
        return False
    runs = standing.runs(list(payload.values())) if len(payload) == len(standing.steps) else None
    return _holds(changes, standing.steps[0].state) and same(request.fingerprint, fingerprint(runs, None, now))


def ended(requests: Sequence[Request], state: Row) -> str | None:
    """How a rejection at a breakpoint ended the thread. None if none did."""
    request = written(requests, state)
    value = _value(request) if request is not None else None
    if request is None or value is None:
        return None
    reason = value.get(breakpoint.REJECTED)
    return f"Stopped: {request.place} it was rejected. {reason}".strip() if isinstance(reason, str) else None


# --- Within -------------------------------------------------------------------------------------


def _begun(request: Request) -> bool:
    """Whether the answer was begun to be given."""
    state = request.state
    return isinstance(state, Delivered) or (isinstance(state, Decided) and state.attempts > 0)


def _value(request: Request) -> Mapping[str, JSON] | None:
    if not isinstance(request.state, Decided | Delivered):
        return None
    try:
        value = questions.answer(request.question, request.proposed, request.state.decision)
    except InvalidAnswer:
        return None
    return value if isinstance(value, dict) else None


def _holds(changes: Mapping[str, JSON], state: Row) -> bool:
    values: Any = state["values"]
    return isinstance(values, dict) and all(values.get(name) == value for name, value in changes.items())


def _with_reason(value: JSON, reason: str) -> JSON:
    match value:
        case str():
            return value.replace(_REASON, reason)
        case list():
            return [_with_reason(each, reason) for each in value]
        case dict():
            return {key: _with_reason(each, reason) for key, each in value.items()}
        case _:
            return value
