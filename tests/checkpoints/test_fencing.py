"""A run writes only while it holds its thread's lease."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from bot.engines.langgraph.checkpoints import LeaseLost
from tests.checkpoints.savers import Leases, Saver


class State(TypedDict, total=False):
    done: Annotated[list[str], operator.add]


class Payment:
    """A graph that asks, pays and books; what happens while it pays is up to the test."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.meanwhile: Any = None

    def on(self, saver: Saver) -> Any:
        builder = StateGraph(State)
        builder.add_node("ask", self._ask)
        builder.add_node("pay", self._pay)
        builder.add_node("book", self._book)
        builder.add_edge(START, "ask")
        builder.add_edge("ask", "pay")
        builder.add_edge("pay", "book")
        return builder.compile(checkpointer=saver)

    def _ask(self, state: State) -> State:
        return {"done": [interrupt("Pay?")]}

    async def _pay(self, state: State) -> State:
        self.effects.append("paid")
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return {"done": ["paid"]}

    def _book(self, state: State) -> State:
        self.effects.append("booked")
        return {"done": ["booked"]}


async def test_a_run_whose_lease_was_taken_over_saves_nothing_and_its_successor_runs_once(
    saver: Saver, other: Saver, leases: Leases
) -> None:
    payment = Payment()
    overtaken, taking_over = payment.on(saver), payment.on(other)
    config = leases.take("thread")
    await overtaken.ainvoke({"done": []}, config, durability="sync")
    (asked,) = (await overtaken.aget_state(config)).interrupts

    async def take_over() -> None:
        """As if the process had been stopped in the node, for longer than its lease."""
        await taking_over.ainvoke(None, leases.take("thread"), durability="sync")

    payment.meanwhile = take_over

    with pytest.raises(LeaseLost):
        await overtaken.ainvoke(Command(resume={asked.id: "yes"}), config, durability="sync")

    assert payment.effects == ["paid", "paid", "booked"]
    state = await taking_over.aget_state(config)
    assert state.values == {"done": ["yes", "paid", "booked"]}
    assert state.next == ()


async def test_nobody_writes_without_the_token_of_the_lease(saver: Saver, leases: Leases) -> None:
    held = leases.take("thread")
    held["configurable"]["checkpoint_ns"] = ""
    none = RunnableConfig(configurable={"thread_id": "thread", "checkpoint_ns": "", "checkpoint_id": "1"})
    leases.take("thread")
    held["configurable"]["checkpoint_id"] = "1"

    for config in (held, none):
        with pytest.raises(LeaseLost):
            await saver.aput(config, empty_checkpoint(), {"source": "loop", "step": 1, "parents": {}}, {})
        with pytest.raises(LeaseLost):
            await saver.aput_writes(config, [("done", ["paid"])], "task")

    assert await saver.aget_tuple(RunnableConfig(configurable={"thread_id": "thread", "checkpoint_ns": ""})) is None


async def test_a_run_that_is_cancelled_writes_nothing_more(saver: Saver, other: Saver, leases: Leases) -> None:
    payment = Payment()
    graph, config = payment.on(saver), leases.take("thread")
    await graph.ainvoke({"done": []}, config, durability="sync")
    (asked,) = (await graph.aget_state(config)).interrupts
    paying = asyncio.Event()

    async def forever() -> None:
        paying.set()
        await asyncio.Event().wait()

    payment.meanwhile = forever
    run = asyncio.create_task(graph.ainvoke(Command(resume={asked.id: "yes"}), config, durability="sync"))
    await paying.wait()
    before = [entry async for entry in other.alist(config)]

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    after = [entry async for entry in other.alist(config)]
    assert [entry.config for entry in after] == [entry.config for entry in before]
    assert [entry.pending_writes for entry in after] == [entry.pending_writes for entry in before]
