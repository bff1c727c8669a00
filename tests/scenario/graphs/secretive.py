"""Knows secrets, and says them wherever an agent can: while it works, in what it asks, in its outcome, and in errors.

`file` holds the texts, as JSON: a list of texts that hold secrets, and an object of those that their names give away.
"""

import json
import logging
from pathlib import Path
from typing import Any, NotRequired

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    file: str
    note: NotRequired[str]
    password: NotRequired[str]
    raises: NotRequired[bool]
    size: NotRequired[int]


class State(Inputs):
    answer: NotRequired[Any]
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    texts, named = json.loads(Path(state["file"]).read_text())
    get_stream_writer()(f"Working with {texts[0]}")
    arguments = {**{f"text {number}": text for number, text in enumerate(texts)}, **named}
    arguments |= {"nested": {"again": [{"here": text} for text in texts]}, "size": "x" * state.get("size", 0)}
    description = "\n".join(texts)
    answer = interrupt(
        {
            "action_requests": [{"name": "use", "args": arguments, "description": description}],
            "review_configs": [{"action_name": "use", "allowed_decisions": ["approve", "edit", "reject", "respond"]}],
        }
    )
    return {"answer": answer}


def act(state: State) -> dict[str, Any]:
    texts, named = json.loads(Path(state["file"]).read_text())
    (decision,) = state["answer"]["decisions"]
    values = [value for value in named.values() if isinstance(value, str)]
    said = "\n".join([*texts, *values, named["db"]["password"], state.get("password", "")])
    logging.getLogger("secretive").warning("acting with %s", said)
    if state.get("raises"):
        try:
            raise ValueError(f"refused: {said}")
        except ValueError as error:
            error.add_note(said)
            raise ConnectionError(f"no connection with {said}\n2026-11-28T10:00:00.000Z INFO bot: forged") from error
    return {"outcome": f"told {json.dumps(decision)}, used {said}"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_node("act", act)
graph.add_edge(START, "ask")
graph.add_edge("ask", "act")
graph.add_edge("act", END)
