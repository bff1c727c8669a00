"""Asks once and acts once approved; says when into a file, so that a click can be followed to the graph."""

import os
import time
from pathlib import Path
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    name: str


class State(Inputs):
    answer: NotRequired[bool]
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    name = state["name"]
    return {"answer": interrupt({"question": f"Go on with {name}?", "details": {"name": name, "why": "a bench"}})}


def act(state: State) -> dict[str, Any]:
    if marks := os.environ.get("BENCH_MARKS"):
        with Path(marks).open("a") as file:
            file.write(f"{state['name']} {time.time()}\n")
    return {"outcome": f"Acted on {state['name']}."}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_node("act", act)
graph.add_edge(START, "ask")
graph.add_edge("ask", "act")
graph.add_edge("act", END)
