"""Interrupts that say what their answer has to look like, Agent Inbox, and MCP's elicitation, through real graphs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from langgraph.graph import StateGraph
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from bot.approvals.model.decision import Answered, Approve, Choose, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer, VerdictNotOffered
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Verdict
from bot.engines import questions, schemas
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


class Nothing(BaseModel):
    """To be agreed to."""


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
    ("value", "told"),
    [
        (inbox(), [[IGNORED]]),
        (inbox(allow_ignore=False), []),
        (inbox(allow_ignore=False, allow_accept=False, allow_edit=False), []),
        ([inbox(), inbox(allow_ignore=False)], []),
    ],
)
async def test_agent_inbox_ignores_what_nobody_answered_or_hears_nothing(
    tmp_path: Path, value: Any, told: list[JSON]
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard)) as stage:
        task = await stage.started()

        await stage.expire()

        assert heard == told
        assert (await stage.outcome(task)).startswith("Stopped: Nobody answered") is not bool(told)


async def test_agent_inbox_takes_only_what_its_config_allows(tmp_path: Path) -> None:
    async with a_stage(tmp_path, asks(inbox(allow_ignore=False, allow_edit=False, allow_respond=False))) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(VerdictNotOffered):
            await stage.reject(request)

        assert request.question.items[0].verdicts == (Verdict.APPROVE,)


# --- MCP elicitation ----------------------------------------------------------------------------------

NAMED: dict[str, JSON] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
FORM = {"key": "k1", "message": "Your name?", "mode": "form", "requested_schema": NAMED}
URL = {"key": "k2", "message": "Log in", "mode": "url", "url": "https://example.com/login"}


def elicitation(*requests: Any) -> StateGraph[Any, Any, Any, Any]:
    return asks({"type": "mcp_elicitation", "tool_name": "crm", "requests": list(requests)}, told=HEARD)


HEARD: list[Any] = []


@pytest.fixture
def heard() -> list[Any]:
    HEARD.clear()
    return HEARD


EMPTY = {"key": "k4", "message": "Really?", "mode": "form", "requested_schema": {"type": "object", "properties": {}}}
ANN = Respond(value={"name": "Ann"})
YES, NO = Approve(), Reject(reason="no")
SENT: JSON = {"action": "accept", "content": {"name": "Ann"}}
AGREED: JSON = {"action": "accept", "content": {}}
OPENED: JSON = {"action": "accept"}
DECLINED: JSON = {"action": "decline"}
FORM_2, URL_2 = {**FORM, "key": "k5"}, {**URL, "key": "k6"}


@pytest.mark.parametrize(
    ("requests", "verdicts", "told"),
    [
        ([FORM], [ANN], {"k1": SENT}),
        ([FORM], [NO], {"k1": DECLINED}),
        ([URL], [YES], {"k2": OPENED}),
        ([URL], [NO], {"k2": DECLINED}),
        ([EMPTY], [YES], {"k4": AGREED}),
        ([EMPTY], [NO], {"k4": DECLINED}),
        ([FORM, URL], [ANN, NO], {"k1": SENT, "k2": DECLINED}),
        ([FORM, URL], [NO, YES], {"k1": DECLINED, "k2": OPENED}),
        ([FORM, URL], [ANN, YES], {"k1": SENT, "k2": OPENED}),
        ([URL, FORM], [NO, ANN], {"k2": DECLINED, "k1": SENT}),
        ([FORM, FORM_2], [ANN, NO], {"k1": SENT, "k5": DECLINED}),
        ([FORM, FORM_2], [NO, ANN], {"k1": DECLINED, "k5": SENT}),
        ([URL, URL_2], [YES, NO], {"k2": OPENED, "k6": DECLINED}),
        ([FORM, EMPTY], [ANN, NO], {"k1": SENT, "k4": DECLINED}),
        ([EMPTY, URL], [NO, YES], {"k4": DECLINED, "k2": OPENED}),
        ([FORM, URL, EMPTY], [ANN, NO, YES], {"k1": SENT, "k2": DECLINED, "k4": AGREED}),
        ([FORM, FORM_2, URL], [NO, ANN, NO], {"k1": DECLINED, "k5": SENT, "k2": DECLINED}),
    ],
)
async def test_each_request_of_a_server_is_answered_on_its_own(
    tmp_path: Path, heard: list[Any], requests: list[Any], verdicts: list[ItemVerdict], told: JSON
) -> None:
    async with a_stage(tmp_path, elicitation(*requests)) as stage:
        request = await stage.question(await stage.started())

        await stage.vote(request, *verdicts)

        assert heard == [{"responses": told}]
        assert [item.name for item in request.question.items] == ["crm"] * len(requests)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        {"type": "object"},
        {"type": "object", "properties": {}, "required": []},
        {"type": "object", "properties": {}, "additionalProperties": False},
        {"type": "object", "properties": {}, "additionalProperties": True, "title": "Confirm"},
    ],
)
async def test_a_form_without_fields_is_accepted_or_declined(tmp_path: Path, heard: list[Any], schema: Any) -> None:
    async with a_stage(tmp_path, elicitation({**EMPTY, "requested_schema": schema})) as stage:
        question = (await stage.question(await stage.started())).question

        assert question.items[0].verdicts == (Verdict.APPROVE, Verdict.REJECT)
        assert question.labels == {"approve": "Accept", "reject": "Decline"}
        assert question.form is None


async def test_a_schema_without_fields_is_agreed_to(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks("The terms?", Nothing, told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.approve(request)

        assert request.question.labels == {"approve": "Accept"}
        assert heard == [Nothing()]


@pytest.mark.parametrize("requests", [[FORM, URL], [FORM, FORM_2], [EMPTY, URL, FORM]])
async def test_one_answer_never_answers_several_requests(tmp_path: Path, requests: list[Any]) -> None:
    async with a_stage(tmp_path, elicitation(*requests)) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(VerdictNotOffered):
            await stage.vote(request, ANN)


async def test_an_answer_that_does_not_fit_names_its_item_and_its_field(tmp_path: Path) -> None:
    async with a_stage(tmp_path, elicitation(URL, FORM)) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(InvalidAnswer) as refused:
            await stage.vote(request, YES, Respond(value={}))

        assert (refused.value.item, refused.value.field) == (1, "name")


def test_what_an_earlier_version_asked_as_one_form_accepts_no_page() -> None:
    """Its card had one form for all: whoever sent that was never asked about the page alone."""
    value: Any = {"type": "mcp_elicitation", "tool_name": "crm", "requests": [FORM, URL]}
    now = questions.read(value)
    item = replace(now.items[0], arguments={"url": URL["url"]}, form=None)
    before = replace(now, items=(item,), form=NAMED)

    def told(*verdicts: ItemVerdict) -> Any:
        decision = Answered(verdicts=verdicts, voters=(), edited=False, at=datetime(2026, 3, 2, tzinfo=UTC))
        return questions.answer(before, before, decision)

    assert told(ANN) == {"responses": {"k1": SENT, "k2": {"action": "cancel"}}}
    assert told(NO) == {"responses": {"k1": DECLINED, "k2": DECLINED}}


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

        await stage.expire()

        asked = [item.arguments for item in request.question.items]
        assert asked == [{"asks": "Your name?"}, {"asks": "Log in", "url": "https://example.com/login"}]
        assert heard == [{"responses": {"k1": {"action": "cancel"}, "k2": {"action": "cancel"}}}]
