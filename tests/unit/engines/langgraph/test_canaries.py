"""Canaries: each private thing of LangGraph that the engine relies on is there, and does what is relied on.

Where one of these fails after an upgrade, the place that it names has to be looked at before anything else.
"""

from __future__ import annotations

import inspect
import sqlite3
import threading
from types import SimpleNamespace
from typing import Any

import aiosqlite
import pytest
from langchain_core.runnables import RunnableConfig
from langgraph._internal._constants import (
    CONFIG_KEY_STRICT_RESUME,
    ERROR,
    INTERRUPT,
    NS_END,
    NS_SEP,
    NULL_TASK_ID,
    RESUME,
)
from langgraph.checkpoint.base import WRITES_IDX_MAP, CheckpointTuple, get_checkpoint_metadata, writes_sort_key
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.redis.aio import AsyncRedisSaver
from langgraph.checkpoint.redis.key_registry import AsyncCheckpointKeyRegistry
from langgraph.checkpoint.redis.util import to_storage_safe_id, to_storage_safe_str
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.errors import GraphDrained, UnknownInterruptError
from langgraph.graph import START, StateGraph
from langgraph.pregel._algo import should_interrupt
from langgraph.pregel._checkpoint import versions_seen_without_bumps
from langgraph.pregel._task_status import CONTROL_WRITES
from langgraph.runtime import RunControl
from langgraph.types import Command, Interrupt, Send, _interrupt_id, interrupt
from pydantic import BaseModel, PrivateAttr
from typing_extensions import TypedDict

from bot.engines.langgraph.checkpoints import FENCING_TOKEN


class State(TypedDict, total=False):
    first: Any
    second: Any


def thread(**more: Any) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": "thread", CONFIG_KEY_STRICT_RESUME: True, **more})


def compiled(ask: Any, inside: bool = False) -> Any:
    """A graph whose node, or whose subgraph's node, is this one."""
    builder = StateGraph(State)
    builder.add_node("ask", ask)
    builder.add_edge(START, "ask")
    if not inside:
        return builder.compile(checkpointer=InMemorySaver())
    outer = StateGraph(State)
    outer.add_node("outer", builder.compile())
    outer.add_edge(START, "outer")
    return outer.compile(checkpointer=InMemorySaver())


def twice(state: State) -> State:
    return {"first": interrupt("first"), "second": interrupt("second")}


async def kept(graph: Any, config: RunnableConfig) -> CheckpointTuple:
    found: CheckpointTuple | None = await graph.checkpointer.aget_tuple(config)
    assert found is not None
    return found


async def test_a_strict_resume_of_an_unknown_interrupt_is_refused_and_stores_nothing() -> None:
    graph = compiled(twice)
    await graph.ainvoke({}, thread(), durability="sync")
    before = await kept(graph, thread())

    with pytest.raises(UnknownInterruptError) as refused:
        await graph.ainvoke(Command(resume={"0" * 32: "yes"}), thread(), durability="sync")

    assert refused.value.reason == "not_pending"
    assert await kept(graph, thread()) == before


@pytest.mark.parametrize("inside", [False, True], ids=["in the root", "in a subgraph"])
async def test_an_interrupts_id_is_made_of_its_tasks_namespace_and_its_place_in_the_node(inside: bool) -> None:
    graph = compiled(twice, inside)
    for place in range(2):
        state = await graph.aget_state(thread(), subgraphs=True)
        given: Any = Command(resume={state.interrupts[0].id: "yes"}) if state.interrupts else {}
        await graph.ainvoke(given, thread(), durability="sync")
        state = await graph.aget_state(thread(), subgraphs=True)
        (task,) = state.tasks
        namespace = f"{task.name}{NS_END}{task.id}"
        if inside:
            (below,) = task.state.tasks
            assert task.state.config["configurable"]["checkpoint_ns"] == namespace
            namespace = f"{namespace}{NS_SEP}{below.name}{NS_END}{below.id}"

        assert [asked.id for asked in state.interrupts] == [_interrupt_id(namespace, place)]


async def test_an_answer_is_kept_as_a_list_under_its_task_until_the_step_is_done() -> None:
    graph = compiled(twice)
    await graph.ainvoke({}, thread(), durability="sync")
    (asked,) = (await graph.aget_state(thread())).interrupts

    await graph.ainvoke(Command(resume={asked.id: "yes"}), thread(), durability="sync")

    (task,) = (await graph.aget_state(thread())).tasks
    writes = (await kept(graph, thread())).pending_writes or []
    assert [value for id, channel, value in writes if (id, channel) == (task.id, RESUME)] == [["yes"]]
    assert [value[0].value for id, channel, value in writes if (id, channel) == (task.id, INTERRUPT)] == ["second"]


