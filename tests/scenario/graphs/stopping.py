"""Writes an article, and stops before it is published."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict


class Inputs(TypedDict):
    topic: str


class State(Inputs):
    article: NotRequired[str]
    outcome: NotRequired[str]


def write(state: State) -> dict[str, Any]:
    return {"article": f"All about {state['topic']}."}


def publish(state: State) -> dict[str, Any]:
    return {"outcome": f"Published: {state.get('article')}"}


builder = StateGraph(State, input_schema=Inputs)
builder.add_node("write", write)
builder.add_node("publish", publish)
builder.add_edge(START, "write")
builder.add_edge("write", "publish")
builder.add_edge("publish", END)
graph = builder.compile(interrupt_before=["publish"])
