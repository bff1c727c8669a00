"""The agents whose tasks are in the files of `before_facts`: their steps keep their names.

A script had that version write the files, once to SQLite and once to Redis, on a clock that stood at `MORNING`. Alice
approved what `ended`, `decided` and `held` asked. `decided` was never delivered, because its worker was killed, and
`held` is held for 30 seconds. `window` has acted and offers to undo it; nobody has answered. `waits` waits.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    told: Any
    outcome: str


def asks() -> StateGraph[Any, Any, Any, Any]:
    """Asks before it acts."""

    def ask(state: State) -> State:
        return {"told": interrupt({"question": "Pay 10?", "details": {"amount": 10}})}

    return _then_says(ask)


def acts() -> StateGraph[Any, Any, Any, Any]:
    """Has acted, and offers to undo it."""

    def ask(state: State) -> State:
        window = {"type": "undo_window", "action": "Paid 10", "undo": {"payment": 7}, "window": "10m"}
        return {"told": interrupt(window)}

    return _then_says(ask)


def _then_says(ask: Any) -> StateGraph[Any, Any, Any, Any]:
    def act(state: State) -> State:
        return {"outcome": f"told {state.get('told')!r}"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_node("act", act)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "act")
    return builder


BUILDERS = {"waits": asks, "decided": asks, "held": asks, "ended": asks, "window": acts}
"""What each task is an agent of; the name says how its task stands."""
