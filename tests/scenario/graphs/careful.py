"""Proposes one action by the name that it is given, and keeps a journal of each answer that it gets.

`fails`: raises on the answer for as long as the file `<journal>.fixed` is missing.
"""

import json
from pathlib import Path
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    action: str
    journal: str
    fails: NotRequired[bool]


class State(Inputs):
    outcome: NotRequired[str]


def propose(state: State) -> dict[str, Any]:
    answer = interrupt(
        {
            "action_requests": [{"name": state["action"], "args": {"amount": 7}}],
            "review_configs": [{"action_name": state["action"], "allowed_decisions": ["approve", "edit", "reject"]}],
        }
    )
    (decision,) = answer["decisions"]
    journal = Path(state["journal"])
    if state.get("fails") and not Path(f"{journal}.fixed").exists():
        raise ConnectionError("the mail server at 10.0.0.7 is down")
    with journal.open("a") as written:
        written.write(json.dumps(decision["type"]) + "\n")
    return {"outcome": f"told {decision['type']}"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("propose", propose)
graph.add_edge(START, "propose")
graph.add_edge("propose", END)
