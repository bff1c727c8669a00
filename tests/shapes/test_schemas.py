"""Interrupts that say what their answer has to look like, Agent Inbox, and MCP's elicitation, through real graphs."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from langgraph.graph import StateGraph
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from bot.approvals.decision import Approve, Choose, ItemVerdict, Reject, Respond
from bot.approvals.errors import InvalidAnswer, VerdictNotOffered
from bot.approvals.ids import JSON
from bot.approvals.question import Verdict
from bot.approvals.surface import SurfaceKind
from bot.engine import schemas
from tests.shapes.stage import a_stage, asks

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
        pytest.param(Literal["go", "stop"], "stop", id="an enumeration with a word that says no"),
        pytest.param(int | None, None, id="a value or nothing"),
        pytest.param(str, SILENCE, id="a text"),
        pytest.param(Review, {"approved": False, "feedback": SILENCE}, id="an object with a yes"),
    ],
)
async def test_silence_is_the_value_that_says_no(tmp_path: Path, schema: Any, told: Any) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks("Tell me", schema, told=heard)) as stage:
        await stage.started()

        await stage.expire()

        assert heard == [told]


@pytest.mark.parametrize("schema", [Order, int, Literal["eu", "us"], {}, Even])
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
        assert len(stage.messenger.of(SurfaceKind.CARD)) == 2

        await stage.respond(again, {"number": 4})

        assert heard == [Even(number=4)]
        assert await stage.outcome(task) == "it went on"


# --- Agent Inbox --------------------------------------------------------------------------------------

ACTION = {"action": "write", "args": {"to": "ann", "n": 1}}
EVERYTHING = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True}


def inbox(**config: bool) -> dict[str, Any]:
    return {"action_request": ACTION, "config": {**EVERYTHING, **config}, "description": "A letter."}


ACCEPTED = {"type": "accept", "args": ACTION}
IGNORED = {"type": "ignore", "args": None}


@pytest.mark.parametrize("value", [inbox(), [inbox()]], ids=["single", "list"])
@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Approve(), ACCEPTED),
        (Reject(reason="no"), IGNORED),
        (Respond(value="shorter"), {"type": "response", "args": "shorter"}),
    ],
)
async def test_agent_inbox_is_answered_with_a_list(
    tmp_path: Path, value: Any, verdict: ItemVerdict, told: JSON
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.vote(request, verdict)

        assert heard == [[told]]
        assert (request.question.title, request.question.text) == ("write", "A letter.")
        assert request.question.labels == {"approve": "Accept", "reject": "Ignore"}


async def test_agent_inbox_hears_of_an_edit_with_the_whole_action(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks([inbox(), inbox()], told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.edit(request, 1, n=2)
        await stage.approve(request)

        edited = {"type": "edit", "args": {"action": "write", "args": {"to": "ann", "n": 2}}}
        assert heard == [[ACCEPTED, edited]]


@pytest.mark.parametrize(
    ("config", "told"),
    [({}, IGNORED), ({"allow_ignore": False}, {"type": "response", "args": SILENCE})],
)
async def test_agent_inbox_ignores_what_nobody_answered(tmp_path: Path, config: dict[str, bool], told: JSON) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(inbox(**config), told=heard)) as stage:
        await stage.started()

        await stage.expire()

        assert heard == [[told]]


async def test_agent_inbox_takes_only_what_its_config_allows(tmp_path: Path) -> None:
    async with a_stage(tmp_path, asks(inbox(allow_ignore=False, allow_edit=False, allow_respond=False))) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(VerdictNotOffered):
            await stage.reject(request)

        assert request.question.items[0].verdicts == (Verdict.APPROVE,)


# --- MCP elicitation ----------------------------------------------------------------------------------

NAMED = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORM = {"key": "k1", "message": "Your name?", "mode": "form", "requested_schema": NAMED}
URL = {"key": "k2", "message": "Log in", "mode": "url", "url": "https://example.com/login"}


def elicitation(*requests: Any) -> StateGraph[Any, Any, Any, Any]:
    return asks({"type": "mcp_elicitation", "tool_name": "crm", "requests": list(requests)}, told=HEARD)


HEARD: list[Any] = []


@pytest.fixture
def heard() -> list[Any]:
    HEARD.clear()
    return HEARD


@pytest.mark.parametrize(
    ("requests", "verdict", "told"),
    [
        ([FORM], Respond(value={"name": "Ann"}), {"k1": {"action": "accept", "content": {"name": "Ann"}}}),
        ([FORM], Reject(reason="no"), {"k1": {"action": "decline"}}),
        ([URL], Approve(), {"k2": {"action": "accept"}}),
        ([URL], Reject(reason="no"), {"k2": {"action": "decline"}}),
        (
            [FORM, URL],
            Respond(value={"name": "Ann"}),
            {"k1": {"action": "accept", "content": {"name": "Ann"}}, "k2": {"action": "accept"}},
        ),
        (
            [FORM, {**FORM, "key": "k3"}],
            Respond(value={"k1": {"name": "Ann"}, "k3": {"name": "Bob"}}),
            {
                "k1": {"action": "accept", "content": {"name": "Ann"}},
                "k3": {"action": "accept", "content": {"name": "Bob"}},
            },
        ),
    ],
)
async def test_a_server_is_answered_under_its_own_keys(
    tmp_path: Path, heard: list[Any], requests: list[Any], verdict: ItemVerdict, told: JSON
) -> None:
    async with a_stage(tmp_path, elicitation(*requests)) as stage:
        request = await stage.question(await stage.started())

        await stage.vote(request, verdict)

        assert heard == [{"responses": told}]


@pytest.mark.parametrize("value", [{"name": {"first": "Ann"}}, {"name": [1]}])
async def test_a_server_is_not_given_what_mcp_does_not_carry(tmp_path: Path, value: JSON) -> None:
    anything = {**FORM, "requested_schema": {"type": "object", "properties": {"name": {}}}}
    async with a_stage(tmp_path, elicitation(anything)) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(InvalidAnswer) as refused:
            await stage.respond(request, value)

        assert refused.value.field == "name"


async def test_a_server_that_nobody_answered_is_told_that_it_was_cancelled(tmp_path: Path, heard: list[Any]) -> None:
    async with a_stage(tmp_path, elicitation(FORM, URL)) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(InvalidAnswer) as refused:
            await stage.respond(request, {})
        await stage.expire()

        assert refused.value.field == "name"
        assert request.question.items[0].arguments == {"url": "https://example.com/login"}
        assert heard == [{"responses": {"k1": {"action": "cancel"}, "k2": {"action": "cancel"}}}]
