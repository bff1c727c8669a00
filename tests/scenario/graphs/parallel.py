"""Two branches ask at the same time; the end says what each was told."""

from operator import add
from typing import Annotated, Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    release: str


class State(Inputs):
    told: Annotated[list[str], add]
    outcome: NotRequired[str]


def publish(state: State) -> dict[str, Any]:
    question = {"question": f"Publish {state['release']}?", "details": {"to": "the index"}, "risk_level": "high"}
    return {"told": [f"publish {interrupt(question)}"]}


def announce(state: State) -> dict[str, Any]:
    question = {"question": f"Announce {state['release']}?", "details": {"to": "the list"}, "risk_level": "low"}
    return {"told": [f"announce {interrupt(question)}"]}


def report(state: State) -> dict[str, Any]:
    return {"outcome": " and ".join(sorted(state["told"]))}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("publish", publish)
graph.add_node("announce", announce)
graph.add_node("report", report)
graph.add_edge(START, "publish")
graph.add_edge(START, "announce")
graph.add_edge(["publish", "announce"], "report")
graph.add_edge("report", END)
