"""Acts at once and keeps a journal of that, then offers to undo it. `asks` asks for an approval first.

`undo` says how undoing goes: it works, is not possible (`never`), goes wrong (`fails`), or raises for as long as the
file `<journal>.fixed` is missing: in the node that undoes (`raises`), or in the one that asks (`breaks`).
"""

from pathlib import Path
from typing import Any, Literal, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    journal: str
    window: NotRequired[str]
    at: NotRequired[str]
    undo: NotRequired[Literal["works", "never", "fails", "raises", "breaks"]]
    asks: NotRequired[bool]


class State(Inputs):
    allowed: NotRequired[bool]
    answer: NotRequired[dict[str, Any]]
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    if not state.get("asks"):
        return {"allowed": True}
    answer = interrupt({"question": f"Write {Path(state['journal']).name}?", "details": {"n": 1}, "answer": "object"})
    return {"allowed": answer["approved"], "outcome": "Not done."}


def act(state: State) -> dict[str, Any]:
    _write(state, "done")
    return {}


def offer(state: State) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "type": "undo_window",
        "action": f"Wrote {Path(state['journal']).name}",
        "result": "1 line",
        "undo": {"how": "Takes the line out", "line": 1} if state.get("undo") != "never" else None,
    }
    payload |= {key: state[key] for key in ("window", "at") if key in state}
    answer = interrupt(payload)
    _raise_if(state, "breaks", answer)
    return {"answer": answer}


def back(state: State) -> dict[str, Any]:
    answer = state["answer"]
    _raise_if(state, "raises", answer)
    if state.get("undo") == "fails":
        return {"outcome": "Not undone: the line was changed since."}
    _write(state, f"undone {answer['undo']['line']} {answer['key']}")
    return {"outcome": "Undone: the line is out again."}


def keep(state: State) -> dict[str, Any]:
    _write(state, f"kept {sorted(state['answer'])}")
    return {"outcome": "It stays."}


def _raise_if(state: State, how: str, answer: dict[str, Any]) -> None:
    if state.get("undo") == how and not Path(f"{state['journal']}.fixed").exists():
        _write(state, f"raised {answer['key']}")
        raise ConnectionError("the store at 10.0.0.7 is down")


def _write(state: State, line: str) -> None:
    with Path(state["journal"]).open("a") as journal:
        journal.write(f"{line}\n")


graph = StateGraph(State, input_schema=Inputs)
for node in (ask, act, offer, back, keep):
    graph.add_node(node)
graph.add_edge(START, "ask")
graph.add_conditional_edges("ask", lambda state: "act" if state["allowed"] else END, ["act", END])
graph.add_edge("act", "offer")
graph.add_conditional_edges("offer", lambda state: "back" if state["answer"]["type"] == "undo" else "keep")
graph.add_edge("back", END)
graph.add_edge("keep", END)
