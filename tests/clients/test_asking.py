"""Asking, waiting, and taking a decision: what is an approval, and what is not."""

import asyncio
from functools import partial
from typing import Any

import pytest

from countersign import (
    AlreadyConsumed,
    Cancelled,
    Countersign,
    Decision,
    Expired,
    KeyAlreadyUsed,
    NotApproved,
    NotFound,
    NotSettled,
    Refused,
    Rejected,
    Source,
    StillPending,
    Superseded,
    UnexpectedAnswer,
)
from tests.clients.conftest import Either
from tests.support.stub_api import StubApi

REFUND = {"order": "4711", "amount": "99.00"}


async def test_an_approval_is_true_and_has_its_arguments(api: StubApi, client: Either) -> None:
    api.on_request = api.decide

    decision = await client("ask", "refund", REFUND, key="refund-4711")

    assert decision
    assert decision.arguments == REFUND
    assert (decision.verdict, decision.by, decision.request_id) == ("approve", ("U0BOB",), api.the_request())


@pytest.mark.parametrize("verdict", ["reject", "respond", "choose", "mixed", "approve_all", ""])
async def test_any_other_verdict_is_false(api: StubApi, blocking: Countersign, verdict: str) -> None:
    """Also one that a newer server invents, and says is an approval of everything."""
    items = [{"name": "refund", "verdict": "approve", "arguments": REFUND}]
    api.on_request = partial(api.decide, verdict=verdict, approved=True, items=items)

    decision = await asyncio.to_thread(blocking.ask, "refund", REFUND, key="a")

    assert not decision
    with pytest.raises(NotApproved):
        _ = decision.arguments


@pytest.mark.parametrize("approved", [False, None, "true", 1])
async def test_an_approval_is_what_the_server_calls_one(api: StubApi, blocking: Countersign, approved: object) -> None:
    api.on_request = partial(api.decide, approved=approved)

    assert not await asyncio.to_thread(blocking.ask, "refund", REFUND, key="a")


@pytest.mark.parametrize(
    "items", [[{"name": "refund", "verdict": "approve"}, {"name": "pay", "verdict": "reject"}], [None], [{}]]
)
async def test_an_approval_with_an_item_that_is_none_is_false(api: StubApi, blocking: Countersign, items: Any) -> None:
    api.on_request = partial(api.decide, items=items)

    assert not await asyncio.to_thread(blocking.ask, "refund", REFUND, key="a")


@pytest.mark.parametrize(
    ("status", "error"), [("expired", Expired), ("cancelled", Cancelled), ("superseded", Superseded)]
)
async def test_silence_is_never_an_approval(
    api: StubApi, client: Either, status: str, error: type[NotApproved]
) -> None:
    api.on_request = partial(api.end, status=status)

    with pytest.raises(error) as raised:
        await client("approve_or_raise", "refund", REFUND, key="a")

    assert not raised.value.decision
    assert api.executions == {}


async def test_an_end_without_a_decision_is_one(api: StubApi, blocking: Countersign) -> None:
    api.on_request = partial(api.end, status="expired")
    request = await asyncio.to_thread(blocking.request, "Go on?", key="a")
    await asyncio.to_thread(blocking.wait, request.id)
    api.requests[request.id]["decision"] = None

    decision = await asyncio.to_thread(blocking.wait, request.id)

    assert (decision.verdict, bool(decision)) == ("expired", False)


async def test_approve_or_raise_consumes(api: StubApi, client: Either) -> None:
    api.on_request = api.decide

    decision = await client("approve_or_raise", "refund", REFUND, key="a", execution="job 7")

    assert decision.arguments == REFUND
    assert api.executions == {api.the_request(): "job 7"}


async def test_a_rejection_raises_and_consumes_nothing(api: StubApi, client: Either) -> None:
    api.on_request = partial(api.decide, verdict="reject", reason="The audit still reads this.")

    with pytest.raises(Rejected, match=r"rejected by U0BOB: The audit still reads this\."):
        await client("approve_or_raise", "refund", REFUND, key="a")

    assert api.executions == {}


async def test_one_approval_is_for_one_execution(api: StubApi, client: Either) -> None:
    api.on_request = api.decide
    await client("approve_or_raise", "refund", REFUND, key="a")

    with pytest.raises(AlreadyConsumed):
        await client("approve_or_raise", "refund", REFUND, key="a")


async def test_the_same_execution_gets_the_decision_again(api: StubApi, client: Either) -> None:
    """As a job that is run again after a crash, under its own id."""
    api.on_request = api.decide
    first = await client("approve_or_raise", "refund", REFUND, key="a", execution="job-7")

    again = await client("approve_or_raise", "refund", REFUND, key="a", execution="job-7")

    assert again == first
    assert api.opened == ["a"]


async def test_two_at_once_are_one_request_and_one_approval(api: StubApi, client: Either) -> None:
    both = [asyncio.create_task(client("approve_or_raise", "refund", REFUND, key="a")) for _ in range(2)]
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == 2)
    api.decide(api.the_request())

    results = await asyncio.gather(*both, return_exceptions=True)

    assert sorted(type(each).__name__ for each in results) == ["AlreadyConsumed", "Decision"]


