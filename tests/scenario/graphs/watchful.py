"""Asks to delete a file, and looks again before it does: a file that has changed is asked about anew."""

from pathlib import Path
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from graphs import effects


class Inputs(TypedDict):
    file: str


class State(Inputs):
    asked: NotRequired[dict[str, Any]]
    answer: NotRequired[dict[str, Any]]
    outcome: NotRequired[str]


def _question(state: State) -> dict[str, Any]:
    file = Path(state["file"])
    details = {"size": len(file.read_text()), "holds": file.read_text()}
    return {"question": f"Delete {file.name}?", "details": details, "answer": "object"}


def see(state: State) -> dict[str, Any]:
    return {"asked": _question(state)}


def ask(state: State) -> dict[str, Any]:
    return {"answer": interrupt(state["asked"])}


def look(state: State) -> dict[str, Any]:
    if not state["answer"]["approved"]:
        return {}
    found = _question(state)
    answer = effects.look_again(state["asked"], found)
    return {} if answer is None else {"asked": found, "answer": answer}


def act(state: State) -> dict[str, Any]:
    file = Path(state["file"])
    if not state["answer"]["approved"]:
        return {"outcome": "Not deleted."}
    with file.with_suffix(".deleted").open("a") as journal:
        journal.write(f"{state['asked']['details']['holds']}\n")
    return {"outcome": f"Deleted {state['asked']['details']['holds']}."}


graph = StateGraph(State, input_schema=Inputs)
for node in (see, ask, look, act):
    graph.add_node(node)
graph.add_edge(START, "see")
graph.add_edge("see", "ask")
graph.add_edge("ask", "look")
graph.add_edge("look", "act")
graph.add_edge("act", END)
