"""Proposes two payments at once, as agents propose tool calls, and says what it was told about each."""

import json
from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    payee: str


class State(Inputs):
    outcome: NotRequired[str]


def propose(state: State) -> dict[str, Any]:
    answer = interrupt(
        {
            "action_requests": [
                {"name": "pay", "args": {"payee": state["payee"], "amount": 100}},
                {"name": "refund", "args": {"order": "A-1", "amount": 7}},
            ],
            "review_configs": [
                {"action_name": name, "allowed_decisions": ["approve", "edit", "reject"]} for name in ("pay", "refund")
            ],
        }
    )
    return {"outcome": "told " + json.dumps(answer["decisions"])}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("propose", propose)
graph.add_edge(START, "propose")
graph.add_edge("propose", END)
