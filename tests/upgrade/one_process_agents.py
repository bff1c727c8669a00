"""The agents whose tasks are in the files of `one_process`: their steps keep their names.

A script had that version write the files, once to SQLite and once to Redis, on a clock that stood at `MORNING`. It
started a task of each agent in one process. `purged` had ended a month before, and was past its retention. Alice
approved what `ended`, `decided` and `killed` asked, but `decided` was never delivered. The card of `unposted` was
claimed, and Slack was called and did not answer. Alice's summary was claimed likewise. Here nothing stops a step; then,
`fails` raised an error in it, `begun` did not come back from it, and `killed` at last killed the process in it.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict, total=False):
    told: Any
    outcome: str


async def _nothing() -> None:
    """What stops a step here."""


def asks(stop: Any = _nothing) -> StateGraph[Any, Any, Any, Any]:
    """Asks before it acts."""

    def ask(state: State) -> State:
        return {"told": interrupt({"question": "Pay 10?", "details": {"amount": 10}})}

    async def act(state: State) -> State:
        await stop()
        return {"outcome": f"told {state.get('told')!r}"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_node("act", act)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "act")
    builder.add_edge("act", END)
    return builder


def acts(stop: Any = _nothing) -> StateGraph[Any, Any, Any, Any]:
    """Acts, and asks nobody."""

    async def act(state: State) -> State:
        await stop()
        return {"outcome": "acted"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("act", act)
    builder.add_edge(START, "act")
    builder.add_edge("act", END)
    return builder


BUILDERS = {
    "waits": asks,
    "decided": asks,
    "ended": asks,
    "unposted": asks,
    "killed": asks,
    "begun": acts,
    "fails": acts,
    "purged": acts,
}
"""What each task is an agent of; the name says how its task stands."""
