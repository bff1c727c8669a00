"""Two branches ask at the same time. One of them says when it asks, which is another moment whenever it runs."""

from datetime import UTC, datetime
from operator import add
from typing import Annotated, Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    name: str


class State(Inputs):
    told: Annotated[list[str], add]
    outcome: NotRequired[str]


def size(state: State) -> dict[str, Any]:
    answer = interrupt({"question": "Which size?", "answer": "text"})
    return {"told": [f"size {answer}"]}


def pay(state: State) -> dict[str, Any]:
    details = {"to": state["name"], "asked_at": datetime.now(UTC).isoformat()}
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
