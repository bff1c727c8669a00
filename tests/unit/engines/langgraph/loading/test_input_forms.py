"""Every way of writing a state has a form, and a right line that is read back as what it shows."""

import operator
import sys
import typing
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Annotated, Any, NotRequired

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from bot.approvals.model.agent import Input
from bot.approvals.model.ids import JSON
from bot.engines.langgraph.containment import Broken
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.inputs import LoadedForm
from bot.slack import quotes
from tests.unit.engines.langgraph.loading.input_forms import (
    Asked,
    State,
    form_of,
    problem,
)


class Tutorial(typing.TypedDict):
    """As all tutorials write it: Pydantic takes none of it below Python 3.12."""

    path: Annotated[str, Field(description="The folder")]
    days: Annotated[int, Field(default=30)]
    seen: Annotated[list[str], operator.add]


class Part(typing.TypedDict):
    name: str


class TutorialInput(typing.TypedDict):
    path: str
    days: NotRequired[Annotated[int, Field(default=30)]]
    parts: NotRequired[list[Part]]


@dataclass
class Plain:
    path: str
    days: int = 30
    tags: list[str] = field(default_factory=list)


class Model(BaseModel):
    path: str
    days: int = 30
    tags: list[str] = []


@pytest.mark.parametrize("state", [Tutorial, Plain, Model])
def test_each_way_of_writing_a_state_has_a_form(state: Any) -> None:
    form = form_of(state)

    by_name = {given.name: given for given in form.inputs}
    assert list(by_name)[:2] == ["path", "days"]
    assert by_name["days"].default == 30
    assert form.parse("clean", {"path": "logs", "days": "7"}) == {"path": "logs", "days": 7}
    assert problem(form, path="logs", days="x") == {"days": "cannot be `x`: it has to be a whole number, such as 30"}


@pytest.mark.parametrize("given", [TutorialInput, Plain, Model])
def test_an_input_schema_of_its_own_says_what_is_required(given: Any) -> None:
    form = form_of(State, given)

    assert {each.name for each in form.inputs if each.required} == {"path"}
    assert problem(form) == {"path": "is missing"}
    assert form.parse("clean", {"path": "logs"}) == {"path": "logs"}


def test_an_entrypoint_has_a_form_also_where_it_takes_no_object() -> None:
    @entrypoint()
    def takes_text(text: str) -> str:
        return text

    @entrypoint()
    def takes_model(given: Model) -> str:
        return given.path

    form = inputs.read(takes_text, None)

    assert [(each.name, each.required) for each in form.inputs] == [("input", True)]
    assert form.given(form.parse("say", {"input": "hello"})) == "hello"
    assert [each.name for each in inputs.read(takes_model, None).inputs] == ["path", "days", "tags"]


def test_a_conversation_is_begun_with_a_sentence() -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("answer", lambda state: {"messages": []})
    builder.add_edge(START, "answer")

    form = inputs.read(builder.compile(), None)

    assert [(each.name, each.required, each.schema["type"]) for each in form.inputs] == [("messages", True, "string")]
    assert form.example("chat") == '/task chat messages="please tidy up"'
    parsed = form.parse("chat", {"messages": "hello"})
    assert parsed == {"messages": "hello"}, "what a person typed is what is shown"
    assert form.given(parsed) == {"messages": [{"role": "user", "content": "hello"}]}
    assert problem(form) == {"messages": "is missing"}


# --- A graph's own objections -------------------------------------------------------------------------


def test_a_graphs_own_check_is_asked_last_and_its_sentence_is_shown() -> None:
    asked: list[dict[str, JSON]] = []

    def check(values: dict[str, JSON]) -> None:
        asked.append(values)
        if values["path"] == "/":
            raise ValueError("not the root, please")

    form = form_of(State, Asked, check)

    assert problem(form, path="/") == {"": "not the root, please"}
    assert problem(form, path="/", count="x") == {"count": "cannot be `x`: it has to be a whole number, such as 3"}
    assert form.parse("clean", {"path": "a", "count": "2"}) == {"path": "a", "count": 2}
    assert (asked[0], asked[-1]) == ({"path": "/"}, {"path": "a", "count": 2})


def test_a_check_that_has_a_bug_is_not_taken_for_a_refusal() -> None:
    def check(values: dict[str, JSON]) -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        form_of(State, Asked, check).parse("clean", {"path": "a"})


# --- The right line -----------------------------------------------------------------------------------


def an_input(name: str, schema: dict[str, JSON], default: JSON = None) -> Input:
    return Input(name=name, schema=schema, required=True, default=default)


def test_an_input_without_example_or_default_is_shown_by_its_type_and_without_marks_of_slacks() -> None:
    form = LoadedForm(inputs=(an_input("path", {"type": "string"}), an_input("x", {})), schema={})

    assert form.example("clean") == "/task clean path=STRING x=VALUE"


class Order(BaseModel):
    item: str
    amount: int
    approved: bool
    note: str = ""
    paid: bool = False
    human_feedback: str | None = None
    reviewer: str


@dataclass
class OrderClass:
    item: str
    amount: int
    approved: bool
    reviewer: str
    note: str = ""
    decision: str = "none"


