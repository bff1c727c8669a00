"""Asks when a release goes out, with the choices as its question names them, and says what it was told."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    version: str


class State(Inputs):
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    answer = interrupt({"question": f"When shall {state['version']} go out?", "options": ["now", "tonight", "never"]})
    return {"outcome": f"told {answer}"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_edge(START, "ask")
graph.add_edge("ask", END)