async def test_people_may_edit_only_if_the_caller_said_so(api: StubApi, client: Either) -> None:
    """Who does not say so uses its own arguments afterwards, and these must be the ones that were approved."""
    smaller = {**REFUND, "amount": "9.00"}
    api.on_request = partial(api.decide, verdict="edit", arguments=smaller)

    decision = await client("approve_or_raise", "refund", REFUND, key="a", edit=True)
    with pytest.raises(UnexpectedAnswer, match="not for what was asked"):
        await client("approve_or_raise", "refund", REFUND, key="b")

    assert (decision.arguments, decision.edited) == (smaller, True)
    asked = [
        body["question"]["review_configs"][0]["allowed_decisions"] for _, _, body in api.calls if "question" in body
    ]
    assert asked == [["approve", "edit", "reject"], ["approve", "reject"]]
    assert len(api.executions) == 1


async def test_an_approval_of_another_action_is_refused(api: StubApi, blocking: Countersign) -> None:
    item = {"name": "pay", "verdict": "approve", "arguments": REFUND}
    api.on_request = partial(api.decide, items=[item])

    with pytest.raises(UnexpectedAnswer):
        await asyncio.to_thread(blocking.approve_or_raise, "refund", REFUND, key="a")

    assert api.executions == {}


async def test_what_is_sent(api: StubApi, client: Either) -> None:
    schema = {"type": "object"}
    await client(
        "request",
        {"question": "Go on?", "details": ("a", 1)},
        key="a",
        response_schema=schema,
        requester="ann@example.org",
        channel="#ops",
        source=Source(url="https://ci.example.org/7", run="7"),
        callback_url="https://ci.example.org/hook",
        metadata={"job": 7},
    )

    ((method, target, body),) = api.calls
    assert (method, target) == ("POST", "/v1/requests")
    assert body == {
        "question": {"question": "Go on?", "details": ["a", 1]},
        "response_schema": schema,
        "requester": "ann@example.org",
        "channel": "#ops",
        "source": {"name": "billing", "url": "https://ci.example.org/7", "run": "7"},
        "callback_url": "https://ci.example.org/hook",
        "metadata": {"job": 7},
    }


async def test_the_question_of_an_action(api: StubApi, client: Either) -> None:
    schema = {"type": "object"}
    api.on_request = api.decide
    await client("ask", "refund", REFUND, key="a", description="The parcel is lost.", edit=True, schema=schema)

    question = api.requests[api.the_request()]["question"]
    assert question == {
        "action_requests": [{"name": "refund", "args": REFUND, "description": "The parcel is lost."}],
        "review_configs": [
            {"action_name": "refund", "allowed_decisions": ["approve", "edit", "reject"], "args_schema": schema}
        ],
    }


async def test_a_timeout_names_the_request_that_goes_on(api: StubApi, client: Either) -> None:
    with pytest.raises(StillPending) as raised:
        await client("ask", "refund", REFUND, key="a", timeout=0.01)
    api.decide(raised.value.id)

    assert await client("wait", raised.value.id, timeout=20)
    assert await client("ask", "refund", REFUND, key="a")
    assert api.opened == ["a"]


async def test_the_same_key_with_another_body_is_refused(api: StubApi, client: Either) -> None:
    await client("request", "Go on?", key="a")

    with pytest.raises(KeyAlreadyUsed, match="used with another body"):
        await client("request", "Stop?", key="a")


async def test_a_decision_is_consumed_by_its_id(api: StubApi, client: Either) -> None:
    request = await client("request", "Which host?", key="a")
    with pytest.raises(NotSettled):
        await client("consume", request.id)
    api.decide(request.id, "respond", answer="db-1")

    decision = await client("consume", request.id, execution="one")

    assert (decision.answer, bool(decision)) == ("db-1", False)
    with pytest.raises(AlreadyConsumed):
        await client("consume", request.id)
    assert (await client("get", request.id)).consumed_at is not None


async def test_a_request_is_withdrawn_once(api: StubApi, client: Either) -> None:
    first, second = await client("request", "One?", key="a"), await client("request", "Two?", key="b")
    api.decide(second.id)

    assert (await client("cancel", first.id, reason="Not needed")).status == "cancelled"
    assert (await client("cancel", first.id)).status == "cancelled"
    with pytest.raises(Refused):
        await client("cancel", second.id)


async def test_ids_of_nobody(api: StubApi, client: Either) -> None:
    with pytest.raises(NotFound):
        await client("get", "req_0")
    with pytest.raises(ValueError, match="is not the id"):
        await client("get", "../tokens")
    with pytest.raises(TypeError):
        await client("get", None)


def test_a_decision_has_one_set_of_arguments_or_says_so() -> None:
    none = Decision(request_id="req_1", verdict="approve", approved=True)

    with pytest.raises(ValueError, match="has 0 actions"):
        _ = none.arguments
