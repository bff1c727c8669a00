"""Acts once it is approved, and offers to undo that. Action and undoing each have a key, under which they happen once.

`CRASH_GRAPH_AT=effect-made` kills the bot right after either, before LangGraph has stored that the node is over.
"""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from graphs import effects, undo
from tests.crash.graph import die_at, here


class Inputs(TypedDict):
    number: int
    window: int
    folder: str


class State(Inputs):
    answer: NotRequired[dict[str, Any]]
    acted_at: NotRequired[str]
    undone: NotRequired[dict[str, Any] | None]
    outcome: NotRequired[str]


def gate(state: State) -> dict[str, Any]:
    number = state["number"]
    return {"answer": interrupt({"question": f"Task {number}", "details": {"number": number}, "answer": "object"})}


def refuse(state: State) -> dict[str, Any]:
    return {"outcome": f"Task {state['number']} was refused."}


def act(state: State) -> dict[str, Any]:
    return {"acted_at": _make(state, "act", effects.key("act"))}


def offer(state: State) -> dict[str, Any]:
    undone = undo.offer(
        f"Moved {state['number']}",
        way_back={"moved": state["number"]},
        how="Moves it back",
        window=f"{state['window']}s",
        at=state["acted_at"],
    )
    return {"undone": undone and {"key": undone.key, "moved": undone.way_back["moved"]}}


def back(state: State) -> dict[str, Any]:
    undone = state["undone"]
    assert undone is not None
    assert undone["moved"] == state["number"]
    _make(state, "undo", undone["key"])
    return {"outcome": f"Task {state['number']} was moved back."}


def keep(state: State) -> dict[str, Any]:
    return {"outcome": f"Task {state['number']} was kept."}


def _make(state: State, node: str, key: str) -> str:
    """The effect, once per key, and a line for each execution. Returns when it was made."""
    folder = Path(state["folder"])

    def made(connection: sqlite3.Connection) -> dict[str, Any]:
        connection.execute("CREATE TABLE IF NOT EXISTS made (number INTEGER, node TEXT, key TEXT)")
        connection.execute("INSERT INTO made VALUES (?, ?, ?)", (state["number"], node, key))
        return {"at": undo.acted_at()}

    result = effects.once(folder / "effects.sqlite", key, {"number": state["number"], "node": node}, made)
    line = json.dumps({"node": node, "gate": 1, "answer": {"approved": True, "feedback": key}, **here()}) + "\n"
    file = os.open(folder / f"{state['number']}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)
    die_at("effect-made")
    return str(result["at"])


graph = StateGraph(State, input_schema=Inputs)
for node in (gate, refuse, act, offer, back, keep):
    graph.add_node(node.__name__, node)
graph.add_edge(START, "gate")
graph.add_conditional_edges("gate", lambda state: "act" if state["answer"]["approved"] else "refuse", ["act", "refuse"])
graph.add_edge("act", "offer")
graph.add_conditional_edges("offer", lambda state: "back" if state["undone"] else "keep", ["back", "keep"])
for last in ("refuse", "back", "keep"):
    graph.add_edge(last, END)
