"""Whatever a graph hands to `interrupt()`, as JSON that loses nothing without a word."""

from __future__ import annotations

import dataclasses
import json
import math
import uuid
from collections import OrderedDict, deque, namedtuple
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from bot.approvals.ids import JSON
from bot.engine import payload

SURROGATE = "\ud800"


class Owner(BaseModel):
    name: str
    since: date


@dataclasses.dataclass(slots=True)
class Order:
    amount: Decimal
    owner: Owner


class Color(Enum):
    RED = 1


class Word(StrEnum):
    YES = "yes"


class Level(IntEnum):
    HIGH = 3


Pair = namedtuple("Pair", ["left", "right"])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, None),
        (True, True),
        (2**70, 2**70),
        (0.1, 0.1),
        ("ü", "ü"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (f"a{SURROGATE}b", "a?b"),
        (datetime(2030, 1, 2, 3, 4, tzinfo=UTC), "2030-01-02T03:04:00+00:00"),
        (date(2030, 1, 2), "2030-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(minutes=5), "0:05:00"),
        (Decimal("310.10"), "310.10"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (PurePosixPath("/a/b"), "/a/b"),
        (Color.RED, "Color.RED"),
        (Word.YES, "yes"),
        (Level.HIGH, 3),
        ((1, (2,)), [1, [2]]),
        (Pair(1, 2), [1, 2]),
        (deque([1]), [1]),
        ({2, 1}, [1, 2]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (b"ab", "2 bytes: 6162"),
        (bytearray(b"ab"), "2 bytes: 6162"),
        (memoryview(b"ab"), "2 bytes: 6162"),
        (Owner(name="eve", since=date(2030, 1, 2)), {"name": "eve", "since": "2030-01-02"}),
        (
            Order(amount=Decimal("1.50"), owner=Owner(name="eve", since=date(2030, 1, 2))),
            {"amount": "1.50", "owner": {"name": "eve", "since": "2030-01-02"}},
        ),
        ({"at": [{"deep": math.nan}]}, {"at": [{"deep": "nan"}]}),
    ],
)
def test_each_kind_of_value_is_said_in_json(value: Any, said: JSON) -> None:
    assert payload.to_json(value) == said


def test_a_type_is_named_and_not_taken_apart() -> None:
    assert payload.to_json(Order) == f"<class '{__name__}.Order'>"


def test_a_message_keeps_its_content() -> None:
    said = payload.to_json(HumanMessage("hello"))

    assert isinstance(said, dict)
    assert (said["type"], said["content"]) == ("human", "hello")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1: "number", "1": "text"}, {"1": "text", "1 (int)": "number"}),
        ({"1": "text", 1: "number"}, {"1": "text", "1 (int)": "number"}),
        ({True: "a", "True": "b"}, {"True": "b", "True (bool)": "a"}),
        ({None: "a", "None": "b"}, {"None": "b", "None (NoneType)": "a"}),
        ({1: "a", "1": "b", "1 (int)": "c"}, {"1": "b", "1 (int)": "c", "1 (int)'": "a"}),
        ({SURROGATE: "a", "?": "b"}, {"? (str)": "b", "?": "a"}),
        ({(1, 2): "a", "(1, 2)": "b"}, {"(1, 2)": "b", "(1, 2) (tuple)": "a"}),
        ({2: "b", 1: "a"}, {"2": "b", "1": "a"}),
    ],
)
def test_keys_of_one_name_stay_apart(value: dict[Any, Any], said: JSON) -> None:
    assert payload.to_json(value) == said


def test_long_bytes_that_differ_at_their_end_do_not_read_the_same() -> None:
    one, other = payload.to_json(bytes(1000) + b"a"), payload.to_json(bytes(1000) + b"b")

    assert isinstance(one, str)
    assert one != other
    assert one.startswith("1001 bytes: 0000")
    assert len(one) < 300


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters())
    | st.binary(max_size=80)
    | st.datetimes()
    | st.timedeltas()
    | st.decimals().filter(lambda number: not number.is_snan())
    | st.uuids()
    | st.just(SURROGATE)
)
keys = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just(SURROGATE) | st.tuples(st.integers())
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.frozensets(scalars, max_size=3)
    ),
    max_leaves=20,
)


def size(value: Any) -> int:
    """How many values are in it, at every depth."""
    if isinstance(value, dict):
        return 1 + sum(size(entry) for entry in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return 1 + sum(size(entry) for entry in value)
    return 1


@settings(max_examples=80)
@given(values)
def test_whatever_it_is_it_becomes_strict_json_without_surrogates_and_with_everything_in_it(value: Any) -> None:
    said = payload.to_json(value)

    text = json.dumps(said, allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
    assert json.loads(text) == said
    assert size(said) == size(value)


@settings(max_examples=50)
@given(values)
def test_what_is_json_already_stays_as_it_is(value: Any) -> None:
    said = payload.to_json(value)

    assert payload.to_json(said) == said
