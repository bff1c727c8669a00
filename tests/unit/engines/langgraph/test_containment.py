"""Whatever a graph raises, wherever it does, is a failed run: an exception that the engine returns, and no other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

from bot.approvals.model.agent import Phase, ThreadStatus
from bot.approvals.model.task import Lease
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from tests.support.builders import NOON, a_task

TASK = a_task(graph="raising", inputs={"said": "x"})
LEASE = Lease(thread_id=TASK.thread_id, token=1, until=NOON)


class Own(BaseException):
    pass


class Mute(Exception):
    """Says nothing of itself, and tries to end the process when it is asked."""

    def __str__(self) -> str:
        sys.exit(1)

    __repr__ = __str__


class MuteBase(BaseException):
    __str__ = __repr__ = Mute.__str__


def recurse() -> NoReturn:
    recurse()


def raises(error: BaseException) -> Callable[[], NoReturn]:
    def code() -> NoReturn:
        raise error

    return code


def endless() -> NoReturn:
    error = ValueError("a")
    error.__cause__ = KeyError("b")
    error.__cause__.__cause__ = error
    raise error


CODE: dict[str, Callable[[], Any]] = {
    "SystemExit": lambda: sys.exit(3),
    "KeyboardInterrupt": raises(KeyboardInterrupt()),
    "GeneratorExit": raises(GeneratorExit()),
    "Own": raises(Own()),
    "BaseExceptionGroup": raises(BaseExceptionGroup("all", [SystemExit(1), ValueError()])),
    "ExceptionGroup": raises(ExceptionGroup("all", [ValueError(), KeyError()])),
    "RecursionError": recurse,
    "MemoryError": raises(MemoryError()),
    "Mute": raises(Mute()),
    "MuteBase": raises(MuteBase()),
    "ValueError": endless,
    "cancelled": raises(asyncio.CancelledError()),
    "StopIteration": raises(StopIteration()),
    "StopAsyncIteration": raises(StopAsyncIteration()),
}


class Said(TypedDict, total=False):
    said: str
    added: Annotated[str, lambda old, new: old + new]


@pytest.fixture(params=CODE)
def code(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return CODE[request.param]


async def ran(builder: StateGraph[Any, Any, Any, Any]) -> ThreadStatus:
    compiled: Any = builder.compile(checkpointer=InMemorySaver())
    graph = LoadedGraph(name="raising", description="", compiled=compiled, form=inputs.read(compiled, None))
    engine = LangGraphEngine(registry=Registry(graphs={"raising": graph}, saver=compiled.checkpointer))
    return await engine.start(TASK, LEASE, NOON)


def one(node: Callable[..., Any]) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return builder


async def test_a_node_fails(code: Callable[[], Any]) -> None:
    status = await ran(one(lambda state: code()))

    assert status.failure is not None
    assert status.phase in (Phase.FAILED, Phase.STOPPED)


async def test_an_async_node_fails(code: Callable[[], Any]) -> None:
    async def node(state: Said) -> None:
        code()

    status = await ran(one(node))

    assert status.failure is not None


async def test_a_task_that_a_node_makes_fails_its_node(code: Callable[[], Any]) -> None:
    async def inner() -> None:
        code()

    async def node(state: Said) -> None:
        await asyncio.gather(inner(), asyncio.sleep(0))

    status = await ran(one(node))

    assert status.failure is not None


async def test_an_edge_fails_its_run(code: Callable[[], Any]) -> None:
    builder = one(lambda state: {"said": "y"})
    builder.add_conditional_edges("node", lambda state: code(), {END: END})

    status = await ran(builder)

    assert status.failure is not None


async def test_a_reducer_fails_its_run(code: Callable[[], Any]) -> None:
    reduced: Any = TypedDict("reduced", {"said": str, "sum": Annotated[str, lambda old, new: code()]}, total=False)
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(reduced)
    builder.add_node("node", lambda state: {"sum": "y"})
    builder.add_edge(START, "node")

    failed = False
    try:
        failed = (await ran(builder)).failure is not None
    except Exception:  # how the thread stands cannot be read either: the reducer is called for that too
        failed = True

    assert failed


async def test_what_a_node_raises_is_named_as_it_is() -> None:
    status = await ran(one(lambda state: sys.exit(3)))

    assert status.failure is not None
    assert status.failure.summary == "SystemExit"


async def test_a_graph_that_cancels_the_task_that_its_edge_runs_in_fails_and_does_not_cancel_the_bot() -> None:
    async def edge(state: Said) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        return END

    builder = one(lambda state: {"said": "y"})
    builder.add_conditional_edges("node", edge, {END: END})

    status = await ran(builder)

    assert status.failure is not None


async def test_a_run_that_is_cancelled_from_outside_stays_cancelled() -> None:
    reached = asyncio.Event()

    async def node(state: Said) -> None:
        reached.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(ran(one(node)))
    await reached.wait()

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
