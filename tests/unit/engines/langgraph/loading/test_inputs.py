"""Words that a person typed, as a graph's inputs."""

from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from bot.approvals.model.errors import InvalidInputs
from bot.approvals.model.ids import JSON
from bot.engines.langgraph.loading import inputs
from tests.unit.engines.langgraph.loading.input_forms import FORM, MISFITS, WORDS, form_of, parsed, problem


@pytest.mark.parametrize(
    ("name", "word", "value"),
    WORDS,
)
def test_a_word_becomes_a_value_of_its_inputs_type(name: str, word: str, value: JSON) -> None:
    assert parsed(**{name: word})[name] == value


@pytest.mark.parametrize(
    ("name", "word", "sentence"),
    MISFITS,
)
def test_a_word_that_is_no_such_value_is_refused_by_name(name: str, word: str, sentence: str) -> None:
    assert problem(**{"path": "logs", name: word}) == {name: sentence}


def test_what_does_not_match_its_pattern_is_told_in_the_words_of_its_description() -> None:
    class Amount(BaseModel):
        amount: str = Field(pattern=r"^\d+$", description="Digits alone.")
        code: str = Field(default="", pattern=r"^[A-Z]$")

    builder: StateGraph[Any, Any, Any, Any] = StateGraph(Amount)
    builder.add_node("pay", lambda state: {})
    builder.add_edge(START, "pay")

    found = problem(inputs.read(builder.compile(), None), amount="ten", code="a")

    assert found == {
        "amount": "cannot be `ten`: it has to look like 12. Digits alone",
        "code": "cannot be `a`: it has to look like A",
    }


def test_everything_that_is_wrong_is_said_at_once_with_a_right_line() -> None:
    with pytest.raises(InvalidInputs) as refused:
        FORM.parse("clean", {"size": "1", "count": "x"})

    assert set(refused.value.problems) == {"size", "count", "path"}
    assert refused.value.problems["path"] == "is missing"
    assert refused.value.problems["size"].startswith("is not an input of it; it takes `path`, `count`, ")
    assert refused.value.graph == "clean"
    assert refused.value.example == '/task clean path="my logs" count=3 dry=true'


def test_a_default_is_shown_and_left_to_the_graph() -> None:
    by_name = {given.name: given for given in FORM.inputs}

    assert (by_name["count"].default, by_name["count"].required) == (3, False)
    assert (by_name["path"].required, by_name["path"].description) == (True, "The folder")
    assert parsed() == {"path": "logs"}


def test_the_results_of_a_graph_are_not_its_inputs() -> None:
    assert "result" not in {given.name for given in FORM.inputs}


def test_a_graph_of_one_state_requires_nothing_of_it() -> None:
    class All(TypedDict):
        path: str
        result: str

    form = form_of(All)

    assert [given.required for given in form.inputs] == [False, False]
    assert form.parse("clean", {}) == {}


def test_a_graph_that_takes_nothing_says_so() -> None:
    assert problem(inputs.EMPTY, path="x") == {"path": "is not an input of it; it takes none"}