async def test_a_node_that_failed_after_its_answer_keeps_answer_and_error_and_still_lists_its_question() -> None:
    def fail(state: State) -> State:
        interrupt("first")
        raise RuntimeError("broken")

    graph = compiled(fail)
    await graph.ainvoke({}, thread(), durability="sync")
    (asked,) = (await graph.aget_state(thread())).interrupts
    with pytest.raises(RuntimeError, match="broken"):
        await graph.ainvoke(Command(resume={asked.id: "yes"}), thread(), durability="sync")

    state = await graph.aget_state(thread())
    (task,) = state.tasks
    writes = (await kept(graph, thread())).pending_writes or []
    assert state.interrupts == (asked,)
    assert task.error is not None
    assert {channel for id, channel, _ in writes if id == task.id} >= {RESUME, ERROR}


def test_the_writes_that_are_no_results_are_known() -> None:
    assert {ERROR, INTERRUPT, RESUME} <= set(CONTROL_WRITES)
    assert not {"first", "__pregel_tasks", "__return__"} & set(CONTROL_WRITES)
    assert set(WRITES_IDX_MAP) >= {ERROR, INTERRUPT, RESUME}


def test_no_task_has_the_id_of_none() -> None:
    assert NULL_TASK_ID == "00000000-0000-0000-0000-000000000000"


async def test_a_run_that_is_to_drain_stops_at_a_steps_boundary_and_goes_on_from_there() -> None:
    control, ran = RunControl(), []

    def first(state: State) -> State:
        control.request_drain()
        ran.append("first")
        return {"first": 1}

    def second(state: State) -> State:
        ran.append("second")
        return {"second": 2}

    builder = StateGraph(State)
    builder.add_node("one", first)
    builder.add_node("two", second)
    builder.add_edge(START, "one")
    builder.add_edge("one", "two")
    graph = builder.compile(checkpointer=InMemorySaver())

    with pytest.raises(GraphDrained):
        await graph.ainvoke({}, thread(), durability="sync", control=control)
    assert ran == ["first"]

    await graph.ainvoke(None, thread(), durability="sync")
    assert ran == ["first", "second"]


async def test_the_fencing_token_reaches_the_saver_of_every_namespace_and_no_metadata() -> None:
    class Watched(InMemorySaver):
        tokens: list[Any]
        kept: list[Any]

        async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
            self.tokens.append(config["configurable"].get(FENCING_TOKEN))
            self.kept.append(get_checkpoint_metadata(config, metadata))
            return await super().aput(config, checkpoint, metadata, new_versions)

        async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
            self.tokens.append(config["configurable"].get(FENCING_TOKEN))
            await super().aput_writes(config, writes, task_id, task_path)

    saver = Watched()
    saver.tokens, saver.kept = [], []
    graph = compiled(twice, inside=True).copy(update={"checkpointer": saver})

    await graph.ainvoke({}, thread(**{FENCING_TOKEN: 7}), durability="sync")

    assert set(saver.tokens) == {7}
    assert all(FENCING_TOKEN not in metadata for metadata in saver.kept)
    assert {namespace for _, namespace in ((t, n) for t in saver.storage for n in saver.storage[t])} != {""}


async def test_what_a_saver_raises_while_it_writes_ends_the_run() -> None:
    class Refused(Exception):
        pass

    class Refusing(InMemorySaver):
        async def aput_writes(self, *_: Any, **__: Any) -> None:
            raise Refused

    with pytest.raises(Refused):
        await compiled(twice).copy(update={"checkpointer": Refusing()}).ainvoke({}, thread(), durability="sync")


def test_writes_are_ordered_by_path_task_and_place() -> None:
    assert writes_sort_key("path", "task", 10) == ("path", "task", 10)


def test_a_sent_packet_and_an_interrupt_have_the_parts_that_are_kept() -> None:
    assert Send.__slots__ == ("node", "arg", "timeout")
    assert list(Interrupt.__dataclass_fields__) == ["value", "id", "response_schema"]


def test_langgraphs_strict_serializer_gives_back_data_for_a_class_that_is_not_its_own() -> None:
    class Model(BaseModel):
        a: int

    serializer = JsonPlusSerializer(allowed_msgpack_modules=None)

    assert serializer.loads_typed(serializer.dumps_typed(Model(a=1))) == {"a": 1}


