"""Two branches ask at the same time. One of them names a time, which is another one once it has run again."""

import itertools
from operator import add
from typing import Annotated, Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

RUNS = itertools.count()


class Inputs(TypedDict):
    name: str


class State(Inputs):
    told: Annotated[list[str], add]
    outcome: NotRequired[str]


def size(state: State) -> dict[str, Any]:
    answer = interrupt({"question": "Which size?", "answer": "text"})
    return {"told": [f"size {answer}"]}


def pay(state: State) -> dict[str, Any]:
    details = {"to": state["name"], "due": f"2030-05-01T09:0{min(next(RUNS), 1)}:00+00:00"}
    answer = interrupt({"question": f"Pay {state['name']}?", "details": details})
    return {"told": [f"paid {answer}"]}


def report(state: State) -> dict[str, Any]:
    return {"outcome": "; ".join(sorted(state["told"]))}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("size", size)
graph.add_node("pay", pay)
graph.add_node("report", report)
graph.add_edge(START, "size")
graph.add_edge(START, "pay")
graph.add_edge(["size", "pay"], "report")
graph.add_edge("report", END)
