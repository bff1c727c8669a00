"""Votes that a page of one's own gives for people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from tests.support.served import ALICE, POLICY, RITA, Answer, Api, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portal() -> AsyncIterator[Api]:
    async with served(policy=replace(POLICY, via=("portal",))) as api:
        api.tokens["billing-service"] = await api.token(name="portal")
        yield api


async def vote(api: Api, asked: dict[str, Any], **changes: Any) -> Answer:
    body = {"person": ALICE.user_id, "version": asked["version"], "digest": asked["digest"], "verdict": "approve"}
    return await api.post(f"/v1/requests/{asked['id']}/votes", body | changes)


async def test_a_vote_counts_and_says_through_what_it_came(portal: Api) -> None:
    asked = await portal.ask()

    voted = await vote(portal, asked, reason="fine")

    assert voted.status == 200, voted
    decided = (await portal.get(f"/v1/requests/{asked['id']}?wait=30")).json
    assert decided["decision"]["approved"] is True
    assert (decided["decision"]["by"], decided["decision"]["through"]) == ([ALICE.user_id], ["portal"])
    events = (await portal.get(f"/v1/requests/{asked['id']}/audit")).json["data"]
    assert [event["through"] for event in events if event["kind"] == "voted"] == ["portal"]


async def test_a_rejection_and_words_count_too(portal: Api) -> None:
    rejected, answered = await portal.ask(), await portal.ask()

    await vote(portal, rejected, verdict="reject", reason="no")
    await vote(portal, answered, verdict="respond", value="db-3")

    verdicts = [
        (await portal.get(f"/v1/requests/{asked['id']}?wait=30")).json["decision"]["verdict"]
        for asked in (rejected, answered)
    ]
    assert verdicts == ["reject", "respond"]


async def test_a_choice_is_named_by_its_label(portal: Api) -> None:
    asked = await portal.ask({"question": "Which?", "options": ["left", "right"]})

    wrong = await vote(portal, asked, verdict="choose", value=1)
    await vote(portal, asked, verdict="choose", value="right")

    assert (wrong.status, wrong.json["errors"][0]["path"]) == (422, "body.value")
    decision = (await portal.get(f"/v1/requests/{asked['id']}?wait=30")).json["decision"]
    assert (decision["verdict"], decision["items"][0]["value"], decision["answer"]) == ("choose", "right", "right")


async def test_each_item_of_a_question_has_its_verdict(portal: Api) -> None:
    asked = await portal.ask(
        {
            "action_requests": [{"name": "refund", "args": {"order": n}} for n in (1, 2)],
            "review_configs": [{"action_name": "refund", "allowed_decisions": ["approve", "reject"]}],
        }
    )
    items = [{"verdict": "approve"}, {"verdict": "reject", "reason": "too late"}]

    unlike = await vote(portal, asked, verdict="reject", items=items)
    await vote(portal, asked, items=items)

    assert (unlike.status, unlike.json["errors"][0]["path"]) == (422, "body.verdict")
    decision = (await portal.get(f"/v1/requests/{asked['id']}?wait=30")).json["decision"]
    assert (decision["verdict"], decision["approved"]) == ("mixed", False)
    assert [item["verdict"] for item in decision["items"]] == ["approve", "reject"]


@pytest.mark.parametrize(
    ("changes", "status", "problem"),
    [
        ({"person": RITA.user_id}, 403, "may-not-vote"),
        ({"person": "U0NOBODY"}, 422, "unknown-name"),
        ({"person": "@ops"}, 422, "unknown-name"),
        ({"version": 2}, 409, "stale-version"),
        ({"digest": "0" * 64}, 409, "stale-version"),
        ({"digest": "abc"}, 422, "invalid"),
        ({"verdict": "maybe"}, 422, "invalid"),
        ({"verdict": "choose", "value": "left"}, 422, "answer-not-taken"),
        ({"items": [{"verdict": "approve"}] * 2}, 422, "answer-not-taken"),
    ],
)
async def test_a_vote_that_does_not_count_says_why(
    portal: Api, changes: dict[str, Any], status: int, problem: str
) -> None:
    asked = await portal.ask()

    refused = await vote(portal, asked, **changes)

    assert (refused.status, refused.problem) == (status, problem), refused
    assert (await portal.get(f"/v1/requests/{asked['id']}")).json["votes"] == 0


async def test_a_vote_after_the_decision_is_too_late(portal: Api) -> None:
    asked = await portal.ask()
    await vote(portal, asked)

    late = await vote(portal, asked, person="U0BOB", verdict="reject")

    assert (late.status, late.problem) == (409, "already-settled")


async def test_a_policy_that_does_not_list_the_token_takes_no_vote_through_it(api: Api) -> None:
    asked = await api.ask()

    refused = await vote(api, asked)

    assert (refused.status, refused.problem) == (403, "may-not-vote")
    assert "`via: [" in refused.json["detail"]
    assert (await api.get(f"/v1/requests/{asked['id']}")).json["votes"] == 0
