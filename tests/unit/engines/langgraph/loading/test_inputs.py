"""Words that a person typed, as a graph's inputs."""

from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from bot.approvals.model.errors import InvalidInputs
from bot.approvals.model.ids import JSON
from bot.engines.langgraph.loading import inputs
from tests.unit.engines.langgraph.loading.input_forms import FORM, form_of, parsed, problem


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
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
    ],
)
def test_a_word_becomes_a_value_of_its_inputs_type(name: str, word: str, value: JSON) -> None:
    assert parsed(**{name: word})[name] == value


@pytest.mark.parametrize(
    ("name", "word", "sentence"),
    [
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
    ],
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
