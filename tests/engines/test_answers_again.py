"""Whenever its process dies: what an agent found changed, and what was not valid any more, is asked again on the same
record, and the agent acts once, on what people approved last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from bot.approvals.model.decision import Approve, Choose
from bot.approvals.model.ids import TaskId
from bot.approvals.model.request import Decided, Delivered, NotUsed, Pending, Request
from bot.approvals.model.task import Ended
from bot.approvals.ports.engine import Engine
from bot.engines.langgraph.checkpoints import sqlite_saver
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import LangGraphEngine
from graphs import effects
from tests.engines.processes import CHANGES, Process, kinds, records
from tests.engines.subjects import a_task_of
from tests.support.builders import NOON
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.fuse import Fuse, Killed

VALID = timedelta(hours=3)
WAIT = timedelta(minutes=31)
"""Longer than a lease, and than the wait before any retry, and shorter than a decision is valid."""


class State(TypedDict, total=False):
    answer: Any


@dataclass
class World:
    """What the agents act on, and what they did."""

    price: int = 10
    away: bool = False
    did: list[Any] = field(default_factory=list)


def looks_again(world: World) -> StateGraph[Any, Any, Any, Any]:
    """It is approved at 10. By then the price is 12, and when that is approved, 14."""
    first = {"question": "Pay?", "details": {"price": 10}}

    def ask(state: State) -> State:
        interrupt(first)
        return {}

    def act(state: State) -> State:
        if effects.look_again(first, {"question": "Pay?", "details": {"price": world.price}}) is True:
            world.did.append(world.price)
        return {}

    return _chain(ask, act)


def fails(world: World) -> StateGraph[Any, Any, Any, Any]:
    """It takes an answer, and fails as long as the other side is away."""

    def choose(state: State) -> State:
        answer = interrupt({"question": "How?", "options": ["old", "new"]})
        if world.away:
            raise RuntimeError("the other side is away")
        world.did.append(answer)
        return {}

    return _chain(choose)


def _chain(*nodes: Any) -> StateGraph[Any, Any, Any, Any]:
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    before = START
    for node in nodes:
        builder.add_node(node.__name__, node)
        builder.add_edge(before, node.__name__)
        before = node.__name__
    return builder


@asynccontextmanager
async def an_engine(folder: Path, builder: StateGraph[Any, Any, Any, Any]) -> AsyncIterator[Engine]:
    async def holds(thread_id: str, token: int) -> bool:
        return True

    async with sqlite_saver(folder / "checkpoints.sqlite", holds) as saver:
        compiled: Any = builder.compile(checkpointer=saver)
        graph = LoadedGraph(name="asks", description="", compiled=compiled, form=inputs.read(compiled, None))
        yield LangGraphEngine(registry=Registry(graphs={"asks": graph}, saver=saver))


@pytest.mark.heavy
async def test_a_change_is_asked_again_and_acted_on_once(tmp_path: Path) -> None:
    async def answered(process: Process, world: World, request: Request) -> None:
        world.price = {1: 12, 2: 14}.get(request.version, world.price)
        await process.vote_on(request, Approve())

    def whole(request: Request, world: World) -> None:
        assert world.did == [14]
        assert (request.version, request.question.items[0].arguments) == (3, {"price": 14})
        assert [each.taken for each in request.earlier] == [True, False]

    await _killed_everywhere(tmp_path, Story(graph=looks_again, answered=answered, whole=whole))


@pytest.mark.heavy
async def test_an_answer_that_was_not_delivered_in_time_is_asked_again_and_never_given(tmp_path: Path) -> None:
    async def answered(process: Process, world: World, request: Request) -> None:
        if request.version == 1:
            await process.vote_on(request, Choose(choice="old"))
            await process.deliver(request.task_id)
            process.clock.advance(VALID)
        world.away = False
        if request.version > 1:
            await process.vote_on(request, Choose(choice="new"))

    def whole(request: Request, world: World) -> None:
        assert world.did == ["new"]
        assert request.before is not None
        assert request.before.why is NotUsed.STALE

    await _killed_everywhere(tmp_path, Story(graph=fails, answered=answered, whole=whole, away=True, wait=VALID))


@dataclass(frozen=True, kw_only=True)
class Story:
    """What the agent does, what people do about what it asks, and what has to be so in the end."""

    graph: Callable[[World], StateGraph[Any, Any, Any, Any]]
    answered: Callable[[Process, World, Request], Awaitable[None]]
    whole: Callable[[Request, World], None]
    away: bool = False
    wait: timedelta = WAIT
    """How long it takes until a decision that was not delivered is tried again."""


async def _killed_everywhere(folder: Path, story: Story) -> None:
    """The task's life, and then again with its process killed after each call that changed something."""
    moments = await _live(folder, "0", Fuse(), story)
    for kill_at, moment in enumerate(moments):
        if moment in CHANGES:
            await _live(folder, f"{kill_at + 1}", Fuse(kill_at=kill_at), story)


async def _live(folder: Path, key: str, fuse: Fuse, story: Story) -> list[str]:
    """One task from its start to its end, in processes of which the first one dies. Returns its moments."""
    task, world = a_task_of(TaskId(f"task-{key}"), key, graph="asks"), World(away=story.away)
    async with records() as storage, an_engine(folder, story.graph(world)) as engine:
        clock = ManualClock(NOON)
        await Process(storage=storage, engine=engine).record(task)
        for each in (fuse, Fuse()):
            process = Process(storage=storage, engine=engine, clock=clock, fuse=each, valid_for=VALID)
            try:
                for _ in range(6):
                    await process.drive(task)
                    for request in await storage.requests_of(task.id):
                        if isinstance(request.state, Pending):
                            await story.answered(process, world, request)
                        elif isinstance(request.state, Decided):
                            clock.advance(story.wait)
            except Killed:
                clock.advance(WAIT)
        (request,) = await storage.requests_of(task.id)
        about = (fuse.moments[-1:], request.state, await kinds(storage, task))
        assert isinstance(request.state, Delivered), about
        assert isinstance((await storage.task(task.id)).state, Ended), about
        story.whole(request, world)
    return list(fuse.moments)
