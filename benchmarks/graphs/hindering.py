"""What must not hinder others: code in an async node that blocks its event loop, and code that burns a core there. Each
says when it begins."""

import time
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from benchmarks.graphs.approval import act


class Inputs(TypedDict):
    name: str
    seconds: int


class State(Inputs):
    outcome: NotRequired[str]


async def block(state: State) -> dict[str, Any]:
    said = act({"name": state["name"]})
    time.sleep(state["seconds"])  # noqa: ASYNC251 - that is the point
    return said


async def burn(state: State) -> dict[str, Any]:
    said = act({"name": state["name"]})
    until = time.monotonic() + state["seconds"]
    while time.monotonic() < until:
        pass
    return said


def _of(node: Any) -> Any:
    made = StateGraph(State, input_schema=Inputs)
    made.add_node("hinder", node)
    made.add_edge(START, "hinder")
    made.add_edge("hinder", END)
    return made


blocking, burning = _of(block), _of(burn)
