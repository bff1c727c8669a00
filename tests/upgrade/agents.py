"""The agents whose threads wait in the files of `before`: their steps keep their names."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    name: str


class State(Inputs, total=False):
    told: Any
    more: Any
    outcome: str


def pays() -> StateGraph[Any, Any, Any, Any]:
    """Asks before it acts."""

    def ask(state: State) -> dict[str, Any]:
        return {"told": interrupt({"question": "Pay 10?", "details": {"amount": 10}})}

    return _line(("ask", ask))


def words() -> StateGraph[Any, Any, Any, Any]:
    """Asks in a bare string."""

    def ask(state: State) -> dict[str, Any]:
        return {"told": interrupt("Which host?")}

    return _line(("ask", ask))


def twice() -> StateGraph[Any, Any, Any, Any]:
    """Asks two questions in one node."""

    def ask(state: State) -> dict[str, Any]:
        first = interrupt({"question": "First?", "details": {"number": 1}})
        return {"told": first, "more": interrupt({"question": "Second?", "details": {"number": 2}})}

    return _line(("ask", ask))


def stops() -> StateGraph[Any, Any, Any, Any]:
    """Is stopped at before it acts."""

    def plan(state: State) -> dict[str, Any]:
        return {"told": "planned"}

    return _line(("plan", plan))


def _line(*nodes: tuple[str, Any]) -> StateGraph[Any, Any, Any, Any]:
    def act(state: State) -> dict[str, Any]:
        return {"outcome": f"told {state.get('told')!r} {state.get('more')!r}"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State, input_schema=Inputs)
    before = START
    for name, node in (*nodes, ("act", act)):
        builder.add_node(name, node)
        builder.add_edge(before, name)
        before = name
    builder.add_edge(before, END)
    return builder


BUILDERS = {"pays": pays, "words": words, "twice": twice, "stops": stops, "decided": pays}
STOPS = {"stops": ["act"]}
