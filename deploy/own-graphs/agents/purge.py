"""Deletes the old files of a bucket, after somebody has seen how much that is."""

import humanize
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    bucket: str
    bytes: int


class State(Inputs, total=False):
    agreed: bool
    outcome: str


def ask(state: State) -> dict[str, bool]:
    size = humanize.naturalsize(state["bytes"])
    question = {"question": f"Delete {size} of old files in {state['bucket']}?", "details": {"bucket": state["bucket"]}}
    return {"agreed": interrupt(question) is True}


def purge(state: State) -> dict[str, str]:
    return {"outcome": "Deleted." if state["agreed"] else "Nothing was deleted."}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_node("purge", purge)
graph.add_edge(START, "ask")
graph.add_edge("ask", "purge")
