"""Asks before it acts, and traces what it does, as an agent with OpenTelemetry would."""

from typing import Any, NotRequired

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from opentelemetry import trace
from typing_extensions import TypedDict

tracer = trace.get_tracer("agent")


class Inputs(TypedDict):
    topic: str


class State(Inputs):
    answer: NotRequired[Any]
    outcome: NotRequired[str]


def ask(state: State) -> dict[str, Any]:
    with tracer.start_as_current_span("agent thinks"):
        pass
    return {"answer": interrupt({"question": f"May I do {state['topic']}?", "answer": "approval"})}


def act(state: State) -> dict[str, Any]:
    with tracer.start_as_current_span("agent acts"):
        return {"outcome": "done"}


graph = StateGraph(State, input_schema=Inputs)
graph.add_node("ask", ask)
graph.add_node("act", act)
graph.add_edge(START, "ask")
graph.add_edge("ask", "act")
graph.add_edge("act", END)
