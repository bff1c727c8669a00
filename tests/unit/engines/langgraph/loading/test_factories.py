"""Factories of graphs: with what they are called, what they keep open, and the context that their runs are given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph_sdk.runtime import ServerRuntime
from pydantic import BaseModel
from typing_extensions import TypedDict

from bot.engines.langgraph.loading import factories
from bot.engines.langgraph.loading.factories import AnyGraph


class State(TypedDict, total=False):
    said: str


@dataclass
class Line:
    """Something that a graph needs open while it runs."""

    events: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.events == ["opened"]


def builder(line: Line | None = None, **more: Any) -> StateGraph[Any, Any, Any, Any]:
    def say(state: State) -> State:
        return {"said": "open" if line is None or line.is_open else "closed"}

    made: StateGraph[Any, Any, Any, Any] = StateGraph(State, **more)
    made.add_node("say", say)
    made.add_edge(START, "say")
    return made


async def said(graph: AnyGraph) -> str:
    found: dict[str, str] = await graph.ainvoke({}, RunnableConfig(configurable={"thread_id": "1"}))
    return found["said"]


def asynchronous(line: Line) -> Any:
    @asynccontextmanager
    async def make() -> AsyncIterator[Any]:
        line.events.append("opened")
        yield builder(line)
        line.events.append("closed")

    return make


def synchronous(line: Line) -> Any:
    @contextmanager
    def make(config: RunnableConfig) -> Iterator[Any]:
        line.events.append("opened")
        yield builder(line).compile()
        line.events.append("closed")

    return make


def awaited(line: Line) -> Any:
    async def make() -> Any:
        return asynchronous(line)()

    return make


@pytest.mark.parametrize("make", [asynchronous, synchronous, awaited])
async def test_what_a_factory_keeps_open_is_open_while_the_bot_runs_and_closed_after(make: Any) -> None:
    line = Line()

    async with AsyncExitStack() as held:
        graph = await factories.compiled(make(line), InMemorySaver(), held)
        meanwhile = await said(graph)

    assert meanwhile == "open"
    assert line.events == ["opened", "closed"]


async def test_what_cannot_be_opened_is_the_reason_why_the_graph_is_not_there() -> None:
    async def connect() -> None:
        raise ConnectionError("nobody listens")

    @asynccontextmanager
    async def make() -> AsyncIterator[Any]:
        await connect()
        yield builder()

    async with AsyncExitStack() as held:
        with pytest.raises(ConnectionError, match="nobody listens"):
            await factories.compiled(make, InMemorySaver(), held)


@pytest.mark.parametrize("kind", ["a context manager", "a coroutine"])
async def test_what_takes_too_long_to_open_is_given_up(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(factories, "SECONDS_TO_OPEN", 0.01)
    line = Line()

    async def connect() -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            line.events.append("given up")

    @asynccontextmanager
    async def make() -> AsyncIterator[Any]:
        yield await connect()

    async with AsyncExitStack() as held:
        with pytest.raises(TimeoutError, match="it took more than"):
            await factories.compiled(make if kind == "a context manager" else connect, InMemorySaver(), held)

    assert line.events == ["given up"]


async def test_what_breaks_while_it_is_open_takes_nothing_along_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = asyncio.Event()

    @asynccontextmanager
    async def make() -> AsyncIterator[Any]:
        async def connection() -> None:
            await broken.wait()
            raise ConnectionError("the other side is gone")

        async with asyncio.TaskGroup() as group:
            group.create_task(connection())
            yield builder()

    async with AsyncExitStack() as held:
        graph = await factories.compiled(make, InMemorySaver(), held)
        broken.set()
        await asyncio.sleep(0)
        meanwhile = await said(graph)

    assert meanwhile == "open"
    assert "what a graph keeps open has broken" in caplog.text
    assert "the other side is gone" in caplog.text


async def test_what_does_not_close_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(factories, "SECONDS_TO_CLOSE", 0.01)
    line = Line()

    @asynccontextmanager
    async def make() -> AsyncIterator[Any]:
        yield builder()
        try:
            await asyncio.Event().wait()
        finally:
            line.events.append("cut off")

    async with AsyncExitStack() as held:
        await factories.compiled(make, InMemorySaver(), held)

    assert line.events == ["cut off"]
    assert "did not close" in caplog.text


async def test_a_factory_is_called_with_what_it_takes() -> None:
    given: list[Any] = []

    def of_both(config: RunnableConfig, runtime: ServerRuntime[None]) -> Any:
        given.extend([config, runtime.execution_runtime, runtime.user])
        return builder()

    def by_name(*, runtime: ServerRuntime) -> Any:  # type: ignore[type-arg]  # as its users write it
        given.append(runtime.access_context)
        return builder()

    def of_nothing_known(anything, more=7):  # type: ignore[no-untyped-def]
        given.append(anything)
        return builder()

    async with AsyncExitStack() as held:
        for make in (of_both, by_name, of_nothing_known):
            await factories.compiled(make, InMemorySaver(), held)

    config, execution, user, why, anything = given
    assert config == anything == {}
    assert execution is not None
    assert user is None
    assert why == "threads.create_run"


# --- Context ------------------------------------------------------------------------------------------


@dataclass
class Filled:
    tone: str = "friendly"


@dataclass
class Wanting:
    user: str


class Checked(BaseModel):
    tone: str = "formal"


class Strict(BaseModel):
    user: str


class Named(TypedDict, total=False):
    tone: str


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        (None, None),
        (Filled, Filled()),
        (Checked, Checked()),
        (Named, None),
        (Wanting, None),
        (Strict, None),
    ],
)
async def test_a_run_is_given_the_defaults_of_its_graphs_context(schema: Any, given: Any) -> None:
    seen: list[Any] = []

    def look(state: State, runtime: Runtime[Any]) -> State:
        seen.append(runtime.context)
        return {}

    made: StateGraph[Any, Any, Any, Any] = StateGraph(State, context_schema=schema)
    made.add_node("look", look)
    made.add_edge(START, "look")
    graph = made.compile()

    await graph.ainvoke({}, context=factories.context(graph))

    assert seen == [given]
