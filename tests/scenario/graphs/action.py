"""Asks, acts once approved, and keeps a journal of each time that its action was begun and done.

The action waits for what is written into `gate`, where that is a named pipe.
"""

from pathlib import Path
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    journal: str
    gate: NotRequired[str]


class State(Inputs):
    answer: NotRequired[dict[str, Any]]
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    question = f"Act on {Path(state['journal']).name}?"
    return {"answer": interrupt({"question": question, "details": {"journal": state["journal"]}, "answer": "object"})}


def act(state: State) -> dict[str, Any]:
    answer = state["answer"]
    if not answer["approved"]:
        return {"outcome": f"Not acted: {answer['feedback']}"}
    _write(state, "begun")
    if state.get("gate"):
        Path(state["gate"]).read_text()
    _write(state, "done")
    return {"outcome": "Acted."}


def _write(state: State, word: str) -> None:
    with Path(state["journal"]).open("a") as journal:
        journal.write(f"{word}\n")


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_node("act", act)
graph.add_edge(START, "ask")
graph.add_edge("ask", "act")
graph.add_edge("act", END)
