"""Proposes one action by the name that it is given, as agents propose tool calls, and says what it was told."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Inputs(TypedDict):
    action: str
    amount: NotRequired[int]
    owner: NotRequired[str]


class State(Inputs):
    outcome: NotRequired[str]


def propose(state: State) -> dict[str, Any]:
    arguments = {key: state[key] for key in ("amount", "owner") if key in state}
    answer = interrupt(
        {
            "action_requests": [{"name": state["action"], "args": arguments}],
            "review_configs": [{"action_name": state["action"], "allowed_decisions": ["approve", "edit", "reject"]}],
        }
    )
    (decision,) = answer["decisions"]
    return {"outcome": f"told {decision['type']}: {decision.get('message', '')}"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("propose", propose)
graph.add_edge(START, "propose")
graph.add_edge("propose", END)
