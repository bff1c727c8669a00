"""Asks what its case says, and writes the value that it is given into a file."""

import json
import time
from pathlib import Path
from typing import Any, NotRequired

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from tests.scenario.shapes.cases import CASES


class Inputs(TypedDict):
    case: str
    told: str
    seconds: NotRequired[float]


class State(Inputs):
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    value, schema = CASES[state["case"]]
    answer = interrupt(value, response_schema=schema)
    Path(state["told"]).write_text(json.dumps(answer))
    return {"outcome": "It was told."}


def work_slowly(state: State) -> dict[str, Any]:
    writer = get_stream_writer()
    until = time.monotonic() + state.get("seconds", 0)
    while time.monotonic() < until:
        writer(f"{until - time.monotonic():.1f} seconds left of <!channel>")
        time.sleep(0.05)
    return {}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("work_slowly", work_slowly)
graph.add_node("ask", ask)
graph.add_edge(START, "work_slowly")
graph.add_edge("work_slowly", "ask")
graph.add_edge("ask", END)
