"""Offers to undo what a graph has done: it acts at once, says so, and anybody who may can undo it for a while.

    def act(state):  # acts, and keeps the moment
        return {"record": publish(state["text"]), "acted_at": undo.acted_at()}

    def offer(state):  # asks, in a node of its own after the one that acted
        undone = undo.offer(
            "Published the notes", way_back={"record": state["record"]}, how="Deletes them", at=state["acted_at"]
        )
        return {"undo_key": undone.key if undone else ""}

    def delete(state): ...  # undoes it if there is a key, once per key

Nobody has to answer: the result stays when the window closes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from langgraph.types import interrupt

DEFAULT_WINDOW: Final = "10m"

JSON: TypeAlias = Any
"""What JSON can hold."""


class Undo(NamedTuple):
    """Somebody undid it."""

    way_back: dict[str, Any]
    """What `offer` was given, with `how` in it. Empty if it was given nothing."""
    key: str
    """One per decision: 64 hex digits, the same whenever this decision is delivered. Undo once per key."""


def offer(
    action: str | Mapping[str, Any],
    *,
    result: JSON = None,
    way_back: Mapping[str, Any] | None = None,
    how: str = "",
    window: str | timedelta = DEFAULT_WINDOW,
    at: str | datetime | None = None,
    irreversible: bool = False,
) -> Undo | None:
    """Says what was done and waits until somebody undoes it, keeps it, or the window closes. Returns None if it stays.

    Call it in a node of its own, after the node that acted. LangGraph runs a node again when its question is answered,
    so a node that acts and asks would act twice. Undo in yet another node, because a run that dies while it undoes
    begins that node again.

    `action` is a text such as "Moved 3 files to the trash", or `{"name": ..., "arguments": {...}}`. `result` is shown
    as the details. `way_back` is what undoing needs, and comes back with the answer; `how` says in words what undoing
    does; people see both. The window is a span such as "30s", "10m", "2h" or "1d", and counts from `at`: keep what
    `acted_at` returned in the state. Without it, the window counts from the end of the step before if Countersign
    knows that, and from the question otherwise. If `irreversible`, only *Keep* is offered.

    An answer that is not clearly an undo keeps the result.
    """
    payload: dict[str, Any] = {
        "type": "undo_window",
        "action": action if isinstance(action, str) else dict(action),
        "window": _seconds(window) if isinstance(window, timedelta) else window,
    }
    if result is not None:
        payload["result"] = result
    if irreversible:
        payload["undo"] = False
    elif way_back is not None or how:
        payload["undo"] = {**(way_back or {}), **({"how": how} if how else {})}
    if at is not None:
        payload["at"] = at if isinstance(at, str) else at.isoformat()

    match interrupt(payload):
        case {"type": "undo", "key": str(key), **rest} if key and not irreversible:
            given = rest.get("undo")
            return Undo(way_back=dict(given) if isinstance(given, Mapping) else {}, key=key)
        case _:
            return None


def acted_at() -> str:
    """Now, as `offer` takes it. The node that acts returns it to the state, so that it stays the same afterwards."""
    return datetime.now(UTC).isoformat()


def failed(why: str) -> str:
    """An outcome, or the first line of one, that says loudly that something was not undone, and why."""
    return f"Not undone: {why}"


def _seconds(window: timedelta) -> int | float:
    seconds = window.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds
