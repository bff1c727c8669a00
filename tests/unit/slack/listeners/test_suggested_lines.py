"""Whatever is wrong with a line: the line that is suggested instead starts the graph if it is pasted as it stands."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel, Field, WithJsonSchema
from typing_extensions import TypedDict

from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.errors import InvalidInputs
from bot.approvals.model.ids import JSON
from bot.engines.langgraph.loading import registry
from bot.engines.langgraph.loading.inputs import LoadedForm
from bot.engines.langgraph.loading.registry import LoadedGraph
from bot.slack import markup, quotes
from bot.slack.refusals import suggestion, worded
from tests.support.examples import examples
from tests.support.fakes.engine import FakeEngine
from tests.support.fakes.world import FIRST, RITA, a_world, question
from tests.unit.engines.langgraph.loading.input_forms import form_of
from tests.unit.slack.listeners.test_task_command import Desk

ROOT = Path(__file__).parents[4]


class Level(Enum):
    LOW = "low"
    HIGH = "very high"


class Address(BaseModel):
    street: str
    zip: Annotated[str, Field(pattern=r"^\d{5}$")]


def one_of(*pairs: tuple[JSON, str]) -> Any:
    return WithJsonSchema({"oneOf": [{"const": value, "title": title} for value, title in pairs]})


class Enumerated(TypedDict):
    level: Level
    mode: NotRequired[Annotated[Literal["fast", "slow"], Field(default="slow")]]


class Mixed(TypedDict):
    number: Literal[1, "two", None]


class Constant(TypedDict):
    kind: Annotated[Any, WithJsonSchema({"const": 7})]


class Ranges(TypedDict):
    count: Annotated[int, Field(ge=5, le=7)]
    share: Annotated[float, Field(gt=0, lt=1)]
    step: Annotated[int, Field(ge=3, multiple_of=7)]


class Flag(TypedDict):
    sure: bool
    must: Annotated[bool, WithJsonSchema({"type": "boolean", "const": True})]


class Dated(TypedDict):
    day: Annotated[str, WithJsonSchema({"type": "string", "format": "date", "pattern": r"^20\d\d-\d\d-\d\d$"})]


class Listed(TypedDict):
    tags: Annotated[list[Annotated[str, Field(min_length=3)]], Field(min_length=2)]
    colours: Annotated[list[Any], WithJsonSchema({"type": "array", "minItems": 2, "uniqueItems": True,
                                                  "items": {"enum": ["red", "blue"]}})]  # fmt: skip


class Nested(TypedDict):
    address: Address
    rest: dict[str, int]


class Patterned(TypedDict):
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{4}( x)?$")]
    host: Annotated[str, Field(pattern=r"^(www|api)\.[a-z]+\.example$")]


class Titled(TypedDict):
    size: Annotated[Any, one_of(("s", "Small"), ("l", "Large"))]
    grade: Annotated[Any, one_of((1, "First"), (2, "Second"))]


class Either(TypedDict):
    when: int | Literal["never"]
    whole: Annotated[Any, WithJsonSchema({"allOf": [{"type": "integer"}, {"minimum": 3}]})]
    any: Annotated[Any, WithJsonSchema({"oneOf": [{"type": "integer", "minimum": 2}, {"type": "boolean"}]})]


class Quoted(TypedDict):
    said: Annotated[str, Field(examples=['say "hi", don\'t shout'])]
    ticks: Annotated[str, Field(examples=["`rm`", "plain"])]
    wrong: Annotated[int, Field(examples=["many", 3])]


STATES = {
    each.__name__.lower(): each
    for each in (Enumerated, Mixed, Constant, Ranges, Flag, Dated, Listed, Nested, Patterned, Titled, Either, Quoted)
}
ODD = {
    **{name: form_of(TypedDict("Whole", {"result": str}), state) for name, state in STATES.items()},  # type: ignore[operator]
    "spaced": LoadedForm(
        inputs=tuple(Input(name=name, schema={"type": "string"}, required=True) for name in ("my key", "other")),
        schema={"properties": {"my key": {"type": "string"}}, "required": ["my key", "other"]},
    ),
}


class Engine(FakeEngine):
    """The fake engine, with graphs that are read as the real one reads them."""

    forms: Mapping[str, LoadedForm]

    def graphs(self) -> tuple[Graph, ...]:
        return tuple(
            LoadedGraph(name=name, description="", compiled=None, form=form).listed()
            for name, form in self.forms.items()
        )

    async def parse_inputs(self, graph: str, words: Mapping[str, str]) -> Mapping[str, JSON]:
        return self.forms[graph].parse(graph, words)


@dataclass
class Bench:
    desk: Desk
    engine: Engine

    async def starts(self, line: str) -> bool:
        before = await self._tasks()
        said = await self.desk.type(line.removeprefix("/task "))
        return said == "" and await self._tasks() == before + 1

    async def _tasks(self) -> int:
        return len(await self.desk.world.storage.tasks_of(RITA, 1000))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with a_world() as world:
        engine = Engine({FIRST: question()})
        engine.forms = ODD
        world.engine = engine
        world.be_born()
        yield Bench(Desk(world), engine)


def pasted(said: str) -> str:
    """The suggested line, as somebody copies it from Slack."""
    found = re.search(r"(?:Try:|Did you mean) `([^`]+)`", said)
    assert found is not None, said
    return markup.typed(found[1])


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("wrong", ["{} ghost=1", "{} word", '{} a="b', "{} a=1 a=2", "{}x"])
async def test_the_suggested_line_of_an_odd_graph_starts_it(bench: Bench, name: str, wrong: str) -> None:
    said = await bench.desk.type(wrong.format(name))

    line = pasted(said)
    assert line.startswith(f"/task {name}")
    assert await bench.starts(line), line


async def test_the_lines_of_the_help_start_their_graphs(bench: Bench) -> None:
    help = await bench.desk.type("help")

    listed = [markup.typed(line) for line in re.findall(r"• `(/task [^`]+)`", help)]
    started = [line for line in listed if line.split()[1] in ODD]
    assert len(started) == len(ODD)
    for line in started:
        assert await bench.starts(line), line


async def test_the_suggested_line_of_each_shipped_graph_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    """With the folders and files that the demo has."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "customers.csv").write_text("name,number\nAda,7\n")
    for name in ("CLEANUP_ROOT", "BATCH_ROOT", "MAIL_OUTBOX", "PUBLISH_ROOT", "INTAKE_ROOT"):
        monkeypatch.setenv(name, str(tmp_path))
    async with registry.loaded(ROOT / "langgraph.json", ROOT, InMemorySaver()) as found:
        bench.engine.forms = {name: each.form for name, each in found.graphs.items() if not each.unavailable}
        assert {"cleanup", "payment", "email", "publish", "batch", "intake"} <= set(bench.engine.forms)
        for name in bench.engine.forms:
            line = pasted(await bench.desk.type(f"{name} ghost=1"))
            assert line.startswith(f"/task {name} ")
            assert await bench.starts(line), line


