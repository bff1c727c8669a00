"""Asks for a yes or a no, and reports nothing: its state has no `outcome`."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    task: str


class State(Inputs):
    answer: NotRequired[Any]


def ask(state: State) -> dict[str, Any]:
    return {"answer": interrupt({"question": f"Do {state['task']}?", "details": {"step": 1}, "risk_level": "high"})}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_edge(START, "ask")
graph.add_edge("ask", END)
