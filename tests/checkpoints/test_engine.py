"""What the engine has of its saver: waiting threads are pruned, and an outage is no failure of a graph."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from operator import add
from typing import Annotated, Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from redis.exceptions import ConnectionError
from typing_extensions import TypedDict

from bot.approvals.model.agent import Phase
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.task import Lease, Task
from bot.approvals.ports.engine import Unsaved
from bot.engines.langgraph.checkpoints import FENCING_TOKEN
from bot.engines.langgraph.checkpoints.redis import redis_saver
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.registry import LoadedGraph, Registry
from bot.engines.langgraph.runner import PRUNED_FROM_STEPS, LangGraphEngine
from tests.checkpoints.savers import Leases, Saver
from tests.support.builders import NOON, a_task
from tests.support.redis_server import RedisServer

ROUNDS = PRUNED_FROM_STEPS + 5


class State(TypedDict, total=False):
    rounds: Annotated[int, add]
    answers: Annotated[list[str], add]


def ask(state: State) -> State:
    return {"answers": [interrupt({"question": "Go on?", "details": {"rounds": state["rounds"]}})]}


def engine_on(saver: Saver, first: Callable[[], None] = lambda: None) -> LangGraphEngine:
    """A graph that works for many steps before it asks; `first` is what its first step does."""

    def work(state: State) -> State:
        if not state.get("rounds"):
            first()
        return {"rounds": 1}

    builder = StateGraph(State)
    builder.add_node("work", work)
    builder.add_node("ask", ask)
    builder.add_edge(START, "work")
    builder.add_conditional_edges("work", lambda state: "ask" if state["rounds"] >= ROUNDS else "work", ["ask", "work"])
    builder.add_edge("ask", END)
    compiled: Any = builder.compile(checkpointer=saver)
    graph = LoadedGraph(name="long", description="", compiled=compiled, form=inputs.read(compiled, None))
    return LangGraphEngine(registry=Registry(graphs={"long": graph}, saver=saver))


def task_and_lease(leases: Leases) -> tuple[Task, Lease]:
    task = a_task(graph="long", inputs={})
    return task, Lease(
        thread_id=task.thread_id, token=leases.take(task.thread_id)["configurable"][FENCING_TOKEN], until=NOON
    )


async def test_a_long_thread_is_pruned_while_it_waits_and_still_takes_its_answer(saver: Saver, leases: Leases) -> None:
    task, lease = task_and_lease(leases)
    engine = engine_on(saver)

    waiting = await engine.start(task, lease, NOON)

    assert waiting.phase is Phase.WAITING
    kept = [each async for each in saver.alist({"configurable": {"thread_id": task.thread_id}})]
    assert len(kept) == 1
    ended = await engine.resume(task, lease, waiting.asked[0].interrupt_id, True, NOON)
    assert ended.phase is Phase.DONE


async def test_a_database_that_is_gone_once_a_step_has_run_leaves_it_unknown_whether_the_step_acted(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engines.langgraph.checkpoints.patience.MAX_SECONDS", 0.5)
    redis_server.start()
    leases = Leases()
    async with redis_saver(redis_server.url, leases.fence) as saver:
        task, lease = task_and_lease(leases)

        with pytest.raises(Unsaved) as unsaved:
            await engine_on(saver, first=redis_server.kill).start(task, lease, NOON)

    assert unsaved.value.failure.unsaved


async def test_a_database_that_is_gone_before_any_step_is_no_failure_at_all(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.engines.langgraph.checkpoints.patience.MAX_SECONDS", 0.5)
    redis_server.start()
    leases, ran = Leases(), list[bool]()
    async with redis_saver(redis_server.url, leases.fence) as saver:
        task, lease = task_and_lease(leases)
        engine = engine_on(saver, first=lambda: ran.append(True))
        redis_server.kill()

        with pytest.raises(Unreachable):
            await engine.start(task, lease, NOON)

    assert not ran


async def test_a_database_that_is_away_for_a_moment_while_a_step_runs_costs_nothing(
    redis_server: RedisServer,
) -> None:
    """It is back before the save is given up; the step is run once."""
    redis_server.start()
    loop, leases, ran = asyncio.get_running_loop(), Leases(), list[bool]()
    async with redis_saver(redis_server.url, leases.fence) as saver:
        task, lease = task_and_lease(leases)

        def away() -> None:
            ran.append(True)
            redis_server.kill()
            loop.call_soon_threadsafe(loop.call_later, 1.0, redis_server.start)

        standing = await engine_on(saver, first=away).start(task, lease, NOON)

    assert standing.phase is Phase.WAITING
    assert ran == [True]


async def test_a_database_that_a_graph_uses_itself_fails_the_graph(saver: Saver, leases: Leases) -> None:
    task, lease = task_and_lease(leases)

    def unreachable() -> None:
        raise ConnectionError("the graph's own Redis is gone")

    standing = await engine_on(saver, first=unreachable).start(task, lease, NOON)

    assert standing.phase is Phase.FAILED
    assert standing.failure is not None
    assert standing.failure.summary == "ConnectionError"
