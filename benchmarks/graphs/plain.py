"""Asks nothing: the cheapest task there is."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from benchmarks.graphs.approval import act


class Inputs(TypedDict):
    name: str


class State(Inputs):
    outcome: NotRequired[str]


def outcome(state: State) -> dict[str, Any]:
    return act({"name": state["name"]})


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("act", outcome)
graph.add_edge(START, "act")
graph.add_edge("act", END)
