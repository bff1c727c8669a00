"""Whatever a graph hands to `interrupt()`, as JSON that loses nothing without a word."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
import uuid
from collections import OrderedDict, deque, namedtuple
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import PurePosixPath
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from bot.approvals.model.ids import JSON
from bot.engines import payload, questions

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


@pytest.mark.heavy
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


# --- Nothing else has the same ----------------------------------------------------------------------


class Other(BaseModel):
    name: str
    since: date


class Hiding(BaseModel):
    shown: int
    hidden: int = pydantic.Field(default=0, exclude=True)


class Listing(pydantic.RootModel[list[int]]):
    def __iter__(self) -> Any:
        return iter(self.root)


DAY = date(2030, 1, 2)
MOMENT = datetime(2030, 10, 27, 2, 30, tzinfo=UTC)
DIFFERENT: list[list[Any]] = [
    [math.nan, "nan", "NaN", None],
    [math.inf, "inf", -math.inf],
    [1, 1.0, True, "1", Decimal(1), Level.HIGH],
    [0, 0.0, -0.0, False, "", None, [], {}],
    [(1, 2), [1, 2], {1, 2}, frozenset({1, 2}), deque([1, 2]), Pair(1, 2), Listing([1, 2]), "[1, 2]"],
    [b"ab", bytearray(b"ab"), "2 bytes: 6162"],
    [DAY, "2030-01-02", datetime(2030, 1, 2, tzinfo=UTC)],
    [MOMENT, MOMENT.replace(fold=1), MOMENT.replace(tzinfo=None), MOMENT.isoformat()],
    [{1: "a"}, {"1": "a"}, {True: "a"}, {1.0: "b"}, {"1 (int)": "a"}],
    [{1: "a", "1": "b"}, {"1": "b", "1 (int)": "a"}, {1: "b", "1": "a"}],
    [{"a": 1}, OrderedDict(a=1), [["a", 1]], [("a", 1)]],
    [
        Owner(name="e", since=DAY),
        Other(name="e", since=DAY),
        {"name": "e", "since": DAY},
        {"name": "e", "since": "2030-01-02"},
    ],
    [Hiding(shown=1), Hiding(shown=1, hidden=2), {"shown": 1}],
    [Word.YES, "yes"],
    [f"a{SURROGATE}", "a\udc00", "a?"],
    [{SURROGATE: 1}, {"\udc00": 1}, {"?": 1}],
    ["\ud83d\ude00", "😀"],
    [pydantic.SecretStr("a"), pydantic.SecretStr("b"), "**********"],
    [10**5000, 10**5000 + 1, hex(10**5000)],
    [2**53, 2**53 + 1, float(2**53)],
    [{"x": [1, (2,)]}, {"x": (1, [2])}, {"x": [1, [2]]}],
    [{"nan", math.nan}, {"nan"}, [math.nan, "nan"]],
    ["a\n[]", "a", ["a"]],
]


@pytest.mark.parametrize("group", DIFFERENT, ids=map(str, range(len(DIFFERENT))))
def test_no_two_values_have_the_same_exact_text(group: list[Any]) -> None:
    assert len({payload.exact(value) for value in group}) == len(group)


@pytest.mark.parametrize("group", DIFFERENT, ids=map(str, range(len(DIFFERENT))))
def test_no_two_values_have_the_same_digest_as_a_question(group: list[Any]) -> None:
    def digest(value: Any) -> str:
        said, types = payload.read({"question": "Do it?", "details": {"with": value}})
        return replace(questions.read(said), types=types).digest

    assert len({digest(value) for value in group}) == len(group)


@settings(max_examples=80)
@given(values)
def test_what_is_json_has_no_notes_and_its_canonical_json_as_exact_text(value: Any) -> None:
    said = payload.to_json(value)

    assert payload.read(said) == (said, ())
    assert payload.exact(said) == json.dumps(said, sort_keys=True, separators=(",", ":"))


@pytest.mark.heavy
@settings(max_examples=150)
@given(values, values)
def test_two_values_of_one_exact_text_are_equal_and_of_one_type(one: Any, two: Any) -> None:
    if payload.exact(one) == payload.exact(two):
        assert type(one) is type(two)
        assert repr(one) == repr(two) or one == two


@pytest.mark.heavy
def test_the_exact_text_is_the_same_in_every_process() -> None:
    code = "from bot.engines.payload import exact; print(exact({'nan', float('nan'), 'b', ('a',), 1}))"
    seeds = [{**os.environ, "PYTHONHASHSEED": str(seed)} for seed in (1, 2, 3)]
    written = {subprocess.run([sys.executable, "-c", code], env=env, capture_output=True).stdout for env in seeds}

    assert len(written) == 1
    assert written != {b""}
