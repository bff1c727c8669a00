"""The agents whose questions wait in the files of `worded`: what people read of them was this program's own words."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from tests.shapes.agents import model

REASON = "Ada asked for the invoice."
SHAPES: dict[str, Any] = {
    "untitled": {"details": {"amount": 10}},
    "elicits": {
        "type": "mcp_elicitation",
        "tool_name": "book_flight",
        "requests": [{"key": "seat", "message": "Which seat?", "mode": "form", "requested_schema": {"type": "object"}}],
    },
    "inbox": {
        "action_request": {"action": "send_email", "args": {"to": "ada@example.org"}},
        "config": {"allow_accept": True, "allow_edit": True, "allow_respond": False, "allow_ignore": True},
        "description": "An invoice",
    },
    "clarifies": {"type": "clarification_needed", "questions": ["Which host?", "Which day?"]},
}


class State(TypedDict, total=False):
    told: Any
    outcome: str


def calls(mode: Any, *tools: str) -> Any:
    """LangChain's agent, which says why it wants these tools called."""
    named = {"send_email": {"to": "ada@example.org"}, "burn": {"path": "/x"}}

    @tool
    def send_email(to: str) -> str:
        """Send a letter."""
        return f"sent to {to}"

    @tool
    def burn(path: str) -> str:
        """Burn a letter."""
        return f"burnt {path}"

    line = AIMessage(
        content=REASON,
        tool_calls=[{"name": name, "args": named[name], "id": f"call-{name}"} for name in tools],
    )
    middleware = HumanInTheLoopMiddleware(interrupt_on={"send_email": True, "burn": True}, interrupt_mode=mode)
    return create_agent(model(line), tools=[send_email, burn], middleware=[middleware])


def asks(value: Any) -> StateGraph[Any, Any, Any, Any]:
    """Asks this, and says what it was told."""

    def ask(state: State) -> State:
        return {"outcome": f"told {interrupt(value)!r}"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    return builder


def compiled(saver: Any) -> dict[str, Any]:
    """Each agent by its name, on this saver. The answer to `decided` is stored, and not delivered."""
    agents = {
        "one": calls("batched", "send_email"),
        "two": calls("batched", "send_email", "burn"),
        "per_call": calls("per_call", "send_email"),
        "decided": calls("batched", "send_email"),
    }
    made: dict[str, Any] = {name: agent.copy(update={"checkpointer": saver}) for name, agent in agents.items()}
    return made | {name: asks(value).compile(checkpointer=saver) for name, value in SHAPES.items()}
