"""A program asks people, and takes their decision."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from bot.approvals.model.decision import Approve, Reject, Respond
from bot.approvals.model.ids import Operator, RequestId
from bot.approvals.services.operations import Operations
from bot.stores import system_clock
from tests.support import served
from tests.support.fakes.work import FakeWork
from tests.support.served import ADDRESS, ALICE, BOB, CHANNEL, RITA, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
REFUND = {
    "action_requests": [
        {"name": "refund", "args": {"order": 1093, "amount": "120.00"}, "description": "Charged twice."}
    ],
    "review_configs": [{"action_name": "refund", "allowed_decisions": ["approve", "edit", "reject"]}],
}


async def test_a_new_request_is_pending_and_says_where_it_can_be_read(api: Api) -> None:
    body = {
        "question": REFUND,
        "requester": RITA.user_id,
        "channel": "#ops",
        "source": {"name": "billing-service", "url": "https://billing.example.com/1093", "run": "nightly"},
        "metadata": {"order": 1093},
    }

    made = await api.post("/v1/requests", body, key="new")

    assert made.status == 201, made
    assert made.headers["Location"] == f"/v1/requests/{made.json['id']}"
    assert made.headers["Content-Type"] == "application/json"
    assert made.headers["Cache-Control"] == "no-store"
    assert made.headers["X-Content-Type-Options"] == "nosniff"
    assert made.json["status"] == "pending"
    assert made.json["source"] == body["source"]
    assert made.json["requester"] == RITA.user_id
    assert made.json["question"] == REFUND
    assert made.json["metadata"] == {"order": 1093}
    assert made.json["decision"] is None
    read = await api.get(made.headers["Location"])
    assert read.json["created_at"] == made.json["created_at"]


async def test_people_are_asked_and_the_request_says_who_and_where(api: Api) -> None:
    asked = await api.ask(REFUND)

    assert asked["asked"] == [ALICE.user_id, BOB.user_id]
    assert len(asked["digest"]) == 64
    assert (asked["version"], asked["votes"]) == (1, 0)
    await api.shown(asked["id"])
    link = (await api.get(f"/v1/requests/{asked['id']}")).json["permalink"]
    assert link.startswith(f"{ADDRESS}archives/{CHANNEL}/p")


async def test_an_approval_is_handed_over_with_what_was_approved(api: Api) -> None:
    asked = await api.ask(REFUND)

    await api.vote(asked["id"], Approve(reason="go on"))

    decided = (await api.get(f"/v1/requests/{asked['id']}?wait=30")).json
    assert decided["status"] == "decided"
    decision = decided["decision"]
    assert decided["settled_at"] == decision.pop("at")
    assert decision == {
        "verdict": "approve",
        "approved": True,
        "items": [
            {
                "name": "refund",
                "verdict": "approve",
                "arguments": {"order": 1093, "amount": "120.00"},
                "reason": "go on",
                "value": None,
            }
        ],
        "answer": {"decisions": [{"type": "approve"}]},
        "reason": "go on",
        "by": [ALICE.user_id],
        "through": [],
        "digest": asked["digest"],
        "version": 1,
        "edited": False,
        "ruled": "",
        "valid_until": None,
    }


async def test_an_edit_is_an_approval_of_other_arguments(api: Api) -> None:
    asked = await api.ask(REFUND)

    await api.edit(asked["id"], {"order": 1093, "amount": "12.00"})
    edited = (await api.get(f"/v1/requests/{asked['id']}")).json
    await api.vote(asked["id"])

    assert asked["items"] == [{"name": "refund", "arguments": {"order": 1093, "amount": "120.00"}}]
    assert edited["items"] == [{"name": "refund", "arguments": {"order": 1093, "amount": "12.00"}}]
    assert (edited["question"], edited["version"]) == (REFUND, 2)
    decision = (await api.get(f"/v1/requests/{asked['id']}?wait=30")).json["decision"]
    assert (decision["verdict"], decision["approved"], decision["edited"]) == ("edit", True, True)
    assert decision["items"][0]["arguments"] == {"order": 1093, "amount": "12.00"}
    assert decision["version"] == 2
    assert decision["digest"] != asked["digest"]


async def test_a_rejection_approves_nothing(api: Api) -> None:
    asked = await api.ask("May I?")

    await api.vote(asked["id"], Reject(reason="not today"))

    decision = (await api.get(f"/v1/requests/{asked['id']}?wait=30")).json["decision"]
    assert (decision["verdict"], decision["approved"], decision["answer"]) == ("reject", False, False)
    assert decision["reason"] == "not today"
    assert decision["items"][0]["verdict"] == "reject"


async def test_words_are_an_answer_and_approve_nothing(api: Api) -> None:
    asked = await api.ask("Which host?")

    await api.vote(asked["id"], Respond(value="db-3"))

    decision = (await api.get(f"/v1/requests/{asked['id']}?wait=30")).json["decision"]
    assert (decision["verdict"], decision["approved"], decision["answer"]) == ("respond", False, "db-3")


# --- The key ------------------------------------------------------------------------------------


async def test_the_same_key_and_body_return_the_same_request(api: Api) -> None:
    first = await api.post("/v1/requests", {"question": "Once?", "metadata": {"a": 1, "b": 2}}, key="once")
    again = await api.post("/v1/requests", {"metadata": {"b": 2, "a": 1}, "question": "Once?"}, key="once")

    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert again.headers["Location"] == first.headers["Location"]


async def test_a_key_stands_for_one_body(api: Api) -> None:
    await api.post("/v1/requests", {"question": "Once?"}, key="taken")

    refused = await api.post("/v1/requests", {"question": "Twice?"}, key="taken")

    assert (refused.status, refused.problem) == (422, "key-reused")


@pytest.mark.parametrize("key", [None, "", "x" * 201, "two words", "ü"])
async def test_a_key_is_needed(api: Api, key: str | None) -> None:
    refused = await api.post("/v1/requests", {"question": "Once?"}, key=key)

    assert (refused.status, refused.problem) == (400, "idempotency-key")


@pytest.mark.parametrize(
    ("name", "values", "status", "problem"),
    [
        ("Idempotency-Key", ("one", "two"), 400, "idempotency-key"),
        ("Idempotency-Key", ("one", "one"), 400, "idempotency-key"),
        ("Content-Type", ("application/json", "text/plain"), 422, "invalid"),
        ("Authorization", (None, "Bearer csk_other"), 422, "invalid"),
    ],
)
async def test_a_header_that_is_sent_twice_is_refused(
    api: Api, name: str, values: tuple[str | None, str], status: int, problem: str
) -> None:
    """Nobody could know which one counts."""
    valid = f"Bearer {await api.own()}"
    usual = {"Authorization": valid, "Content-Type": "application/json", "Idempotency-Key": "twice"}
    headers = [(key, value) for key, value in usual.items() if key != name]
    headers += [(name, each or valid) for each in values]

    async with api.session.post(
        f"{api.url}/v1/requests", data=b'{"question": "Once?"}', headers=CIMultiDict(headers)
    ) as refused:
        told = await refused.json()

    assert (refused.status, told["type"]) == (status, f"/docs#problem-{problem}")
    assert told["errors"] == [{"path": f"header.{name}", "problem": "should be sent once"}]


async def test_two_sources_may_use_the_same_key(api: Api) -> None:
    one = await api.post("/v1/requests", {"question": "Once?"}, key="shared")
    two = await api.post("/v1/requests", {"question": "Else?"}, key="shared", token=await api.own("other-service"))

    assert (one.status, two.status) == (201, 201)
    assert one.json["id"] != two.json["id"]


# --- Names that mean nobody ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "status", "problem"),
    [
        ("requester", "U0NOBODY", 422, "unknown-name"),
        ("requester", "@ops-leads", 422, "unknown-name"),
        ("channel", "#nowhere", 422, "unknown-name"),
        ("source", {"name": "another-service"}, 403, "not-allowed-here"),
        ("callback_url", "https://elsewhere.test/hook", 422, "invalid"),
    ],
)
async def test_what_means_nobody_is_named(api: Api, field: str, value: object, status: int, problem: str) -> None:
    refused = await api.post("/v1/requests", {"question": "May I?", field: value}, key="names")

    assert (refused.status, refused.problem) == (status, problem)
    assert refused.json["errors"][0]["path"].startswith(f"body.{field}")


async def test_a_token_asks_in_its_channels_alone(api: Api) -> None:
    api.directory.channels["#other"] = api.directory.channels["#ops"].__class__("C0OTHER")

    refused = await api.post("/v1/requests", {"question": "May I?", "channel": "#other"}, key="channels")

    assert (refused.status, refused.problem) == (403, "not-allowed-here")


# --- To withdraw and to consume -----------------------------------------------------------------


async def test_a_withdrawn_request_approves_nothing(api: Api) -> None:
    asked = await api.ask(REFUND)

    cancelled = await api.post(f"/v1/requests/{asked['id']}/cancel", {"reason": "The order is gone."})

    assert cancelled.json["status"] == "cancelled"
    decision = cancelled.json["decision"]
    assert (decision["verdict"], decision["approved"], decision["answer"]) == ("cancelled", False, None)
    assert [item["verdict"] for item in decision["items"]] == ["cancelled"]
    again = await api.post(f"/v1/requests/{asked['id']}/cancel")
    assert (again.status, again.json["status"]) == (200, "cancelled")


async def test_a_program_is_told_why_an_operator_has_cancelled_its_request(api: Api) -> None:
    asked = await api.ask(REFUND)
    request = await api.storage.request(RequestId(asked["id"]))
    by_command = Operations(
        storage=api.storage, work=FakeWork(), by=Operator(login="olga"), signature="olga, by command"
    )

    await by_command.cancel(request.task_id, system_clock(), "The shop is closed.")

    decision = (await api.get(f"/v1/requests/{asked['id']}")).json["decision"]
    assert (decision["verdict"], decision["reason"], decision["by"]) == ("cancelled", "The shop is closed.", [])


async def test_what_is_decided_cannot_be_withdrawn(api: Api) -> None:
    asked = await api.ask()
    await api.vote(asked["id"])

    refused = await api.post(f"/v1/requests/{asked['id']}/cancel")

    assert (refused.status, refused.problem) == (409, "already-settled")


async def test_a_decision_is_consumed_by_one_execution(api: Api) -> None:
    asked = await api.ask()
    path = f"/v1/requests/{asked['id']}/consume"

    early = await api.post(path, {"execution": "one"})
    await api.vote(asked["id"])
    await api.get(f"/v1/requests/{asked['id']}?wait=30")
    first = await api.post(path, {"execution": "one"})
    repeated = await api.post(path, {"execution": "one"})
    other = await api.post(path, {"execution": "two"})

    assert (early.status, early.problem) == (409, "not-settled")
    assert first.status == 200
    assert first.json["decision"]["approved"] is True
    assert first.json["request"]["consumed_at"] is not None
    assert repeated.json == first.json
    assert (other.status, other.problem) == (409, "already-consumed")
    assert "one" in other.json["detail"]


async def test_a_request_says_how_its_webhook_fares(api: Api) -> None:
    asked = await api.ask(callback_url="https://hooks.example.com/told")
    await api.vote(asked["id"])

    settled = (await api.get(f"/v1/requests/{asked['id']}?wait=30")).json

    assert asked["callback"] is None
    assert settled["callback"] == {"status": "pending", "attempts": 0, "failure": ""}


# --- Lists and history --------------------------------------------------------------------------


async def test_a_list_is_read_page_by_page_newest_first(api: Api) -> None:
    token = await api.token("list-service")
    ids = [(await api.ask(f"Number {number}?", token=token))["id"] for number in range(5)]

    pages, cursor = [], ""
    while True:
        page = (await api.get(f"/v1/requests?limit=2{cursor}", token=token)).json
        pages.append([each["id"] for each in page["data"]])
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]


async def test_a_list_is_filtered(api: Api) -> None:
    token = await api.token("filter-service", "second-service")
    waits, decided = [await api.ask(f"Number {number}?", token=token) for number in range(2)]
    other = await api.ask("Else?", token=token, source={"name": "second-service"})
    await api.vote(decided["id"])
    await api.get(f"/v1/requests/{decided['id']}?wait=30", token=token)

    async def ids(query: str) -> list[str]:
        return [each["id"] for each in (await api.get(f"/v1/requests?{query}", token=token)).json["data"]]

    assert await ids("status=decided") == [decided["id"]]
    assert await ids("status=pending") == [other["id"], waits["id"]]
    assert await ids("status=cancelled") == []
    assert await ids("source=second-service") == [other["id"]]
    assert await ids("source=billing-service") == []
    assert set(await ids(f"approver={ALICE.user_id}")) == {waits["id"], other["id"]}
    assert await ids(f"approver={RITA.user_id}") == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("cursor=nonsense", "query.cursor"),
        ("cursor=2030-01-01T00:00:00~x", "query.cursor"),
        ("limit=0", "query.limit"),
        ("limit=101", "query.limit"),
        ("limit=many", "query.limit"),
        ("status=open", "query.status"),
        ("approver=U0NOBODY", "query.approver"),
        ("approver=U0ALICE&status=decided", "query.approver"),
        ("stauts=pending", "query.stauts"),
        ("source=billing-service&source=other", "query.source"),
    ],
)
async def test_a_wrong_parameter_is_named(api: Api, query: str, path: str) -> None:
    refused = await api.get(f"/v1/requests?{query}")

    assert refused.status == 422
    assert refused.json["errors"][0]["path"] == path


async def test_the_history_says_what_happened_and_who_did_it(api: Api) -> None:
    asked = await api.ask()
    await api.vote(asked["id"])
    await api.get(f"/v1/requests/{asked['id']}?wait=30")
    await api.post(f"/v1/requests/{asked['id']}/consume", {"execution": "one"})

    events = (await api.get(f"/v1/requests/{asked['id']}/audit")).json["data"]

    kinds = [event["kind"] for event in events]
    assert [kind for kind in kinds if kind in ("started", "opened", "voted", "consumed")] == [
        "started",
        "opened",
        "voted",
        "consumed",
    ]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    voted = next(event for event in events if event["kind"] == "voted")
    assert (voted["person"], voted["digest"]) == (ALICE.user_id, asked["digest"])
    assert next(event for event in events if event["kind"] == "started")["through"].startswith("token-")


async def test_a_request_is_found_again_although_its_callback_is_no_longer_allowed(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"question": "Go?", "callback_url": "https://hooks.example.com/told"}
    made = await api.post("/v1/requests", body, key="allowed-then")
    monkeypatch.setattr(served, "CALLED", "example.org")

    again = await api.post("/v1/requests", body, key="allowed-then")
    new = await api.post("/v1/requests", body, key="not-allowed-now")

    assert (again.status, again.json["id"]) == (200, made.json["id"])
    assert (new.status, new.json["errors"][0]["path"]) == (422, "body.callback_url")
