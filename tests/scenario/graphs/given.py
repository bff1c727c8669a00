"""Asks whatever stands in a file, as JSON or as Python, and writes down what it was told."""

import ast
import json
from pathlib import Path
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    file: str


class State(Inputs):
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    file = Path(state["file"])
    answer = interrupt(ast.literal_eval(file.read_text()))
    file.with_suffix(".told").write_text(json.dumps(answer))
    return {"outcome": f"It was told: {json.dumps(answer)[:200]}"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_edge(START, "ask")
graph.add_edge("ask", END)
