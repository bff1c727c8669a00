"""Threads that stopped on the way: an edge raised, a process died, a run was drained or cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.errors import GraphDrained
from langgraph.graph import START, StateGraph
from langgraph.runtime import RunControl
from langgraph.types import interrupt

from bot.approvals.model.agent import Phase
from tests.unit.engines.langgraph.asking_nodes import DyingSaver, Node, Saver, asks, says
from tests.unit.engines.langgraph.threads import Faults, Said, Thread, chain, open_ids


def routed(node: Node, faults: Faults) -> StateGraph[Any, Any, Any, Any]:
    """A graph with a router after its node; it chooses a node that says so."""

    def router(state: Said) -> str:
        faults.here("router")
        return "after"

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    builder.add_node("ask", node)
    builder.add_node("after", says("!"))
    builder.add_edge(START, "ask")
    builder.add_conditional_edges("ask", router, ["after"])
    return builder


async def test_a_router_that_raised_after_the_answer_leaves_a_broken_thread_and_never_a_done_one(saver: Saver) -> None:
    thread = Thread.of(routed(asks("one"), Faults({"router"})), saver)
    id = open_ids(await thread.start())[0]

    status = await thread.answer(id, "A")

    assert (status.phase, status.asked, status.answered) == (Phase.BROKEN, (), frozenset())


async def test_the_first_router_of_a_graph_breaks_it_too(saver: Saver) -> None:
    faults = Faults({"router"})

    def router(state: Said) -> str:
        faults.here("router")
        return "say"

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Said)
    builder.add_node("say", says("!"))
    builder.add_conditional_edges(START, router, ["say"])
    thread = Thread.of(builder, saver)

    assert (await thread.start()).phase is Phase.BROKEN


async def test_a_router_that_raised_in_a_subgraph_breaks_the_thread(saver: Saver) -> None:
    thread = Thread.of(chain({"sub": routed(asks("one"), Faults({"router"})).compile(), "after": says("!")}), saver)
    id = open_ids(await thread.start())[0]

    status = await thread.answer(id, "A")

    assert (status.phase, status.asked) == (Phase.BROKEN, ())


async def test_a_process_that_died_between_a_nodes_end_and_the_next_step_left_it_stopped_and_not_done() -> None:
    saver = DyingSaver()
    thread = Thread.of(chain({"ask": asks("one"), "after": says("!")}), saver)
    id = open_ids(await thread.start())[0]
    saver.steps_to_live = 0

    stopped = await thread.answer(id, "A")

    assert (stopped.phase, stopped.asked, stopped.answered) == (Phase.STOPPED, (), frozenset())
    saver.revive()
    assert (await thread.proceed()).phase is Phase.DONE
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "A!"}


@pytest.mark.parametrize("steps", range(5))
async def test_wherever_in_a_subgraph_a_process_died_the_answer_is_taken_once_and_the_rest_is_run(steps: int) -> None:
    saver = DyingSaver()
    sub = chain({"ask": asks("one"), "then": says("s")}).compile()
    thread = Thread.of(chain({"sub": sub, "after": says("!")}), saver)
    id = open_ids(await thread.start())[0]
    saver.steps_to_live = steps

    status = await thread.answer(id, "A")

    saver.revive()
    while status.phase is not Phase.DONE:
        assert not status.asked, "its answer was stored with its node's end"
        status = await thread.proceed()
    assert (await thread.graph.aget_state(thread.config)).values == {"said": "As!"}


# --- Stopped ----------------------------------------------------------------------------------------


async def test_a_drained_run_is_stopped_between_two_steps_and_goes_on_from_there(saver: Saver) -> None:
    control = RunControl()

    def drains(state: Said) -> dict[str, str]:
        control.request_drain()
        return {"said": "a"}

    thread = Thread.of(chain({"first": drains, "second": says("b")}), saver)

    with pytest.raises(GraphDrained):
        await thread.start(control=control)

    assert (await thread.status()).phase is Phase.STOPPED
    assert (await thread.proceed()).phase is Phase.DONE


async def test_a_run_that_was_cancelled_in_a_later_node_is_stopped(saver: Saver) -> None:
    reached = asyncio.Event()
    hang = asyncio.Event()

    async def hangs(state: Said) -> dict[str, str]:
        reached.set()
        await hang.wait()
        return {"said": "!"}

    thread = Thread.of(chain({"ask": asks("one"), "hangs": hangs}), saver)
    id = open_ids(await thread.start())[0]
    run = asyncio.create_task(thread.answer(id, "A"))
    await reached.wait()

    run.cancel()
    await asyncio.wait([run])

    status = await thread.status()
    assert (status.phase, status.asked, status.answered) == (Phase.STOPPED, (), frozenset())
    hang.set()
    assert (await thread.proceed()).phase is Phase.DONE


async def test_a_run_that_was_cancelled_in_the_node_that_took_the_answer_is_asked_for_it_again(saver: Saver) -> None:
    reached = asyncio.Event()
    hang = asyncio.Event()

    async def hangs(state: Said) -> dict[str, str]:
        answer = interrupt("one")
        reached.set()
        await hang.wait()
        return {"said": answer}

    thread = Thread.of(chain({"ask": hangs}), saver)
    id = open_ids(await thread.start())[0]
    run = asyncio.create_task(thread.answer(id, "A"))
    await reached.wait()

    run.cancel()
    await asyncio.wait([run])

    status = await thread.status()
    assert (status.phase, open_ids(status)) == (Phase.WAITING, [id])
    hang.set()
    assert (await thread.answer(id, "A")).phase is Phase.DONE
