"""Offering to undo what was done, and calling decisions off."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from countersign import Countersign, Decision, DecisionStale, NotApproved, Refused, Unreachable, reading, undo_window
from tests.clients.conftest import Either
from tests.support.stub_api import Fault, StubApi

DONE = "Moved 3 files of logs to the trash"
WAY_BACK = {"how": "Moves the files back", "trash": "t-1"}
ANSWER = {"type": "undo", "undo": WAY_BACK, "key": "f" * 64}
ACTED_AT = datetime(2026, 11, 29, 10, tzinfo=UTC)


async def test_an_undo_has_its_way_back_and_key_and_is_false(api: StubApi, client: Either) -> None:
    api.on_request = partial(api.decide, verdict="undo", answer=ANSWER)

    offered = await client("offer_undo", DONE, undo=WAY_BACK, at=ACTED_AT, requester="U0RITA", key="trash-1")

    assert (offered.undone, offered.kept, bool(offered)) == (True, False, False)
    assert (offered.way_back, offered.key) == (WAY_BACK, "f" * 64)
    with pytest.raises(NotApproved):
        offered.check()
    request = api.requests[api.the_request()]
    assert request["question"] == {
        "type": "undo_window",
        "action": DONE,
        "undo": WAY_BACK,
        "window": "10m",
        "at": "2026-11-29T10:00:00+00:00",
    }
    assert request["requester"] == "U0RITA"


@pytest.mark.parametrize("verdict", ["keep", "closed"])
async def test_what_stays_is_kept_and_false(api: StubApi, client: Either, verdict: str) -> None:
    api.on_request = partial(api.decide, verdict=verdict, answer={"type": "keep"})

    offered = await client("offer_undo", {"name": "trash", "arguments": {"folder": "logs"}}, undo=False, key="trash-1")

    assert (offered.undone, offered.kept, bool(offered)) == (False, True, False)
    assert (offered.way_back, offered.key) == (None, None)
    assert api.requests[api.the_request()]["question"]["undo"] is False


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "keep"},
        {"verdict": "expired"},
        {"approved": True, "verdict": "approve"},
        {"answer": "undo"},
        {"answer": None},
        {"answer": {"type": "keep"}},
        {"items": [{"name": "", "verdict": "undo"}, {"name": "", "verdict": "keep"}]},
    ],
)
def test_an_undo_is_what_the_server_calls_one_in_every_respect(changes: dict[str, Any]) -> None:
    items = [{"name": "", "verdict": "undo"}]

    decision = reading.decision("req_1", {"verdict": "undo", "items": items, "answer": ANSWER, **changes})

    assert (decision.undone, decision.way_back, decision.key) == (False, None, None)


@pytest.mark.parametrize(
    ("action", "given"),
    [("", {}), (None, {}), (DONE, {"at": datetime(2026, 11, 29)}), (DONE, {"window": float("inf")})],  # noqa: DTZ001
)
def test_what_cannot_be_offered_is_refused_before_it_is_sent(action: Any, given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"action|zone|inf"):
        undo_window(action, **given)


async def test_an_offer_need_not_be_waited_for(api: StubApi, client: Either) -> None:
    request = await client("request", undo_window(DONE, window=90, description="They were old."), key="trash-1")

    assert request.question == {
        "type": "undo_window",
        "action": DONE,
        "window": 90,
        "description": "They were old.",
    }


def test_a_window_and_a_hold_are_read() -> None:
    request = reading.request(
        {
            "id": "req_1",
            "status": "pending",
            "window": {
                "acted_at": "2026-11-29T10:00:00Z",
                "closes_at": "2026-11-29T10:10:00Z",
                "reversible": True,
            },
            "hold": {"until": "2026-11-29T10:01:00Z"},
        }
    )

    assert request.window is not None
    assert (request.window.acted_at, request.window.reversible) == (ACTED_AT, True)
    assert request.window.closes_at == ACTED_AT + timedelta(minutes=10)
    assert (request.held_until, request.decision) == (ACTED_AT + timedelta(minutes=1), None)


# --- Calling off --------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("take_back", "take-back"), ("stop", "stop")])
async def test_a_page_calls_a_decision_off(api: StubApi, client: Either, method: str, path: str) -> None:
    request = await client("request", "May I?", key="a")
    api.requests[request.id]["hold"] = {"until": "2026-11-29T10:01:00Z"}

    open_again = await client(method, request.id, person="U0BOB")

    assert (open_again.status, open_again.held_until) == ("pending", None)
    assert api.calls[-1] == ("POST", f"/v1/requests/{request.id}/{path}", {"person": "U0BOB"})
    with pytest.raises(Refused):
        await client(method, request.id, person="U0BOB")


async def test_what_may_have_been_called_off_is_not_called_off_again(api: StubApi, client: Either) -> None:
    """People may have decided anew meanwhile."""
    request = await client("request", "May I?", key="a")
    api.requests[request.id]["hold"] = {"until": "2026-11-29T10:01:00Z"}
    api.faults.append(Fault(path="take-back"))

    with pytest.raises(Unreachable):
        await client("take_back", request.id, person="U0BOB")

    assert sum(path.endswith("take-back") for _, path, _ in api.calls) == 1


async def test_a_decision_that_is_too_old_is_refused(api: StubApi, blocking: Countersign) -> None:
    api.on_request = partial(api.decide, valid_until="2026-11-29T10:00:00Z")
    stale = b'{"type": "/docs#problem-stale-decision", "title": "Too old", "status": 409}'
    api.faults.append(Fault(path="consume", status=409, body=stale))

    decision: Decision = await asyncio.to_thread(blocking.ask, "refund", {"order": "1"}, key="a")

    assert decision.valid_until == ACTED_AT
    with pytest.raises(DecisionStale):
        await asyncio.to_thread(blocking.consume, decision.request_id)
