"""What a server of MCP asks: each of its requests is answered on its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import StateGraph

from bot.approvals.model.decision import Answered, Approve, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import InvalidAnswer, VerdictNotOffered
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Verdict
from bot.engines import questions
from tests.shapes.agreement import Nothing
from tests.support.agent_stage import a_stage, asks

NAMED: dict[str, JSON] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


FORM = {"key": "k1", "message": "Your name?", "mode": "form", "requested_schema": NAMED}


URL = {"key": "k2", "message": "Log in", "mode": "url", "url": "https://example.com/login"}


HEARD: list[Any] = []


@pytest.fixture
def heard() -> list[Any]:
    HEARD.clear()
    return HEARD


def elicitation(*requests: Any) -> StateGraph[Any, Any, Any, Any]:
    return asks({"type": "mcp_elicitation", "tool_name": "crm", "requests": list(requests)}, told=HEARD)


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