async def test_the_values_of_an_enumeration_are_named(bench: Bench) -> None:
    assert (await bench.desk.type("enumerated ghost=1")).endswith(
        "Try: `/task enumerated level=low mode=slow`. `level` is low or very high. `mode` is fast or slow."
    )
    assert (await bench.desk.type("titled word")).endswith(
        "Try: `/task titled size=s grade=1`. `size` is s or l. `grade` is 1 or 2."
    )


def test_of_many_values_the_first_are_named() -> None:
    said = suggestion("/task a", {"n": tuple(map(str, range(20))), "free": ()})

    assert said == "Try: `/task a`. `n` is 0, 1, 2, 3, 4, 5, 6, 7 or one of 12 more."


def test_a_line_that_the_graphs_own_check_refuses_is_no_more_than_an_example() -> None:
    def check(values: dict[str, JSON]) -> None:
        raise ValueError("there is no such file")

    class Named(TypedDict):
        path: str

    with pytest.raises(InvalidInputs) as refused:
        form_of(TypedDict("Whole", {"result": str}), Named, check).parse("clean", {"path": "x"})  # type: ignore[operator]

    assert worded(refused.value) == (
        "`clean` did not start: there is no such file. A line looks like this: `/task clean path=STRING`"
    )


SMALL, FEW = st.integers(-50, 50), st.integers(0, 9)
VALUES = st.lists(st.integers(0, 99) | st.text("ab -.'", min_size=1), min_size=1)
CLASSES = st.sampled_from(["[a-z]", r"\d", "[^ ]", "(x|y)"])
SCHEMAS: st.SearchStrategy[dict[str, JSON]] = st.one_of(
    st.builds(lambda values: {"enum": values}, VALUES),
    st.builds(lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more}, SMALL, FEW),
    st.builds(lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more}, FEW, FEW),
    st.builds(lambda size: {"type": "array", "minItems": size, "items": {"type": "boolean"}}, FEW),
    st.builds(lambda few, of: {"type": "string", "pattern": f"^{of}{{{few},}}$"}, FEW, CLASSES),
    st.just({"type": ["null", "number"]}),
)


@examples(60)
@given(st.dictionaries(st.sampled_from("abcdef"), SCHEMAS, min_size=1))
def test_the_example_of_any_schema_is_read_back(properties: dict[str, JSON]) -> None:
    schemas: list[Any] = list(properties.items())
    inputs = tuple(Input(name=name, schema=schema, required=True) for name, schema in schemas)
    form = LoadedForm(inputs=inputs, schema={"type": "object", "properties": properties})

    _, graph, *pairs = quotes.split(form.example("odd"))

    words = dict(pair.split("=", 1) for pair in pairs)
    assert graph == "odd"
    assert set(form.parse("odd", words)) == set(properties)
