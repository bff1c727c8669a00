"""Plans and acts, with a breakpoint before or after; the end says what it acted on."""

from __future__ import annotations

from operator import add
from typing import Annotated, NotRequired, TypedDict

from langgraph.graph import START, StateGraph


class Inputs(TypedDict):
    topic: str


class State(Inputs):
    approved: NotRequired[bool]
    notes: Annotated[list[str], add]
    outcome: NotRequired[str]


def plan(state: State) -> dict[str, object]:
    return {"notes": [f"a plan for {state['topic']}"]}


def act(state: State) -> dict[str, object]:
    return {"notes": ["acted"]}


def tell(state: State) -> dict[str, object]:
    return {"outcome": f"{state['topic']}, approved {state.get('approved')}: {', '.join(state['notes'])}"}


builder = StateGraph(State, input_schema=Inputs)
for name, node in (("plan", plan), ("act", act), ("tell", tell)):
    builder.add_node(name, node)
builder.add_edge(START, "plan")
builder.add_edge("plan", "act")
builder.add_edge("act", "tell")

before = builder.compile(interrupt_before=["act"])
after = builder.compile(interrupt_after=["plan"])
