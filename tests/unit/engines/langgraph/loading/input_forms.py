"""Forms of graphs, and what is read of a line."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired

import pytest
from langgraph.graph import START, StateGraph
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from bot.approvals.model.errors import InvalidInputs
from bot.approvals.model.ids import JSON
from bot.engines.langgraph.loading import inputs
from bot.engines.langgraph.loading.inputs import LoadedForm


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Owner(BaseModel):
    name: str
    level: int = 1


class Asked(TypedDict):
    path: Annotated[str, Field(description="The folder", examples=["my logs"])]
    count: NotRequired[Annotated[int, Field(default=3, ge=1)]]
    share: NotRequired[float]
    dry: NotRequired[Annotated[bool, Field(default=True)]]
    color: NotRequired[Color]
    mode: NotRequired[Literal["fast", "slow"]]
    maybe: NotRequired[int | None]
    either: NotRequired[int | str]
    tags: NotRequired[list[str]]
    owner: NotRequired[Owner]
    deputy: NotRequired[Owner | None]
    anything: NotRequired[Any]


class State(Asked):
    result: NotRequired[str]


def node(state: Any) -> dict[str, Any]:
    return {}


def form_of(state: Any, given: Any = None, check: inputs.InputCheck | None = None) -> LoadedForm:
    builder: StateGraph[Any, Any, Any, Any] = (
        StateGraph(state) if given is None else StateGraph(state, input_schema=given)
    )
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    return inputs.read(builder.compile(), check)


FORM = form_of(State, Asked)

WORDS: list[tuple[str, str, JSON]] = [
    ("path", "12", "12"),
    ("path", "", ""),
    ("count", "7", 7),
    ("share", "0.5", 0.5),
    ("share", "2", 2.0),
    *[("dry", word, True) for word in ("true", "Yes", "ON", "1")],
    *[("dry", word, False) for word in ("false", "No", "OFF", "0")],
    ("color", "red", "red"),
    ("mode", "slow", "slow"),
    ("maybe", "4", 4),
    ("either", "4", 4),
    ("either", "four", "four"),
    ("tags", '["a", "b"]', ["a", "b"]),
    ("owner", '{"name": "eve"}', {"name": "eve"}),
    ("deputy", '{"name": "eve"}', {"name": "eve"}),
    ("anything", "as it is", "as it is"),
]
"""An input, a word for it, and its value."""

MISFITS: list[tuple[str, str, str]] = [
    ("count", "many", "cannot be `many`: it has to be a whole number, such as 3"),
    ("count", "1.5", "cannot be `1.5`: it has to be a whole number, such as 3"),
    ("count", str(2**63), f"cannot be `{2**63}`: it has to be a whole number, such as 3"),
    ("count", "9" * 5000, f"cannot be `{'9' * 40}…`: it has to be a whole number, such as 3"),
    ("count", "0", "cannot be `0`: it has to be 1 or more, such as 3"),
    ("share", "half", "cannot be `half`: it has to be a number, such as 12.5"),
    ("share", "nan", "cannot be `nan`: it has to be a number, such as 12.5"),
    ("share", "-inf", "cannot be `-inf`: it has to be a number, such as 12.5"),
    ("share", "1e999", "cannot be `1e999`: it has to be a number, such as 12.5"),
    ("dry", "maybe", "cannot be `maybe`: it has to be yes or no"),
    ("color", "pink", "cannot be `pink`: it has to be one of these: red, blue"),
    ("mode", "warp", "cannot be `warp`: it has to be one of these: fast, slow"),
    ("maybe", "x", "cannot be `x`: it has to be a whole number, such as 12"),
    ("tags", "a,b", 'cannot be `a,b`: it has to be a list in JSON, such as ["a", "b"]'),
    ("tags", "[NaN]", 'cannot be `[NaN]`: it has to be a list in JSON, such as ["a", "b"]'),
    ("tags", "[1e999]", 'cannot be `[1e999]`: it has to be a list in JSON, such as ["a", "b"]'),
    ("tags", "[1]", "is not right at entry 1: it has to be a text, such as abc"),
    ("owner", '{"level": 2}', 'also needs "name"'),
    ("deputy", "eve", "cannot be `eve`: it has to be an object in JSON"),
]
"""An input, a word that it does not take, and what is said of it."""


def parsed(**words: str) -> dict[str, JSON]:
    return FORM.parse("clean", {"path": "logs"} | words)


def problem(form: LoadedForm = FORM, /, **words: str) -> Mapping[str, str]:
    with pytest.raises(InvalidInputs) as refused:
        form.parse("clean", words)
    return refused.value.problems
