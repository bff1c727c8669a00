"""The guard hands an answer to the question that was shown, in every shape of graph; and a run stops if none asks it.

What a graph asks changes with each execution of its node: every question is answered with a text that names it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import Command, RetryPolicy, Send, interrupt
from typing_extensions import TypedDict

from bot.approvals.model.policy import GraphTerms
from bot.engines.langgraph import guard, selftest
from tests.support.agent_stage import Stage, a_stage

asked_before_the_guard = interrupt
ENOUGH = 12


def added(old: list[Any], new: list[Any]) -> list[Any]:
    return [*old, *new]


class State(TypedDict, total=False):
    got: Annotated[list[tuple[str, Any]], added]


@pytest.fixture
def numbers() -> Iterator[int]:
    return itertools.count(1)


def one(*nodes: Callable[..., Any], **options: Any) -> StateGraph[Any, Any, Any, Any]:
    """A graph of these nodes, side by side."""
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    for number, node in enumerate(nodes):
        builder.add_node(f"n{number}", node, **options)
        builder.add_edge(START, f"n{number}")
    return builder


def told(question: str, ask: Callable[[str], Any] = interrupt) -> tuple[str, Any]:
    return question, ask(question)


def drifting(shape: str, n: Iterator[int]) -> Any:
    """A graph of this shape that asks something else whenever its node is executed."""

    def plain(state: State) -> State:
        return {"got": [told(f"pay {next(n)}?")]}

    def early(state: State) -> State:
        return {"got": [told(f"pay {next(n)}?", asked_before_the_guard)]}

    async def awaited(state: State) -> State:
        return {"got": [told(f"pay {next(n)}?")]}

    def several(state: State) -> State:
        return {"got": [told("first?"), told(f"second {next(n)}?"), told("third?")]}

    def in_front(state: State) -> State:
        new = [f"new {next(n)}?"] if next(n) > 2 else []
        return {"got": [told(text) for text in [*new, "old?"]]}

    def loop(state: State) -> State:
        return {"got": [told("again?") for _ in range(3)]}

    async def gathered(state: State) -> State:
        async def asks(text: str) -> tuple[str, Any]:
            return told(text)

        return {"got": list(await asyncio.gather(asks(f"a {next(n)}?"), asks("b?")))}

    def jumps(state: State) -> Any:
        return Command(update={"got": [told(f"pay {next(n)}?")]}, goto="n1")

    def end(state: State) -> State:
        return {}

    def sent(given: dict[str, Any]) -> State:
        return {"got": [told(f"{given['text']} {next(n)}?")]}

    inner = one(plain).compile()

    def calls(state: State) -> State:
        return {"got": [each for _ in range(2) for each in inner.invoke({})["got"]]}

    match shape:
        case "plain":
            return one(plain)
        case "imported before":
            return one(early)
        case "async":
            return one(awaited)
        case "several in one node":
            return one(several)
        case "inserted in front":
            return one(in_front)
        case "loop of one text":
            return one(loop)
        case "gather in one node":
            return one(gathered)
        case "two in parallel":
            return one(plain, plain)
        case "retried":
            return one(plain, retry_policy=RetryPolicy(max_attempts=2, initial_interval=0.001))
        case "Command":
            builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
            builder.add_node("n0", jumps, destinations=("n1",))
            builder.add_node("n1", end)
            builder.add_edge(START, "n0")
            return builder
        case "Send":
            builder = StateGraph(State)
            builder.add_node("sent", sent)  # type: ignore[arg-type]
            builder.add_conditional_edges(START, lambda _: [Send("sent", {"text": each}) for each in "ab"], ["sent"])
            return builder
        case "subgraph":
            return one(inner)  # type: ignore[arg-type]
        case "two subgraphs in one node":
            return one(calls)
        case _:
            return _functional(n)


def _functional(n: Iterator[int]) -> Any:
    @task
    def asks(text: str) -> tuple[str, Any]:
        return told(text)

    @entrypoint()
    def flow(given: dict[str, Any]) -> dict[str, Any]:
        got = [asks(f"{name} {next(n)}?").result() for name in "ab"]
        return {"got": [*got, told("last?")]}

    return flow


SHAPES = (
    "plain",
    "imported before",
    "async",
    "several in one node",
    "inserted in front",
    "loop of one text",
    "gather in one node",
    "two in parallel",
    "retried",
    "Command",
    "Send",
    "subgraph",
    "two subgraphs in one node",
    "functional",
)


@pytest.mark.parametrize("shape", SHAPES)
async def test_no_answer_reaches_another_question(shape: str, tmp_path: Path, numbers: Iterator[int]) -> None:
    """Each is answered by its own text; a graph that never asks the same twice gets no answer at all."""
    async with _answering(tmp_path, drifting(shape, numbers)) as stage:
        started = await stage.started(**({"note": "x"} if shape == "functional" else {}))
        for _ in range(ENOUGH):
            open = await stage.asked(started)
            if not open:
                break
            await stage.respond(open[0], open[0].question.title)
        values = (await stage.graph.aget_state({"configurable": {"thread_id": started.thread_id}})).values

    got = values.get("got", []) if isinstance(values, dict) else []
    assert all(question == answer for question, answer in got), got


async def test_a_graph_that_prints_the_time_is_asked_once(tmp_path: Path) -> None:
    def ask(state: State) -> State:
        return {"got": [("asked", interrupt(f"It is {datetime.now().isoformat()}. Pay 10?"))]}  # noqa: DTZ005

    async with _answering(tmp_path, one(ask)) as stage:
        started = await stage.started()
        await stage.respond(await stage.question(started), "yes")

        assert await stage.asked(started) == []


async def test_a_graph_without_a_guarded_run_gets_nothing() -> None:
    """LangGraph's own way of resuming with what stands in place of an answer gives an answer to nobody."""
    assert not guard.HELD
    assert not isinstance(guard.HELD, str | int | float | bool | list | dict | None)
    assert guard.is_held(guard.HELD)
    answers: tuple[Any, ...] = ("", 0, False, None, [], {}, b"x")
    assert not any(guard.is_held(answer) for answer in answers)


async def test_the_start_up_test_passes_with_the_guard() -> None:
    await selftest.refuse_unguarded()


async def test_the_start_up_test_refuses_a_guard_that_does_not_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard.Known, "is_asked_by", lambda *_: True)

    with pytest.raises(Exception, match="does not let answers be guarded"):
        await selftest.refuse_unguarded()


@asynccontextmanager
async def _answering(folder: Path, graph: Any) -> AsyncIterator[Stage]:
    async with a_stage(folder, graph, terms=GraphTerms(answer="text")) as stage:
        yield stage
