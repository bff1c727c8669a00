"""Every value comes back as it was put, with its type, whoever wrote it."""

from __future__ import annotations

import sys
import uuid
from collections import deque
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import ormsgpack
import pytest
from hypothesis import HealthCheck, example, given, settings
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import SecretStr
from typing_extensions import TypedDict

from bot.approvals.model.errors import Unreachable
from bot.engines.langgraph.checkpoints import UnknownType, lost
from bot.engines.langgraph.checkpoints.serializer import FORMAT, Kind, TypedSerializer
from tests.checkpoints import values
from tests.checkpoints.savers import Leases, Saver
from tests.checkpoints.values import HOSTILE, Ledger, Transfer, anything, nested, same

on_one_store = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


class State(TypedDict, total=False):
    kept: Any
    answer: Any


def asking(value: Any, saver: Saver) -> Any:
    """A graph that keeps a value, asks with it, and keeps what is answered."""

    def keep(state: State) -> State:
        return {"kept": value}

    def ask(state: State) -> State:
        return {"answer": interrupt(value)}

    builder = StateGraph(State)
    builder.add_node("keep", keep)
    builder.add_node("ask", ask)
    builder.add_edge(START, "keep")
    builder.add_edge("keep", "ask")
    return builder.compile(checkpointer=saver)


@given(value=anything)
@example(value=nested(300, "l"))
@example(value=nested(300, "d"))
@example(value=nested(300, "ltdn"))
@example(value=HOSTILE)
@on_one_store
async def test_state_questions_and_answers_come_back_as_they_were(
    saver: Saver, other: Saver, leases: Leases, value: Any
) -> None:
    graph, elsewhere = asking(value, saver), asking(value, other)
    config = leases.take(str(uuid.uuid4()))

    await graph.ainvoke({"kept": "nothing yet"}, config, durability="sync")
    waiting = await elsewhere.aget_state(config)
    (asked,) = waiting.interrupts
    await elsewhere.ainvoke(Command(resume={asked.id: value}), config, durability="sync")
    done = await graph.aget_state(config)

    assert same(waiting.values["kept"], value)
    assert same(asked.value, value)
    assert same(done.values["answer"], value)
    assert same(done.values["kept"], value)


@given(value=anything)
@on_one_store
async def test_a_checkpoint_and_its_writes_come_back_as_they_were(
    saver: Saver, other: Saver, leases: Leases, value: Any
) -> None:
    config = leases.take(str(uuid.uuid4()))
    config["configurable"]["checkpoint_ns"] = ""
    checkpoint = {**empty_checkpoint(), "channel_values": {"kept": value}}

    put = await saver.aput(config, checkpoint, {"source": "loop", "step": 1, "parents": {}}, {})  # type: ignore[arg-type]
    within = RunnableConfig(configurable={**config["configurable"], **put["configurable"]})
    await saver.aput_writes(within, [("kept", value), ("more", [value])], "task")
    found = await other.aget_tuple(put)
    listed = [entry async for entry in other.alist(put)]

    assert found is not None
    assert same(found.checkpoint["channel_values"], {"kept": value})
    assert same(found.pending_writes, [("task", "kept", value), ("task", "more", [value])])
    assert same(listed[0].checkpoint, found.checkpoint)
    assert same(listed[0].pending_writes, found.pending_writes)


@pytest.mark.parametrize(
    "value",
    [
        2**64,
        -(2**70),
        float("nan"),
        b"x",
        bytearray(b"x"),
        (),
        {1: {(1, 2): "a"}},
        {uuid.UUID(int=1): 1},
        {(1, 2)},
        deque([1], maxlen=3),
        "\ud800",
        {"\ud800": 1},
        Decimal("310.10"),
        timedelta(days=1, microseconds=1),
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        values.Colour.BLUE,
        {values.Word.YES: values.Level.LOW},
        values.Right.READ | values.Right.WRITE,
        values.Point(1, (2,)),
        values.Payment(amount=(1,), cur="CHF", more={1}),
    ],
    ids=repr,
)
def test_each_kind_of_value_comes_back(value: Any) -> None:
    serializer = TypedSerializer()

    assert same(serializer.loads_typed(serializer.dumps_typed(value)), value)
    assert same(serializer.loads_typed(serializer.dumps_typed([value])), [value]) or isinstance(value, bytearray)


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_nothing_is_imported_or_made_for_what_data_says(value: Any) -> None:
    serializer = TypedSerializer()

    back = serializer.loads_typed(serializer.dumps_typed({"args": value}))

    assert same(back, {"args": value})
    assert "this" not in sys.modules


def test_a_class_comes_back_without_its_code_being_run_again() -> None:
    serializer, ledger = TypedSerializer(), Ledger(["a"])

    back = serializer.loads_typed(serializer.dumps_typed(ledger))

    assert back == ledger
    assert back.entries == ["a", "opened"]
    assert back.opened


def test_a_class_that_nobody_could_find_again_is_refused_when_it_is_put() -> None:
    class Local(Enum):
        ONE = 1

    with pytest.raises(TypeError, match="could not be found again"):
        TypedSerializer().dumps_typed([Local.ONE])


def test_a_value_without_a_form_is_refused_when_it_is_put() -> None:
    with pytest.raises(TypeError, match="function"):
        TypedSerializer().dumps_typed({"deep": [(lambda: None,)]})


def test_a_value_whose_type_would_be_lost_is_refused_when_it_is_put() -> None:
    with pytest.raises(TypeError, match="SecretStr cannot be kept"):
        TypedSerializer().dumps_typed({"token": SecretStr("secret")})


def test_a_class_that_is_gone_reaches_the_domain_as_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"graphs\.gone\.Transfer, which is not loaded"), lost():
        raise UnknownType("graphs.gone.Transfer")


def test_a_class_that_is_gone_is_an_error_and_not_a_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    serializer = TypedSerializer()
    kept = serializer.dumps_typed(Transfer(Decimal(1)))
    monkeypatch.delattr(values, "Transfer")

    with pytest.raises(UnknownType, match=r"values\.Transfer, which is not loaded: import it where"):
        serializer.loads_typed(kept)


def test_a_name_that_is_no_class_of_data_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    serializer = TypedSerializer()
    format, content = serializer.dumps_typed(Transfer("x"))
    called = []

    class Anything:
        def __setattr__(self, name: str, value: object) -> None:
            called.append(name)

        def __new__(cls) -> Any:
            called.append("made")

    for other in (print, Anything):
        monkeypatch.setattr(values, "Transfer", other)
        with pytest.raises(UnknownType):
            serializer.loads_typed((format, content))
    assert called == []


def test_a_module_that_is_not_loaded_is_not_imported_for_a_value() -> None:
    forged = ormsgpack.packb(ormsgpack.Ext(Kind.DATACLASS.value, ormsgpack.packb(["this", "c", {}])))

    with pytest.raises(UnknownType):
        TypedSerializer().loads_typed((FORMAT, forged))
    assert "this" not in sys.modules


@pytest.mark.parametrize("format", ["json", "pickle", "jsonplus"])
def test_bytes_that_revive_from_words_are_not_read(format: str) -> None:
    with pytest.raises(UnknownType):
        TypedSerializer().loads_typed((format, b'{"lc": 2, "type": "constructor", "id": ["this", "c"]}'))


def test_the_format_of_the_bytes_is_ours() -> None:
    assert TypedSerializer().dumps_typed({"a": 1})[0] == FORMAT
