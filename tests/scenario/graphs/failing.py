"""Raises for as long as the file `fixed` is missing: at once, or once it has its answer (`when=answered`)."""

from pathlib import Path
from typing import Any, Literal, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    fixed: str
    when: Literal["started", "answered"]


class State(Inputs):
    outcome: NotRequired[str]


def work(state: State) -> dict[str, Any]:
    fixed = Path(state["fixed"])
    if state["when"] == "started":
        _raise_unless(fixed)
    answer = interrupt({"question": f"Go on with {fixed.name}?", "details": {"step": 2}, "answer": "approve/reject"})
    _raise_unless(fixed)
    with fixed.open("a") as journal:
        journal.write(f"{answer}\n")
    return {"outcome": f"It was told: {answer}."}


def _raise_unless(fixed: Path) -> None:
    if not fixed.exists():
        raise ConnectionError("the mail server at 10.0.0.7 is down")


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("work", work)
graph.add_edge(START, "work")
graph.add_edge("work", END)
