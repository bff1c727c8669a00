"""The forms of a graph that langgraph.json may name, and those of its inputs. Each asks the same, and says what it was
told."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Send, interrupt
from pydantic import BaseModel, Field


class Typed(typing.TypedDict, total=False):
    topic: str
    outcome: str


class Modelled(BaseModel):
    topic: str = Field(description="What it is about")
    outcome: str = ""


@dataclass
class Plain:
    topic: str = "sea"
    outcome: str = ""


def _topic(state: Any) -> str:
    return str(state["topic"] if isinstance(state, dict) else state.topic)


def ask(state: Any) -> dict[str, Any]:
    answer = interrupt({"question": f"Write about {_topic(state)}?", "details": {"pages": 2}})
    return {"outcome": f"{_topic(state)}: {answer}"}


def made_of(state: Any) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(state)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    return builder


typed = made_of(Typed)
modelled = made_of(Modelled).compile()


async def plain() -> Any:
    return made_of(Plain)


@asynccontextmanager
async def nested() -> AsyncIterator[Any]:
    """Asks two subgraphs down, in the branches of a fan-out."""
    middle: StateGraph[Any, Any, Any, Any] = StateGraph(Typed)
    middle.add_node("inner", made_of(Typed).compile())
    middle.add_edge(START, "inner")
    outer: StateGraph[Any, Any, Any, Any] = StateGraph(Typed)
    outer.add_node("branch", middle.compile())
    outer.add_conditional_edges(START, lambda state: [Send("branch", {"topic": state["topic"]})])
    yield outer


def _talk(state: MessagesState) -> dict[str, Any]:
    asked = interrupt({"question": "Answer this?", "details": {"message": state["messages"][-1].content}})
    return {"messages": [("ai", f"Answered: {asked}")]}


talking = StateGraph(MessagesState)
talking.add_node("talk", _talk)
talking.add_edge(START, "talk")


@task
def checked(topic: str) -> str:
    return f"checked {interrupt({'question': f'Is {topic} right?', 'details': {}, 'answer': 'approve/reject'})}"


@entrypoint()
def functional(topic: str) -> str:
    found = checked(topic).result()
    return f"{found}, {interrupt('Anything else?')}"
