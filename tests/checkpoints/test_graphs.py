"""What LangGraph keeps besides values: questions at any depth, answers not yet used, what was sent, and its past."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict

from bot.engines.langgraph.checkpoints import sqlite_saver
from tests.checkpoints.savers import Leases, Saver


class State(TypedDict, total=False):
    done: Annotated[list[Any], operator.add]
    item: Any


class Approval(BaseModel):
    approved: bool


def chain(saver: Saver | None, **nodes: Any) -> Any:
    builder = StateGraph(State)
    previous = START
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(previous, name)
        previous = name
    return builder.compile(checkpointer=saver)


def asking(question: Any, **how: Any) -> Any:
    return lambda _: {"done": [interrupt(question, **how)]}


@pytest.mark.parametrize("schema", [Approval, bool, {"type": "object", "x": ["lc", 2]}])
async def test_a_question_keeps_its_schema_and_its_id(saver: Saver, other: Saver, leases: Leases, schema: Any) -> None:
    config, nodes = leases.take("thread"), {"ask": asking("Pay?", response_schema=schema)}
    result = await chain(saver, **nodes).ainvoke({"done": []}, config, durability="sync")
    (asked,) = result["__interrupt__"]

    (read,) = (await chain(other, **nodes).aget_state(config)).interrupts

    assert asked.response_schema is not None
    assert read == asked
    assert read.response_schema == asked.response_schema


async def test_parallel_tasks_that_were_sent_are_answered_one_by_one(
    saver: Saver, other: Saver, leases: Leases
) -> None:
    def fan(state: State) -> Any:
        return [Send("ask", {"item": item}) for item in ((1, "a"), (2, "b"), (3, "c"))]

    builder = StateGraph(State)
    builder.add_node("ask", lambda state: {"done": [(state["item"], interrupt(state["item"]))]})
    builder.add_conditional_edges(START, fan, ["ask"])
    here, there = builder.compile(checkpointer=saver), builder.compile(checkpointer=other)
    config = leases.take("thread")
    await here.ainvoke({"done": []}, config, durability="sync")
    asked = {interrupt.value: interrupt.id for interrupt in (await there.aget_state(config)).interrupts}

    for value, id in reversed(asked.items()):
        await there.ainvoke(Command(resume={id: f"yes to {value}"}), config, durability="sync")
        here, there = there, here

    state = await there.aget_state(config)
    assert set(asked) == {(1, "a"), (2, "b"), (3, "c")}
    assert state.values["done"] == [((n, c), f"yes to {(n, c)}") for n, c in ((1, "a"), (2, "b"), (3, "c"))]
    assert state.interrupts == ()


async def test_a_question_two_graphs_deep_is_read_and_answered(saver: Saver, other: Saver, leases: Leases) -> None:
    def nested(saver: Saver) -> Any:
        inner = chain(None, first=asking("first"), second=asking("second"))
        return chain(saver, before=lambda _: {"done": ["before"]}, outer=chain(None, middle=inner))

    config = leases.take("thread")
    await nested(saver).ainvoke({"done": []}, config, durability="sync")
    for question, answer in (("first", "one"), ("second", "two")):
        state = await nested(other).aget_state(config, subgraphs=True)
        (asked,) = state.interrupts
        assert asked.value == question
        assert state.tasks[0].state.tasks[0].state.tasks[0].interrupts == (asked,)
        await nested(other).ainvoke(Command(resume={asked.id: answer}), config, durability="sync")

    state = await nested(saver).aget_state(config)
    assert state.next == ()
    assert state.values["done"][-2:] == ["one", "two"]


async def test_an_answer_outlives_a_node_that_failed_on_it(saver: Saver, other: Saver, leases: Leases) -> None:
    broken = [True]

    def pay(state: State) -> State:
        answer = interrupt("Pay?")
        if broken:
            raise RuntimeError("the bank is closed")
        return {"done": [answer]}

    config = leases.take("thread")
    await chain(saver, pay=pay).ainvoke({"done": []}, config, durability="sync")
    (asked,) = (await chain(saver, pay=pay).aget_state(config)).interrupts
    with pytest.raises(RuntimeError):
        await chain(saver, pay=pay).ainvoke(Command(resume={asked.id: (1, "yes")}), config, durability="sync")
    kept = await other.aget_tuple(config)
    broken.clear()
    await chain(other, pay=pay).ainvoke(None, config, durability="sync")

    assert kept is not None
    assert ("__resume__", [(1, "yes")]) in [(channel, value) for _, channel, value in kept.pending_writes or []]
    assert (await chain(saver, pay=pay).aget_state(config)).values == {"done": [(1, "yes")]}


async def test_the_past_of_the_root_is_listed_without_that_of_its_subgraphs(saver: Saver, leases: Leases) -> None:
    graph = chain(saver, inner=chain(None, ask=asking("inner")), after=asking("after"))
    config = leases.take("thread")
    await graph.ainvoke({"done": []}, config, durability="sync")
    (asked,) = (await graph.aget_state(config)).interrupts
    await graph.ainvoke(Command(resume={asked.id: 1}), config, durability="sync")

    history = [state async for state in graph.aget_state_history(config)]
    newest = [state async for state in graph.aget_state_history(config, limit=1)]
    older = [state async for state in graph.aget_state_history(config, before=history[0].config)]

    assert [state.next for state in history] == [("after",), ("inner",), (START,)]
    assert newest == history[:1]
    assert older == history[1:]
    assert {state.config["configurable"]["checkpoint_ns"] for state in history} == {""}


async def test_a_pruned_thread_keeps_its_question_and_goes_on(saver: Saver, other: Saver, leases: Leases) -> None:
    def count(state: State) -> State:
        return {"done": [len(state["done"])]}

    builder = StateGraph(State)
    builder.add_node("count", count)
    builder.add_node("inner", chain(None, ask=asking("Enough?")))
    builder.add_edge(START, "count")
    builder.add_conditional_edges("count", lambda state: "inner" if len(state["done"]) > 9 else "count")
    builder.add_edge("inner", END)
    config = leases.take("thread")
    await builder.compile(checkpointer=saver).ainvoke({"done": []}, config, durability="sync")
    (asked,) = (await builder.compile(checkpointer=saver).aget_state(config)).interrupts

    await saver.aprune(["thread"], strategy="keep_latest")

    left = [
        entry.config["configurable"]["checkpoint_ns"]
        async for entry in other.alist({"configurable": {"thread_id": "thread"}})
    ]
    graph = builder.compile(checkpointer=other)
    assert len(left) == len(set(left)) == 2
    assert (await graph.aget_state(config)).interrupts == (asked,)
    await graph.ainvoke(Command(resume={asked.id: "yes"}), config, durability="sync")
    assert (await graph.aget_state(config)).values["done"][-1] == "yes"


async def started(saver: Saver, leases: Leases) -> RunnableConfig:
    """The config of the one checkpoint of a thread."""
    held = leases.take("thread")["configurable"] | {"checkpoint_ns": ""}
    config = RunnableConfig(configurable=held)
    put = await saver.aput(config, empty_checkpoint(), {"source": "loop", "step": 1, "parents": {}}, {})
    return RunnableConfig(configurable={**held, **put["configurable"]})


async def test_of_a_tasks_results_the_first_count_and_of_its_answers_the_last(saver: Saver, leases: Leases) -> None:
    config = await started(saver, leases)

    for turn in ("first", "second"):
        await saver.aput_writes(config, [("done", turn)], "task")
        await saver.aput_writes(config, [("__resume__", [turn])], "task")
    found = await saver.aget_tuple(config)

    assert found is not None
    assert sorted((channel, value) for _, channel, value in found.pending_writes or []) == [
        ("__resume__", ["second"]),
        ("done", "first"),
    ]


async def test_writes_are_read_in_the_order_in_which_langgraph_applies_them(saver: Saver, leases: Leases) -> None:
    config = await started(saver, leases)

    await saver.aput_writes(config, [("done", n) for n in range(12)], "a", "~2")
    await saver.aput_writes(config, [("done", n) for n in range(12)], "b", "~1")
    found = await saver.aget_tuple(config)

    assert found is not None
    expected = [(task, "done", n) for task in ("b", "a") for n in range(12)]
    assert found.pending_writes == expected


async def test_pruning_leaves_no_writes_of_what_it_took(tmp_path: Path) -> None:
    leases = Leases()
    async with sqlite_saver(tmp_path / "checkpoints.sqlite", leases.fence) as saver:
        first = await started(saver, leases)
        await saver.aput_writes(first, [("done", 1)], "task")
        last = await started(saver, leases)
        await saver.aput_writes(last, [("done", 2)], "task")

        await saver.aprune(["thread"])

        rows = await (await saver.conn.execute("SELECT checkpoint_id FROM writes")).fetchall()
        assert [id for (id,) in rows] == [last["configurable"]["checkpoint_id"]]
