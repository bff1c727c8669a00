"""The agents whose tasks are in the files of `before_undo`: their steps keep their names.

Each does one thing in the world, and notes it in the list that it is given. The shipped graphs `cleanup` and `payment`
have a task each in those files, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

Builder: TypeAlias = StateGraph[Any, Any, Any, Any]
Act: TypeAlias = Callable[[Any], object]
"""What an agent does with the answer."""

PAY: dict[str, Any] = {"question": "Pay 10?", "details": {"amount": 10}}
PAY_MORE: dict[str, Any] = {"question": "Pay 12?", "details": {"amount": 12}}
HOST: dict[str, Any] = {"question": "Which host?", "answer": "text"}
DELETE: dict[str, Any] = {
    "type": "tool_approval",
    "tool_call_id": "call-1",
    "name": "delete_file",
    "args": {"path": "/logs/old.log"},
    "description": "It is full.",
}
DECISION: dict[str, Any] = {
    "anyOf": [
        {"type": "object", "properties": {"type": {"const": word}, **more}, "required": ["type"]}
        for word, more in (("approve", {}), ("reject", {"message": {"type": "string"}}))
    ]
}
"""What the tool call may be answered with."""


class State(TypedDict, total=False):
    told: Any
    outcome: str


def asks(act: Act, question: dict[str, Any], schema: dict[str, Any] | None = None) -> Builder:
    """Asks before it acts, and acts in a step of its own."""

    def ask(state: State) -> State:
        return {"told": interrupt(question, response_schema=schema)}

    def do(state: State) -> State:
        act(state.get("told"))
        return {"outcome": f"told {state.get('told')!r}"}

    builder: Builder = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_node("act", do)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "act")
    builder.add_edge("act", END)
    return builder


def acts_at_once(act: Act) -> Builder:
    """Asks and acts in one step, so that an answer on which it fails was not taken."""

    def ask(state: State) -> State:
        told = interrupt(PAY)
        act(told)
        return {"told": told, "outcome": f"told {told!r}"}

    builder: Builder = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    return builder


BUILDERS: dict[str, Callable[[Act], Builder]] = {
    "two_votes": lambda act: asks(act, PAY),
    "worded": lambda act: asks(act, HOST),
    "failed": acts_at_once,
    "away": lambda act: asks(act, PAY),
    "delivered": lambda act: asks(act, PAY),
    "superseded": lambda act: asks(act, PAY),
    "renewed": lambda act: asks(act, PAY_MORE),
    "tool": lambda act: asks(act, DELETE, DECISION),
}
"""What each task is an agent of. The name says how its task stands."""