class OrderDict(TypedDict):
    item: str
    amount: int
    approved: bool
    notes: Annotated[list[str], operator.add]
    decision: NotRequired[str]


@pytest.mark.parametrize("state", [Order, OrderClass, OrderDict])
async def test_who_starts_a_graph_of_one_state_is_not_asked_for_what_people_are_to_decide(state: Any) -> None:
    """What is asked is what the class requires; the suggested line starts it, and nothing is approved by then."""
    seen: list[Any] = []

    def look(state: Any) -> dict[str, str]:
        seen.append(state)
        return {"item": "seen"}

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(state)
    builder.add_node("look", look)
    builder.add_edge(START, "look")
    graph: Any = builder.compile()
    form = inputs.read(graph, None)

    assert not {"approved", "paid", "human_feedback", "reviewer", "decision"} & {each.name for each in form.inputs}
    assert problem(form, item="x", amount="1", approved="yes").keys() == {"approved"}
    line = form.example("order")
    assert line.startswith("/task order item=STRING amount=1")
    await graph.ainvoke(form.given(form.parse("order", typed(line))))
    (found,) = seen
    assert not (found.get("approved") if isinstance(found, dict) else found.approved)


def test_what_a_pydantic_or_data_class_requires_is_required() -> None:
    for state in (Order, OrderClass):
        form = form_of(state)
        assert {each.name for each in form.inputs if each.required} == {"item", "amount"}
        assert problem(form) == {"item": "is missing", "amount": "is missing"}


def typed(line: str) -> dict[str, str]:
    """The words of a line, as the command reads them."""
    _, *pairs = quotes.split(line.removeprefix("/task "))
    return {name: word for name, _, word in (pair.partition("=") for pair in pairs)}


class Size(Enum):
    SMALL = "small"


class Given(typing.TypedDict):
    item: str
    size: Size


@dataclass
class GivenClass:
    item: str
    amount: Annotated[int, Field(ge=10)]
    on: date


class GivenModel(BaseModel):
    item: str
    tags: list[str]
    inner: dict[str, int]


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (Given, dict),
        (GivenClass, GivenClass),
        (GivenModel, GivenModel),
        (GivenClass | None, GivenClass),
        (dict, dict),
        (dict[str, Any], dict),
        (None, str),
        (Any, str),
        (object, str),
        (str, str),
        (int, int),
        (list[str], list),
        (str | None, str),
    ],
)
async def test_an_entrypoint_of_any_annotation_is_started_with_the_line_that_is_suggested(
    hint: Any, kind: type[Any]
) -> None:
    taken: list[Any] = []

    def graph(given):  # type: ignore[no-untyped-def]
        taken.append(given)

    graph.__annotations__ = {} if hint is None else {"given": hint}
    made: Any = entrypoint()(graph)
    form = inputs.read(made, None)

    await made.ainvoke(form.given(form.parse("say", typed(form.example("say")))))

    assert isinstance(taken[0], kind)


@pytest.mark.parametrize("hint", [dict, dict[str, Any], None])
def test_an_entrypoint_that_takes_any_object_is_given_what_was_named(hint: Any) -> None:
    def graph(given):  # type: ignore[no-untyped-def]
        return given

    graph.__annotations__ = {} if hint is None else {"given": hint}
    form = inputs.read(entrypoint()(graph), None)

    assert form.given(form.parse("say", {"item": "x", "many": "[1, 2]"})) == {"item": "x", "many": [1, 2]}
    assert form.given(form.parse("say", {"input": '{"item": 1}'})) == {"item": 1}
    assert problem(form) == {"input": "is missing"}


def test_what_an_entrypoints_class_refuses_is_said_by_name() -> None:
    @entrypoint()
    def graph(given: GivenClass) -> None: ...

    form = inputs.read(graph, None)

    assert problem(form, item="x", amount="3", on="2030-01-01").keys() == {"amount"}
    assert problem(form, item="x", amount="30", on="tomorrow").keys() == {"on"}


def test_a_check_that_tries_to_end_the_process_is_a_bug_of_the_graph() -> None:
    with pytest.raises(Broken):
        form_of(State, Asked, lambda values: sys.exit(1)).parse("clean", {"path": "a"})


def test_a_check_that_nobody_would_wait_for_is_refused() -> None:
    async def check(values: dict[str, JSON]) -> None: ...

    with pytest.raises(TypeError, match="plain function"):
        form_of(State, Asked, check)  # type: ignore[arg-type]


@given(st.one_of(st.text(alphabet="ab \"'=[],\\"), st.lists(st.text(alphabet="ab \"'"), max_size=2), st.integers()))
def test_the_right_line_is_read_back_as_what_it_shows(value: JSON) -> None:
    if isinstance(value, str) and "'" in value and '"' in value:
        value = value.replace("'", "")
    kind = {str: "string", list: "array", int: "integer"}[type(value)]
    schema: dict[str, JSON] = {"type": kind, "examples": [value]}
    form = LoadedForm(inputs=(an_input("given", schema),), schema={})
    line = form.example("clean").removeprefix("/task ")

    graph, pair = quotes.split(line)

    name, _, word = pair.partition("=")
    assert (graph, name) == ("clean", "given")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return
    assert form.parse("clean", {name: word}) == {"given": value}
