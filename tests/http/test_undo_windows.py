"""A program says what it has done, and people may have that undone for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.audit import event_of
from bot.approvals.model.decision import Approve, Keep, Undo
from bot.approvals.model.ids import RequestId
from bot.approvals.model.request import Delivered
from bot.approvals.model.webhook import WebhookKind
from bot.stores import system_clock
from tests.support.served import ALICE, BOB, POLICY, RITA, Answer, Api, served

pytestmark = pytest.mark.asyncio(loop_scope="module")
WAY_BACK = {"how": "Moves the files back", "trash": "t-1"}
OFFER = {"type": "undo_window", "action": "Moved 3 files of logs to the trash", "undo": WAY_BACK, "window": "2h"}
HOLD = timedelta(hours=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portal() -> AsyncIterator[Api]:
    """An API whose policy lists its token, holds decisions, and has them valid for a day."""
    policy = replace(POLICY, via=("portal",), hold=HOLD, valid_for=timedelta(days=1))
    async with served(policy=policy) as api:
        api.tokens["billing-service"] = await api.token(name="portal")
        yield api


async def settled(api: Api, id: str) -> dict[str, Any]:
    return dict((await api.get(f"/v1/requests/{id}?wait=30")).json)


# --- Undo windows -------------------------------------------------------------------------------


async def test_an_undo_hands_the_way_back_over_with_its_key_and_is_no_approval(api: Api) -> None:
    asked = await api.ask(OFFER, callback_url="https://hooks.example.com/told")

    await api.vote(asked["id"], Undo())

    told = await settled(api, asked["id"])
    decision = told["decision"]
    assert (told["status"], decision["verdict"], decision["approved"]) == ("decided", "undo", False)
    assert [item["verdict"] for item in decision["items"]] == ["undo"]
    assert decision["by"] == [ALICE.user_id]
    key = decision["answer"].pop("key")
    assert decision["answer"] == {"type": "undo", "undo": WAY_BACK}
    again = (await api.post(f"/v1/requests/{asked['id']}/consume", {"execution": "one"})).json
    other = await api.post(f"/v1/requests/{asked['id']}/consume", {"execution": "two"})
    assert (len(key), again["decision"]["answer"]["key"]) == (64, key)
    assert (other.status, other.problem) == (409, "already-consumed")
    (webhook,) = await api.storage.webhooks_of((await api.storage.request(RequestId(asked["id"]))).task_id)
    assert webhook.kind is WebhookKind.UNDO_REQUESTED


async def test_what_is_kept_is_no_approval_either(api: Api) -> None:
    asked = await api.ask(OFFER, callback_url="https://hooks.example.com/told")

    await api.vote(asked["id"], Keep())

    decision = (await settled(api, asked["id"]))["decision"]
    assert (decision["verdict"], decision["approved"], decision["answer"]) == ("keep", False, {"type": "keep"})
    assert [item["verdict"] for item in decision["items"]] == ["keep"]
    (webhook,) = await api.storage.webhooks_of((await api.storage.request(RequestId(asked["id"]))).task_id)
    assert webhook.kind is WebhookKind.DECIDED


async def test_a_window_that_has_closed_was_decided_by_nobody(api: Api) -> None:
    acted_at = datetime.now(UTC) - timedelta(hours=3)

    asked = await api.ask({**OFFER, "at": acted_at.isoformat()})

    told = await settled(api, asked["id"])
    decision = told["decision"]
    assert (told["status"], decision["verdict"], decision["approved"]) == ("decided", "closed", False)
    assert (decision["by"], decision["answer"]) == ([], {"type": "keep"})
    assert [item["verdict"] for item in decision["items"]] == ["closed"]
    assert datetime.fromisoformat(told["settled_at"]) == acted_at + timedelta(hours=2)


async def test_a_window_says_when_it_began_and_ends_and_whether_it_can_be_undone(api: Api) -> None:
    acted_at = datetime.now(UTC) - timedelta(minutes=5)

    asked = await api.ask({**OFFER, "at": acted_at.isoformat()})
    kept = await api.ask({**OFFER, "undo": None, "window": 90})
    plain = await api.ask()

    window = asked["window"]
    assert datetime.fromisoformat(window["acted_at"]) == acted_at
    assert datetime.fromisoformat(window["closes_at"]) == acted_at + timedelta(hours=2)
    assert (window["reversible"], kept["window"]["reversible"], plain["window"]) == (True, False, None)
    assert kept["window"]["acted_at"] == kept["created_at"]


async def test_the_requester_may_undo_and_without_one_those_who_approve(api: Api) -> None:
    own, of_nobody = await api.ask(OFFER, requester=RITA.user_id), await api.ask(OFFER)

    await api.vote(own["id"], Undo(), by=RITA)

    assert (own["asked"], of_nobody["asked"]) == ([RITA.user_id], [ALICE.user_id, BOB.user_id])
    assert (await settled(api, own["id"]))["decision"]["by"] == [RITA.user_id]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"window": "10 minutes"}, "body.question.window"),
        ({"window": "0m"}, "body.question.window"),
        ({"window": "99999d"}, "body.question.window"),
        ({"window": -5}, "body.question.window"),
        ({"window": 0.5}, "body.question.window"),
        ({"window": 10**300}, "body.question.window"),
        ({"window": True}, "body.question.window"),
        ({"window": ["10m"]}, "body.question.window"),
        ({"at": "2027-03-01T09:12:00"}, "body.question.at"),
        ({"at": "yesterday"}, "body.question.at"),
        ({"at": "0001-01-01T00:00:00+23:00"}, "body.question.at"),
        ({"at": 1803892320}, "body.question.at"),
        ({"action": None}, "body.question.action"),
        ({"action": " "}, "body.question.action"),
        ({"action": {"name": ""}}, "body.question.action"),
        ({"action": {"name": "trash", "args": ["logs"]}}, "body.question.action.args"),
    ],
)
async def test_a_wrong_offer_is_refused_with_its_place(api: Api, changes: dict[str, Any], path: str) -> None:
    refused = await api.post("/v1/requests", {"question": {**OFFER, **changes}}, key="wrong")

    assert (refused.status, refused.problem) == (422, "invalid")
    assert [fault["path"] for fault in refused.json["errors"]] == [path]
    assert path in refused.json["detail"]


async def test_an_offer_takes_no_schema(api: Api) -> None:
    refused = await api.post("/v1/requests", {"question": OFFER, "response_schema": {"type": "string"}}, key="schema")

    assert (refused.status, refused.json["errors"][0]["path"]) == (422, "body.response_schema")


@pytest.mark.parametrize(
    "changes",
    [
        {"window": None, "at": None, "undo": "Moves them back"},
        {"window": 90.5, "undo": False},
        {"action": {"name": "move_to_trash", "arguments": {"folder": "logs"}}, "at": "2100-01-01T00:00:00Z"},
    ],
)
async def test_a_right_offer_is_put_to_people(api: Api, changes: dict[str, Any]) -> None:
    asked = await api.ask({**OFFER, **changes})

    assert (asked["status"], asked["failure"]) == ("pending", None)
    assert asked["window"]["acted_at"] <= asked["created_at"]


# --- Through another page -----------------------------------------------------------------------


async def vote(api: Api, asked: dict[str, Any], verdict: str, by: str = ALICE.user_id) -> Answer:
    body = {"person": by, "version": asked["version"], "digest": asked["digest"], "verdict": verdict}
    return await api.post(f"/v1/requests/{asked['id']}/votes", body)


async def call_off(api: Api, asked: dict[str, Any], verb: str, by: str = ALICE.user_id) -> Answer:
    return await api.post(f"/v1/requests/{asked['id']}/{verb}", {"person": by})


@pytest.mark.parametrize("verdict", ["undo", "keep"])
async def test_a_page_hands_in_undo_and_keep(portal: Api, verdict: str) -> None:
    asked = await portal.ask(OFFER)

    voted = await vote(portal, asked, verdict)

    assert voted.status == 200, voted
    decision = (await settled(portal, asked["id"]))["decision"]
    assert (decision["verdict"], decision["through"], decision["valid_until"]) == (verdict, ["portal"], None)


async def test_what_cannot_be_undone_takes_no_undo(portal: Api) -> None:
    asked = await portal.ask({**OFFER, "undo": False})

    refused = await vote(portal, asked, "undo")

    assert (refused.status, refused.problem) == (422, "answer-not-taken")


async def test_an_answer_that_is_held_is_pending_until_it_is_taken_back(portal: Api) -> None:
    asked = await portal.ask()

    held = (await vote(portal, asked, "approve")).json
    taken_back = await call_off(portal, asked, "take-back")

    assert (held["status"], held["decision"], held["settled_at"]) == ("pending", None, None)
    assert datetime.fromisoformat(held["hold"]["until"]) > datetime.now(UTC) + HOLD / 2
    assert (taken_back.status, taken_back.json["hold"], taken_back.json["votes"]) == (200, None, 0)
    events = (await portal.get(f"/v1/requests/{asked['id']}/audit")).json["data"]
    (event,) = [each for each in events if each["kind"] == "taken_back"]
    assert (event["person"], event["through"]) == (ALICE.user_id, "portal")


async def test_a_decision_that_is_held_is_stopped_by_any_approver(portal: Api) -> None:
    asked = await portal.ask()
    await vote(portal, asked, "approve")

    refused = await call_off(portal, asked, "take-back", BOB.user_id)
    stopped = await call_off(portal, asked, "stop", BOB.user_id)

    assert (refused.status, refused.problem) == (403, "not-your-answer")
    assert "can stop" in refused.json["detail"]
    assert (stopped.status, stopped.json["hold"]) == (200, None)
    assert stopped.json["status"] == "pending"


@pytest.mark.parametrize("verb", ["take-back", "stop"])
async def test_what_is_not_decided_is_not_called_off(portal: Api, verb: str) -> None:
    asked = await portal.ask()

    refused = await call_off(portal, asked, verb)

    assert (refused.status, refused.problem) == (409, "nothing-to-call-off")


async def test_what_is_handed_over_is_not_called_off(portal: Api) -> None:
    asked = await portal.ask(OFFER)
    await vote(portal, asked, "undo")
    await settled(portal, asked["id"])

    late, stopped = await call_off(portal, asked, "take-back"), await call_off(portal, asked, "stop")

    assert (late.status, late.problem) == (409, "too-late")
    assert (stopped.status, stopped.problem) == (409, "nothing-to-call-off")


@pytest.mark.parametrize(("verb", "person"), [("stop", RITA.user_id), ("take-back", "U0NOBODY")])
async def test_a_decision_is_called_off_by_people_who_may(portal: Api, verb: str, person: str) -> None:
    asked = await portal.ask()
    await vote(portal, asked, "approve")

    refused = await call_off(portal, asked, verb, person)

    assert refused.problem == ("may-not-vote" if verb == "stop" else "unknown-name")
    assert (await portal.get(f"/v1/requests/{asked['id']}")).json["hold"] is not None


@pytest.mark.parametrize("verb", ["take-back", "stop"])
async def test_a_policy_that_does_not_list_the_token_lets_it_call_nothing_off(verb: str) -> None:
    """Also if anybody may do it whom the rules allow."""
    async with served(policy=replace(POLICY, hold=HOLD)) as api:
        asked = await api.ask()
        await api.vote(asked["id"])

        refused = await call_off(api, asked, verb)

        assert (refused.status, refused.problem) == (403, "may-not-vote")
        assert "`via: [" in refused.json["detail"]
        assert (await api.get(f"/v1/requests/{asked['id']}")).json["hold"] is not None


# --- What is not told ---------------------------------------------------------------------------


async def test_nothing_of_a_decision_that_is_held_or_called_off_is_told(portal: Api) -> None:
    """Not by a wait, an event, a webhook, `consume`, a refusal, or the history."""
    asked = await portal.ask(callback_url="https://hooks.example.com/told")
    path = f"/v1/requests/{asked['id']}"
    task_id = (await portal.storage.request(RequestId(asked["id"]))).task_id

    for verb in ("take-back", "stop"):
        await portal.vote(asked["id"], Approve(reason="xyzzy"))
        waited = await portal.get(f"{path}?wait=0.01")
        history = await portal.get(f"{path}/audit")
        refused = [await portal.post(f"{path}/consume", {"execution": "one"}), await portal.post(f"{path}/cancel")]
        listed = await portal.get("/v1/requests?limit=1")
        await call_off(portal, asked, verb)
        after = [await portal.get(path), await portal.get(f"{path}/audit")]

        assert waited.json["status"] == listed.json["data"][0]["status"] == "pending"
        assert waited.json["decision"] is listed.json["data"][0]["decision"] is None
        assert [each.problem for each in refused] == ["not-settled", "already-settled"]
        for told in (waited, history, listed, *refused, *after):
            assert "xyzzy" not in told.text
        for told in refused:
            assert "approve" not in told.text
        for each in (history, after[1]):
            events = [event for event in each.json["data"] if event["kind"] in ("voted", "delivery_stopped")]
            assert events
            assert all(event["data"] == {"version": 1} for event in events)
        assert await portal.storage.webhooks_of(task_id) == ()


async def test_events_say_that_a_decision_is_held_and_open_again_and_nothing_else(portal: Api) -> None:
    asked = await portal.ask()
    path = f"{portal.url}/v1/requests/{asked['id']}/events"
    headers = {"Authorization": f"Bearer {await portal.own()}"}
    told: list[str] = []

    async def next_event() -> str:
        while True:
            line = (await response.content.readline()).decode()
            told.append(line)
            if line.startswith("data: "):
                return line

    async with portal.session.get(path, headers=headers) as response, asyncio.timeout(20):
        await next_event()
        await portal.vote(asked["id"], Approve(reason="xyzzy"))
        while '"hold":{"until"' not in await next_event():
            pass
        await call_off(portal, asked, "take-back")
        while '"hold":null' not in await next_event():
            pass

    assert {line for line in told if line.startswith("event:")} == {"event: pending\n"}
    assert "xyzzy" not in "".join(told)


# --- How long a decision is valid ---------------------------------------------------------------


async def test_a_decision_is_consumed_as_long_as_it_is_valid_and_not_after_that() -> None:
    measure = timedelta(hours=1)
    async with served(policy=replace(POLICY, valid_for=measure)) as api:
        asked = await api.ask()
        shown = Shown.of(await api.storage.request(RequestId(asked["id"])))
        at = system_clock()
        await api.votes.vote(Actor(person=ALICE, at=at), shown, (Approve(),))
        told = await settled(api, asked["id"])

        early = await api.post(f"/v1/requests/{asked['id']}/consume", {"execution": "one"})
        stale = await api.decided()
        await run_out(api, stale["id"])
        late = await api.post(f"/v1/requests/{stale['id']}/consume", {"execution": "one"})

        assert datetime.fromisoformat(told["decision"]["valid_until"]) == at + measure
        assert early.status == 200
        assert (late.status, late.problem) == (409, "stale-decision")
        events = (await api.get(f"/v1/requests/{asked['id']}/audit")).json["data"]
        assert [event["data"]["outcome"] for event in events if event["kind"] == "voted"] == ["approve"]


async def run_out(api: Api, id: str) -> None:
    """The decision was valid until a moment ago."""
    request = await api.storage.request(RequestId(id))
    assert isinstance(request.state, Delivered)
    over = replace(request, state=replace(request.state, valid_until=system_clock() - timedelta(seconds=1)))
    await api.storage.save_request(over, event_of(over, "delivered", system_clock()))
