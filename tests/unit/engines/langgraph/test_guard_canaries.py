"""Canaries: each private thing of LangGraph that the guard relies on is there, and does what is relied on."""

from __future__ import annotations

import inspect
from typing import Any

import langgraph.types
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import (
    CONFIG_KEY_CHECKPOINT_NS,
    CONFIG_KEY_SCRATCHPAD,
    CONFIG_KEY_SEND,
    CONFIG_KEY_STRICT_RESUME,
    INTERRUPT,
    RESUME,
    TASKS,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_config
from langgraph.errors import is_invalid_resume
from langgraph.graph import START, StateGraph
from langgraph.types import Command, Send, _validate_resume, interrupt
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from bot.engines.langgraph import guard


class State(TypedDict, total=False):
    first: Any


def at(thread: str = "t") -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": thread, CONFIG_KEY_STRICT_RESUME: True})


def graph(node: Any, name: str = "ask", saver: Any = None) -> Any:
    builder = StateGraph(State)
    builder.add_node(name, node)
    builder.add_edge(START, name)
    return builder.compile(checkpointer=saver or InMemorySaver())


def test_interrupt_is_a_plain_function_whose_code_can_be_replaced() -> None:
    """Also by those who imported it before; the old body stays callable."""
    guard.install()

    assert langgraph.types.interrupt is interrupt
    assert list(inspect.signature(interrupt).parameters) == ["value", "response_schema"]
    assert interrupt.__closure__ is None
    assert interrupt.__kwdefaults__ == {"response_schema": None}
    assert "_countersign_interrupt" in interrupt.__code__.co_names


def test_installing_twice_installs_once() -> None:
    guard.install()
    code = interrupt.__code__
    guard.install()

    assert interrupt.__code__ is code


async def test_a_node_is_given_a_scratchpad_a_sender_and_its_namespace() -> None:
    """The scratchpad's list of answers can be changed; each execution has a counter of its own."""
    seen: list[Any] = []

    def look(state: State) -> State:
        configurable = get_config()["configurable"]
        seen.append(configurable)
        return {}

    await graph(look).ainvoke({}, at())

    pad = seen[0][CONFIG_KEY_SCRATCHPAD]
    assert isinstance(pad.resume, list)
    assert [pad.interrupt_counter(), pad.interrupt_counter()] == [0, 1]
    assert callable(seen[0][CONFIG_KEY_SEND])
    assert seen[0][CONFIG_KEY_CHECKPOINT_NS].startswith("ask:")


async def test_what_stands_in_place_of_an_answer_is_stored_as_it_is() -> None:
    """LangGraph's strict check takes it, hands it to the node if nobody guards that, and keeps it in the checkpoint."""
    got: list[Any] = []

    def ask(state: State) -> State:
        got.append(interrupt("first"))
        interrupt("second")
        return {}

    saver = InMemorySaver()
    asking = graph(ask, saver=saver)
    (asked,) = (await asking.ainvoke({}, at(), durability="sync"))["__interrupt__"]
    await asking.ainvoke(Command(resume={asked.id: guard.HELD}), at(), durability="sync")

    kept = await saver.aget_tuple(at())
    assert kept is not None
    assert got == [guard.HELD]
    assert [value for _, channel, value in kept.pending_writes or [] if channel == RESUME] == [[guard.HELD]]


async def test_a_paused_task_holds_its_question_under_its_own_id() -> None:
    def ask(state: State) -> State:
        return {"first": interrupt("first")}

    saver = InMemorySaver()
    asking = graph(ask, saver=saver)
    await asking.ainvoke({}, at(), durability="sync")

    kept = await saver.aget_tuple(at())
    (listed,) = (await asking.aget_state(at())).tasks
    assert kept is not None
    assert [id for id, channel, _ in kept.pending_writes or [] if channel == INTERRUPT] == [listed.id]


async def test_a_renamed_node_reads_as_done_and_is_still_named_by_the_checkpoint() -> None:
    def ask(state: State) -> State:
        return {"first": interrupt("first")}

    saver = InMemorySaver()
    await graph(ask, saver=saver).ainvoke({}, at(), durability="sync")

    renamed = await graph(ask, name="other", saver=saver).aget_state(at())
    kept = await saver.aget_tuple(at())
    assert kept is not None
    assert (renamed.next, renamed.tasks) == ((), ())
    assert "branch:to:ask" in kept.checkpoint["channel_values"]


async def test_a_send_that_waits_stands_in_the_channel_of_tasks() -> None:
    def ask(given: Any) -> State:
        return {"first": interrupt("first")}

    saver = InMemorySaver()
    builder: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    node: Any = ask
    builder.add_node("ask", node)
    builder.add_conditional_edges(START, lambda _: [Send("ask", {"amount": 1})], ["ask"])
    sending: Any = builder.compile(checkpointer=saver)
    await sending.ainvoke({}, at(), durability="sync")

    kept = await saver.aget_tuple(at())
    assert kept is not None
    (send,) = kept.checkpoint["channel_values"][TASKS]
    assert (send.node, send.arg) == ("ask", {"amount": 1})


def test_an_answer_that_does_not_fit_its_schema_is_told_apart() -> None:
    with pytest.raises(ValidationError) as refused:
        _validate_resume(TypeAdapter(bool), "perhaps")

    assert is_invalid_resume(refused.value)