def test_a_pydantic_model_can_be_filled_without_its_validators() -> None:
    class Model(BaseModel):
        a: int
        _b: int = PrivateAttr(default=2)

    made = Model.__new__(Model)
    made.__setstate__(
        {
            "__dict__": {"a": "unchecked"},
            "__pydantic_extra__": None,
            "__pydantic_fields_set__": {"a"},
            "__pydantic_private__": {"_b": 2},
        }
    )

    assert made.model_dump(warnings=False) == {"a": "unchecked"}
    assert (made._b, made.model_fields_set) == (2, {"a"})
    assert Model.__private_attributes__["_b"].get_default() == 2


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("asetup", []),
        ("_load_checkpoint", ["checkpoint", "channel_values", "pending_sends"]),
        ("_aload_pending_writes", ["thread_id", "checkpoint_ns", "checkpoint_id"]),
        ("_abatch_load_pending_writes", ["batch_keys"]),
        ("_aload_pending_sends", ["thread_id", "checkpoint_ns", "parent_checkpoint_id"]),
        ("_abatch_load_pending_sends", ["batch_keys"]),
        ("aget_channel_values", ["thread_id", "checkpoint_ns", "checkpoint_id", "channel_versions"]),
        ("_make_redis_checkpoint_key", ["thread_id", "checkpoint_ns", "checkpoint_id"]),
        ("_make_redis_checkpoint_latest_key", ["thread_id", "checkpoint_ns"]),
        ("_make_redis_checkpoint_writes_key", ["thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx"]),
        ("aprune", ["thread_ids", "strategy", "keep_last", "max_results"]),
    ],
)
def test_the_redis_saver_has_the_methods_that_ours_replaces_or_calls(method: str, parameters: list[str]) -> None:
    signature = inspect.signature(getattr(AsyncRedisSaver, method))

    assert list(signature.parameters) == ["self", *parameters]


@pytest.mark.parametrize("reader", [AsyncRedisSaver.aget_tuple, AsyncRedisSaver.alist])
def test_the_redis_saver_reads_through_what_ours_replaces(reader: Any) -> None:
    source = inspect.getsource(reader)

    assert "self._load_checkpoint(" in source
    assert "load_pending_writes(" in source
    assert "serde" not in source


def test_the_redis_saver_keeps_its_keys_in_a_registry() -> None:
    key = AsyncCheckpointKeyRegistry.make_write_keys_zset_key("thread", "", "1")

    assert key.startswith("write_keys_zset:thread:")
    assert inspect.iscoroutinefunction(AsyncCheckpointKeyRegistry.get_write_keys)
    assert to_storage_safe_str("") != ""
    assert to_storage_safe_id("") != ""


async def test_the_sqlite_saver_has_the_tables_and_the_connection_that_ours_uses() -> None:
    async with aiosqlite.connect(":memory:") as connection:
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        columns = {
            table: {row[1] for row in await (await connection.execute(f"PRAGMA table_info({table})")).fetchall()}
            for table in ("checkpoints", "writes")
        }
        turned: Any = connection._execute(lambda: (threading.get_ident(), connection._conn))  # type: ignore[no-untyped-call]
        thread_id, raw = await turned

    place = {"thread_id", "checkpoint_ns", "checkpoint_id"}
    assert saver.conn is connection
    assert saver.is_setup
    assert columns["checkpoints"] == {*place, "parent_checkpoint_id", "type", "checkpoint", "metadata"}
    assert columns["writes"] == {*place, "task_id", "task_path", "idx", "channel", "type", "value"}
    assert isinstance(raw, sqlite3.Connection)
    assert thread_id != threading.get_ident()


@pytest.mark.parametrize("stop", ["interrupt_before", "interrupt_after"])
async def test_where_a_static_breakpoint_stopped_a_graph_can_be_asked_again(stop: str) -> None:
    builder = StateGraph(State)
    for name in ("one", "two"):
        builder.add_node(name, lambda state: {"first": 1})
    builder.add_edge(START, "one")
    builder.add_edge("one", "two")
    node = "two" if stop == "interrupt_before" else "one"
    graph = builder.compile(checkpointer=InMemorySaver(), **{stop: [node]})  # type: ignore[arg-type]

    await graph.ainvoke({}, thread(), durability="sync")
    checkpoint = (await kept(graph, thread())).checkpoint
    tasks: Any = [SimpleNamespace(name=node, config={"tags": ()})]

    assert should_interrupt(checkpoint, [node], tasks) == tasks
    assert should_interrupt(checkpoint, ["other"], tasks) == []
    assert set(versions_seen_without_bumps(checkpoint["versions_seen"])) >= {"one"}
    assert "two" not in versions_seen_without_bumps(checkpoint["versions_seen"])
