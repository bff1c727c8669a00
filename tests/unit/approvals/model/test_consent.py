"""Which questions approve nothing, so that whoever started the task may answer them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.approvals.model.consent import approves_nothing
from bot.approvals.model.decision import Approve, Respond
from bot.approvals.model.errors import NotAnApprover, OwnRequest
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.rules import eligible, lifecycle
from tests.support.fakes.world import ALICE, CAROL, FIRST, RITA, STRANGER, a_request, a_world, item, policy, question

WORDS = question(item(Verdict.RESPOND, name="", arguments={}), title="Which host?")
ONLY_ALICE = policy(approvers=("U-ALICE",))


def form(**properties: JSON) -> JSON:
    return {"type": "object", "properties": properties}


TEXT: JSON = {"type": "string"}


@pytest.mark.parametrize(
    ("asked", "nothing"),
    [
        (WORDS, True),
        (replace(WORDS, convention="text"), True),
        (replace(WORDS, convention="json"), True),
        (replace(WORDS, convention="unrejectable"), False),
        (question(item(Verdict.RESPOND, Verdict.REJECT)), True),
        (question(item(Verdict.RESPOND), item(Verdict.RESPOND, Verdict.REJECT)), True),
        (question(item(Verdict.APPROVE, Verdict.REJECT)), False),
        (question(item(Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND)), False),
        (question(item(Verdict.RESPOND, Verdict.EDIT)), False),
        (question(item(Verdict.RESPOND), item(Verdict.APPROVE)), False),
        (question(item(Verdict.CHOOSE), choices=("a", "b")), False),
        (replace(WORDS, choices=("a", "b")), False),
    ],
)
def test_what_takes_words_alone_approves_nothing(asked: Question, nothing: bool) -> None:
    assert approves_nothing(asked) is nothing


@pytest.mark.parametrize(
    ("schema", "nothing"),
    [
        (TEXT, True),
        ({"type": "integer"}, True),
        (form(host=TEXT, copies={"type": "integer"}), True),
        (form(age={"type": "string", "enum": ["7d", "30d"]}), True),
        (form(note={"anyOf": [TEXT, {"type": "null"}]}), True),
        (form(tags={"type": "array", "items": TEXT}), True),
        (form(to=form(city=TEXT)), True),
        ({**form(a=TEXT), "additionalProperties": TEXT}, True),  # type: ignore[dict-item]
        ({"type": ["string", "null"]}, True),
        (form(), True),
        ({}, False),
        (True, False),
        (7, False),
        ({"type": "boolean"}, False),
        ({"type": ["string", "boolean"]}, False),
        ({"type": "object"}, False),
        ({"type": "array"}, False),
        ({"$ref": "#"}, False),
        ({"type": "object", "properties": {}, "patternProperties": {}}, False),
        (form(sure={"type": "boolean"}), False),
        (form(approved=TEXT), False),
        (form(Approve=TEXT), False),
        (form(decision={"enum": ["Yes.", "no"]}), False),
        (form(decision={"const": True}), False),
        (form(note={"anyOf": [TEXT, {"type": "boolean"}]}), False),
        (form(to=form(sure={"type": "boolean"})), False),
        (form(all={"type": "array", "items": {"type": "boolean"}}), False),
        ({**form(a=TEXT), "additionalProperties": True}, False),  # type: ignore[dict-item]
        (form(anything={}), False),
    ],
)
def test_a_form_approves_nothing_if_no_field_of_it_can_hold_a_yes(schema: Any, nothing: bool) -> None:
    assert approves_nothing(replace(WORDS, form=schema)) is nothing
    own = Item(name="tool", arguments={}, verdicts=(Verdict.RESPOND, Verdict.REJECT), form=schema)
    assert approves_nothing(question(own, own)) is nothing


async def test_whoever_started_the_task_answers_it_also_if_the_policy_names_others() -> None:
    async with a_world({FIRST: WORDS}, otherwise=ONLY_ALICE) as world:
        task = await world.started()
        request = await world.request(task)

        assert await world.inboxes.waiting(RITA) == (request,)
        assert set(request.open.asked) == {ALICE, RITA}
        with pytest.raises(NotAnApprover):
            await world.vote(STRANGER, Respond(value="db-1"), on=request)
        settled = await world.vote(RITA, Respond(value="db-1"), on=request)

        assert settled.decision is not None


async def test_the_policy_can_keep_them_out() -> None:
    async with a_world({FIRST: WORDS}, otherwise=replace(ONLY_ALICE, self_answer=False)) as world:
        task = await world.started()
        request = await world.request(task)

        assert await world.inboxes.waiting(RITA) == ()
        with pytest.raises(OwnRequest):
            await world.vote(RITA, Respond(value="db-1"), on=request)


async def test_nobody_approves_their_own_request_by_it() -> None:
    async with a_world({FIRST: question()}, otherwise=ONLY_ALICE) as world:
        task = await world.started()
        request = await world.request(task)

        assert await world.inboxes.waiting(RITA) == ()
        with pytest.raises(OwnRequest):
            await world.vote(RITA, Approve(), on=request)


def test_what_is_asked_anew_as_an_approval_is_not_theirs_any_more() -> None:
    request = a_request(asks=WORDS, of=policy())
    anew = lifecycle.ask_anew(request, question(), request.policy, request.opened_at)

    assert eligible.may_answer(request, RITA)
    assert not eligible.may_answer(anew, RITA)
    assert eligible.may_answer(anew, CAROL)
