"""Agents of LangChain and deepagents, made by factories. Their model is scripted: it wants the same letters sent and
burnt each time, and says in the end what it was told of that."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool

from tests.shapes.agents import ScriptedModel, calls, results

LETTER = ("send", {"to": "ann", "copies": 2})
FIRE = ("burn", {"path": "/x"})
GATES: Any = {"send": True, "burn": {"allowed_decisions": ["approve", "reject"]}}


class Reporting(ScriptedModel):
    """Calls one tool, or both where the task says so; then says what came of it."""

    def _generate(self, messages: list[BaseMessage], *arguments: Any, **options: Any) -> ChatResult:
        told = results(messages)
        wanted = [LETTER, FIRE] if "both" in str(messages) else [LETTER]
        line = AIMessage(content=" | ".join(told)) if told else calls(*wanted)
        return ChatResult(generations=[ChatGeneration(message=line)])


@tool
def send(to: str, copies: int = 1) -> str:
    """Send a letter."""
    return f"sent with {json.dumps([to, copies])}"


@tool
def burn(path: str) -> str:
    """Burn a letter."""
    return f"burnt {path}"


def batched() -> Any:
    return _agent("batched")


async def per_call(config: RunnableConfig) -> Any:
    return _agent("per_call")


@asynccontextmanager
async def deep() -> AsyncIterator[Any]:
    yield create_deep_agent(model=Reporting(script=[]), tools=[send, burn], interrupt_on=GATES)


def _agent(mode: Any) -> Any:
    middleware = HumanInTheLoopMiddleware(interrupt_on=GATES, interrupt_mode=mode)
    return create_agent(Reporting(script=[]), tools=[send, burn], middleware=[middleware])
