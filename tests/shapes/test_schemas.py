"""Interrupts that say what their answer has to look like, Agent Inbox, and MCP's elicitation, through real graphs."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.engines import questions, schemas
from tests.shapes.agreement import Nothing
from tests.support.agent_stage import a_stage, asks

SILENCE = "Rejected: nobody answered by 2026-03-02 11:00 UTC."


class Address(BaseModel):
    city: str
    zip: str = Field(default="", pattern=r"^\d*$")


class Order(BaseModel):
    """What to order."""

    name: str = Field(description="As on the invoice", min_length=2)
    count: int = Field(ge=1)
    price: float | None = None
    express: bool = False
    kind: Literal["box", "bag"] = "box"
    on: date
    at: datetime | None = None
    tags: list[Literal["a", "b"]] = []
    to: Address


class Review(TypedDict):
    approved: bool
    feedback: str


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def _even(cls, number: int) -> int:
        if number % 2:
            raise ValueError("should be even")
        return number


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


ORDER: dict[str, JSON] = {"name": "Ann", "count": 2, "on": "2026-03-04", "to": {"city": "Berlin"}}


@pytest.mark.parametrize(
    ("schema", "verdict", "told"),
    [
        pytest.param(bool, Approve(), True, id="boolean, approved"),
        pytest.param(bool, Reject(reason="no"), False, id="boolean, rejected"),
        pytest.param({"type": "boolean"}, Reject(), False, id="boolean by JSON Schema"),
        pytest.param(Colour, Choose(choice="blue"), Colour.BLUE, id="enumeration"),
        pytest.param(Literal["a", "b"], Choose(choice="b"), "b", id="literal"),
        pytest.param(Literal[1, 2], Choose(choice="2"), 2, id="numbers to choose from"),
        pytest.param(int, Respond(value=7), 7, id="a number"),
        pytest.param(str, Respond(value="seven"), "seven", id="a text"),
        pytest.param(list[int], Respond(value=[1, 2]), [1, 2], id="a list"),
        pytest.param(Review, Respond(value={"approved": True, "feedback": "good"}),
                     {"approved": True, "feedback": "good"}, id="TypedDict"),
        pytest.param(Order, Respond(value=ORDER), Order.model_validate(ORDER), id="Pydantic"),
        pytest.param({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
                     Respond(value={"n": 1}), {"n": 1}, id="an object by JSON Schema"),
        pytest.param({}, Respond(value={"any": ["thing"]}), {"any": ["thing"]}, id="anything"),
        pytest.param({"type": 7}, Respond(value="whatever"), "whatever", id="a schema that is none"),
    ],
)  # fmt: skip
async def test_the_graph_is_given_the_value_that_its_schema_wants(
    tmp_path: Path, schema: Any, verdict: ItemVerdict, told: Any
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks("Tell me", schema, told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.vote(request, verdict)

        assert heard == [told]
        assert type(heard[0]) is type(told)
        assert await stage.is_delivered(request)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        pytest.param(bool, False, id="boolean"),
        pytest.param(bool | None, False, id="boolean or nothing"),
        pytest.param(Literal["go", "no"], "no", id="an enumeration with a word that says no"),
        pytest.param(int | None, None, id="a value or nothing"),
        pytest.param(Review, {"approved": False, "feedback": SILENCE}, id="an object with a yes"),
    ],
)
async def test_silence_is_the_value_that_says_no(tmp_path: Path, schema: Any, told: Any) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks("Tell me", schema, told=heard)) as stage:
        await stage.started()

        await stage.expire()

        assert heard == [told]


@pytest.mark.parametrize(
    "schema",
    [
        Order,
        int,
        str,
        Literal["eu", "us"],
        Literal["go", "stop"],
        {},
        {"title": "Anything"},
        Even,
        Nothing,
        {"type": "string", "enum": ["approve", "cancel"]},
        {"type": "object", "properties": {"approved": {"type": "string"}}},
        {"type": "object", "properties": {"approved": {"const": True}}},
        {"type": "object", "properties": {"approved": {"type": "boolean"}, "by": {}}, "required": ["by"]},
    ],
)
async def test_where_no_value_says_no_silence_ends_the_task(tmp_path: Path, schema: Any) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks("Tell me", schema, told=heard)) as stage:
        task = await stage.started()

        await stage.expire()

        assert heard == []
        assert (await stage.outcome(task)).startswith("Stopped: Nobody answered")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({**ORDER, "name": "A"}, "name"),
        ({**ORDER, "count": "two"}, "count"),
        ({**ORDER, "count": 0}, "count"),
        ({**ORDER, "on": "tomorrow"}, "on"),
        ({**ORDER, "on": "2026-02-30"}, "on"),
        ({**ORDER, "at": "2026-03-04"}, "at"),
        ({**ORDER, "at": "2026-03-04T25:00:00Z"}, "at"),
        ({**ORDER, "tags": ["c"]}, "tags"),
        ({**ORDER, "to": {"zip": "1"}}, "to"),
        ({**ORDER, "to": {"city": "B", "zip": "x"}}, "to"),
        ({key: value for key, value in ORDER.items() if key != "count"}, "count"),
        ("no form", ""),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused_at_its_field_and_not_stored(
    tmp_path: Path, value: JSON, field: str
) -> None:
    async with a_stage(tmp_path, asks("Tell me", Order)) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(InvalidAnswer) as refused:
            await stage.respond(request, value)

        assert refused.value.field == field
        assert await stage.storage.request(request.id) == request


@pytest.mark.parametrize("value", [9.3e18, -9.3e18, 2.0**53, 1.5, True])
def test_a_number_that_python_would_not_take_for_an_integer_is_none(value: JSON) -> None:
    assert not schemas.fits({"type": "integer"}, value)
    assert schemas.fits({"type": "integer"}, 3.0)
    assert schemas.fits({"type": "integer"}, 2**70)


async def test_a_form_has_no_references_left(tmp_path: Path) -> None:
    async with a_stage(tmp_path, asks({"question": "Where to?", "note": 1}, Order)) as stage:
        asked = (await stage.question(await stage.started())).question

        assert isinstance(asked.form, dict)
        assert asked.form["properties"]["to"]["properties"]["city"] == {"title": "City", "type": "string"}  # type: ignore[index,call-overload]
        assert "$ref" not in str(asked.form)
        assert (asked.title, asked.text, asked.items[0].arguments) == ("Where to?", "What to order.", {"note": 1})


async def test_an_answer_that_only_the_graph_can_refuse_comes_back_as_a_question_that_says_why(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks("An even number?", Even, told=heard)) as stage:
        task = await stage.started()
        first = await stage.question(task)

        await stage.respond(first, {"number": 3})

        again = await stage.question(task)
        assert (again.id, again.version, again.votes) == (first.id, 2, ())
        assert again.question.text.startswith("The graph did not take the last answer. number: ")
        assert "should be even" in again.question.text
        assert len(stage.messenger.of(MessageKind.CARD)) == 2

        await stage.respond(again, {"number": 4})

        assert heard == [Even(number=4)]
        assert await stage.outcome(task) == "it went on"


async def test_people_choose_by_the_names_of_an_enumeration_and_the_graph_receives_its_value(tmp_path: Path) -> None:
    schema = {"type": "string", "enum": ["eu-1", "us-1"], "enumNames": ["Frankfurt", "Ohio"]}
    heard: list[Any] = []
    async with a_stage(tmp_path, asks("Where?", schema, heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.choose(request, "Ohio")

        assert request.question.choices == ("Frankfurt", "Ohio")
        assert [option.value for option in request.question.options] == ["eu-1", "us-1"]
        assert heard == ["us-1"]


@pytest.mark.parametrize("names", [["Frankfurt"], ["Frankfurt", ""], ["Frankfurt", 1], "names"])
def test_names_that_do_not_fit_an_enumeration_are_not_used(names: Any) -> None:
    schema = {"type": "string", "enum": ["eu-1", "us-1"], "enumNames": names}

    assert questions.read("Where?", schema).choices == ("eu-1", "us-1")


def test_names_and_titles_in_a_form_stay_for_the_form() -> None:
    fields = {
        "region": {"type": "string", "enum": ["eu-1"], "enumNames": ["Frankfurt"], "title": "Region"},
        "size": {"oneOf": [{"const": "s", "title": "Small"}, {"const": "l", "title": "Large"}]},
        "tags": {"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}},
    }
    schema: dict[str, Any] = {"type": "object", "properties": fields}
    elicitation: dict[str, Any] = {"key": "k", "message": "Where?", "mode": "form", "requested_schema": schema}

    assert questions.read("Where?", schema).form == schema
    asked = questions.read({"type": "mcp_elicitation", "tool_name": "deploy", "requests": [elicitation]})
    assert asked.form == schema
    assert (asked.title, asked.text) == ("Where?", "The tool deploy asks this.")
