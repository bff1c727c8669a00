"""The implementations of `Engine` that the suite proves. A new one is one factory and one entry here.

Each is given the same question, and a task of it that was made and not begun.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from bot.approvals.model.caller import Caller, digits_of, task_id_of
from bot.approvals.model.ids import JSON, ChannelId, Program, TaskId, ThreadId
from bot.approvals.model.server import OnServer, task_of_thread
from bot.approvals.model.task import Task
from bot.approvals.ports.engine import Engine
from bot.engines.caller.engine import CallerEngine
from bot.engines.langgraph.checkpoints import sqlite_saver
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from bot.engines.server.client import connect
from bot.engines.server.engine import ServerEngine
from tests.support.builders import NOON
from tests.support.langgraph_server import NAME, LangGraphServer

ACTION: Final = "Refund"
QUESTION: Final[JSON] = {
    "action_requests": [{"name": ACTION, "args": {"order": "o-1", "amount": 40}, "description": "It came late."}],
    "review_configs": [
        {
            "action_name": ACTION,
            "allowed_decisions": ["approve", "edit", "reject"],
            "args_schema": {"type": "object", "properties": {"amount": {"type": "integer"}}},
        }
    ],
}
"""One tool call, as LangChain's middleware asks about it: it can be edited, and its answer says so."""


@dataclass(kw_only=True)
class Subject:
    """One engine, over data that outlives it."""

    open: Callable[[], AbstractAsyncContextManager[Engine]]
    """The engine as one process has it. Another one finds what the first has left."""
    make: Callable[[str], Task]
    """A task that nobody has begun, by its number."""
    taken: Callable[[], list[JSON]] = list
    has_agent: bool = True
    forgets: bool = True
    """Whether the engine deletes what it knows of a task, if it is told so."""

    @property
    def took(self) -> list[JSON]:
        """The answers that agents have taken, if there are agents that take any."""
        return self.taken()


class State(TypedDict, total=False):
    answer: Any


@asynccontextmanager
async def langgraph(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    folder: Path = request.getfixturevalue("tmp_path")
    took: list[JSON] = []

    def ask(state: State) -> State:
        answer = interrupt(QUESTION)
        took.append(answer)
        return {"answer": answer}

    async def holds(thread_id: str, token: int) -> bool:
        return True

    @asynccontextmanager
    async def open() -> AsyncIterator[Engine]:
        async with sqlite_saver(folder / "checkpoints.sqlite", holds) as saver:
            builder = StateGraph(State)
            builder.add_node("ask", ask)
            builder.add_edge(START, "ask")
            compiled: Any = builder.compile(checkpointer=saver)
            graph = LoadedGraph(name="asks", description="", compiled=compiled, form=inputs.read(compiled, None))
            yield LangGraphEngine(registry=Registry(graphs={"asks": graph}, saver=saver))

    yield Subject(open=open, make=lambda key: _task(TaskId(f"task-{key}"), key, graph="asks"), taken=lambda: took)


@asynccontextmanager
async def caller(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    @asynccontextmanager
    async def open() -> AsyncIterator[Engine]:
        yield CallerEngine()

    def make(key: str) -> Task:
        id = task_id_of(digits_of("request", "shop", key)[:20])
        return _task(id, key, graph="shop", inputs={"question": QUESTION})

    yield Subject(open=open, make=make, has_agent=False)


@asynccontextmanager
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """Its agent runs on a real server, which all tests share, so each test has keys of its own."""
    running: LangGraphServer = request.getfixturevalue("langgraph_server")
    here, keys = uuid.uuid4(), list[str]()

    @asynccontextmanager
    async def open() -> AsyncIterator[Engine]:
        client = connect(NAME, running.url, None)
        try:
            yield ServerEngine(client=client)
        finally:
            await client.close()

    def make(key: str) -> Task:
        keys.append(f"{here.hex}-{key}")
        thread_id = ThreadId(str(uuid.uuid5(here, key)))
        task = _task(task_of_thread(NAME, thread_id), key, graph="asks", inputs={"key": keys[-1]})
        return replace(task, thread_id=thread_id, server=OnServer(name=NAME))

    def taken() -> list[JSON]:
        return [answer for key in dict.fromkeys(keys) for answer in running.effects("ask", key)]

    yield Subject(open=open, make=make, taken=taken, forgets=False)


def _task(id: TaskId, key: str, *, graph: str, inputs: dict[str, JSON] | None = None) -> Task:
    return Task(
        id=id,
        thread_id=ThreadId(f"thread-{key}"),
        graph=graph,
        inputs=inputs or {},
        requester=Program(name="shop"),
        caller=Caller(
            source="shop", token="shop", key=key, body="0" * 64, callback_url="https://shop.example.com/told"
        ),
        channel=ChannelId("C1"),
        created_at=NOON,
    )


ENGINES: Final = {"langgraph": langgraph, "caller": caller, "server": server}
