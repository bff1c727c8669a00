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


def parsed(**words: str) -> dict[str, JSON]:
    return FORM.parse("clean", {"path": "logs"} | words)


def problem(form: LoadedForm = FORM, /, **words: str) -> Mapping[str, str]:
    with pytest.raises(InvalidInputs) as refused:
        form.parse("clean", words)
    return refused.value.problems
