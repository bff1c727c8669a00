"""A program asks, waits, and takes the decision."""

from __future__ import annotations

import pytest

from tests.support.served import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_question_is_asked_decided_and_consumed(api: Api) -> None:
    made = await api.post("/v1/requests", {"question": {"action": "refund", "arguments": {"order": 1}}}, key="k1")
    assert made.status == 201, made
    id = made.json["id"]
    assert made.headers["Location"] == f"/v1/requests/{id}"
    print(made.json)
    opened = await api.opened(id)
    await api.vote(id)
    got = await api.get(f"/v1/requests/{id}?wait=30")
    print(got.json)
    taken = await api.post(f"/v1/requests/{id}/consume", {"execution": "a"})
    print(taken)
    assert taken.status == 200
