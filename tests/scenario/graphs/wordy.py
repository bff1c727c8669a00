"""Asks for words, as its schema declares, and says what it was told."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    topic: str


class State(Inputs):
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    answer = interrupt(f"Which region for {state['topic']}?", response_schema={"type": "string", "minLength": 3})
    return {"outcome": f"It was told: {answer}"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_edge(START, "ask")
graph.add_edge("ask", END)
