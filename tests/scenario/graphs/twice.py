"""Asks twice in one node, which LangGraph therefore runs from its start after each answer."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    plan: str


class State(Inputs):
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    first = interrupt({"question": f"Begin {state['plan']}?", "details": {"phase": 1}})
    second = interrupt({"question": f"Finish {state['plan']}?", "details": {"phase": 2}})
    return {"outcome": f"begun {first}, finished {second}"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_edge(START, "ask")
graph.add_edge("ask", END)
