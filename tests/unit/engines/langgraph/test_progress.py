"""What a run is doing, told from the stream of real graphs."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from langgraph._internal._constants import CONFIG_KEY_STREAM
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot.engines.langgraph import progress_lines
from bot.engines.telling import Telling


class State(TypedDict, total=False):
    told: str


async def heard(graph: StateGraph[Any, Any, Any, Any]) -> list[str]:
    """Everything that is told of one run, without repetitions."""
    told = [""]
    compiled = graph.compile(checkpointer=InMemorySaver())
    with progress_lines.listening(told.append) as configured:
        config: Any = {"configurable": {"thread_id": "t", **configured}}
        await compiled.ainvoke({}, config, durability="sync")
        await asyncio.sleep(0)
    return [words for before, words in itertools.pairwise(told) if words != before]


async def test_a_node_is_told_by_its_name_while_it_runs() -> None:
    graph = StateGraph(State)
    graph.add_sequence([("find_sources", lambda state: {}), ("_write", lambda state: {})])
    graph.add_edge(START, "find_sources")

    assert await heard(graph) == ["find sources", "", "write", ""]


async def test_what_a_node_says_itself_goes_before_its_name() -> None:
    def count(state: State) -> State:
        writer = get_stream_writer()
        writer("1 of 2 files")
        writer({"status": "2 of 2 files", "number": 2})
        writer({"number": 3})
        writer(17)
        return {}

    graph = StateGraph(State)
    graph.add_sequence([("count", count), ("rest", lambda state: {})])
    graph.add_edge(START, "count")

    assert await heard(graph) == ["count", "1 of 2 files", "2 of 2 files", "rest", ""]


async def test_of_a_subgraph_only_what_runs_in_it_is_named() -> None:
    inner = StateGraph(State)
    inner.add_sequence([("read", lambda state: {}), ("sum_up", lambda state: {})])
    inner.add_edge(START, "read")
    outer = StateGraph(State)
    outer.add_node("research", inner.compile())
    outer.add_edge(START, "research")

    assert await heard(outer) == ["research", "read", "research", "sum up", "research", ""]


async def test_nodes_that_run_at_once_are_named_together() -> None:
    graph = StateGraph(State)
    for name in "abcde":
        graph.add_node(name, lambda state: {})
        graph.add_edge(START, name)

    assert "a, b, c and 2 more" in await heard(graph)


async def test_a_node_that_asks_is_done_with_its_work() -> None:
    def ask(state: State) -> State:
        return {"told": interrupt("?")}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")

    assert await heard(graph) == ["ask", ""]


def test_a_chunk_that_nobody_knows_says_nothing() -> None:
    assert Telling().heard((), "tasks", "?") == ""


async def test_nothing_is_told_of_a_run_that_is_over() -> None:
    told: list[str] = []

    with progress_lines.listening(told.append) as configured:
        configured[CONFIG_KEY_STREAM](((), "tasks", {"id": "1", "name": "late", "triggers": ()}))
    await asyncio.sleep(0)

    assert told == []


async def test_a_node_that_is_cancelled_while_it_is_listened_to_is_not_stored_as_failed() -> None:
    begun = asyncio.Event()

    async def act(state: State) -> State:
        begun.set()
        await asyncio.sleep(60)
        return {}

    graph = StateGraph(State)
    graph.add_node("act", act)
    graph.add_edge(START, "act")
    compiled = graph.compile(checkpointer=InMemorySaver())
    with progress_lines.listening(lambda words: None) as configured:
        config: Any = {"configurable": {"thread_id": "t", **configured}}
        run = asyncio.create_task(compiled.ainvoke({}, config, durability="sync"))
        await begun.wait()
        run.cancel()
        await asyncio.wait([run])

    (task,) = (await compiled.aget_state({"configurable": {"thread_id": "t"}})).tasks
    assert task.error is None
