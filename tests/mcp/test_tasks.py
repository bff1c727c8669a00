"""A client that polls: the id of its task says all, so any server answers it."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND

from bot.approvals.model.decision import Reject
from tests.mcp.conftest import Live
from tests.support.mcp_clients import LEGACY, begin, cancel, over_http, poll, said, text

DELETE = {"action": "delete_bucket", "arguments": {"name": "logs"}}


def result(task: dict[str, Any]) -> dict[str, Any]:
    """What the call of the tool gave."""
    assert task["status"] == "completed", task
    found: dict[str, Any] = task["result"]["structuredContent"]
    return found


async def test_a_task_is_the_request_and_another_connection_reads_it(live: Live) -> None:
    """Polling again gives the same result, although the approval is handed out once."""
    token = await live.own()
    async with over_http(live.url, token, tasks=True) as client:
        id = await begin(client, "request_approval", DELETE | {"key": live.key()})
        request = await live.asked()
        working = await poll(client, id)
    await live.vote(request["id"])
    await live.settled(request["id"])
    async with over_http(live.url, token, tasks=True) as client:
        answers = [result(await poll(client, id)) for _ in range(2)]

    assert id.split("~")[:2] == ["request_approval", request["id"]]
    assert working["status"] == "working"
    assert working["pollIntervalMs"] == 2000
    assert working["createdAt"] == request["created_at"]
    assert answers[0]["approved"] is True
    assert answers[0]["arguments"] == {"name": "logs"}
    assert answers[1] == answers[0]


async def test_two_tasks_with_one_key_share_the_request_and_one_gets_the_approval(live: Live) -> None:
    asked = DELETE | {"key": live.key()}
    async with over_http(live.url, await live.own(), tasks=True) as client:
        ids = [await begin(client, "request_approval", asked) for _ in range(2)]
        request = await live.asked()
        await live.vote(request["id"])
        await live.settled(request["id"])
        second, first = result(await poll(client, ids[1])), result(await poll(client, ids[0]))

    assert ids[0] != ids[1]
    assert (second["approved"], first["approved"]) == (True, False)
    assert first["verdict"] == "already_used"


async def test_a_permission_is_polled_in_its_own_shape(live: Live) -> None:
    async with over_http(live.url, await live.own(), tasks=True) as client:
        id = await begin(client, "permission_prompt", {"tool_name": "Bash", "input": {"command": "ls"}})
        request = await live.asked()
        await live.vote(request["id"], Reject(reason="no"))
        await live.settled(request["id"])
        task = await poll(client, id)

    assert task["result"]["content"][0]["text"] == (
        '{"behavior": "deny", "message": "It was rejected in Slack by U0ALICE: no"}'
    )


async def test_a_cancelled_task_withdraws_the_question_and_has_no_result(live: Live) -> None:
    async with over_http(live.url, await live.own(), tasks=True) as client:
        id = await begin(client, "request_approval", DELETE)
        request = await live.asked()
        await cancel(client, id)
        await cancel(client, id)
        task = await poll(client, id)

    assert task["status"] == "cancelled"
    assert "result" not in task
    assert (await live.read(request["id"]))["status"] == "cancelled"


async def test_cancelling_a_decided_task_changes_nothing(live: Live) -> None:
    async with over_http(live.url, await live.own(), tasks=True) as client:
        id = await begin(client, "request_approval", DELETE)
        request = await live.asked()
        await live.vote(request["id"])
        await live.settled(request["id"])
        await cancel(client, id)
        task = await poll(client, id)

    assert result(task)["approved"] is True


async def test_a_task_of_another_source_does_not_exist(live: Live) -> None:
    """Nor does one whose id nobody made."""
    async with over_http(live.url, await live.own(), tasks=True) as client:
        id = await begin(client, "request_approval", DELETE)
        request = await live.asked()
    async with over_http(live.url, await live.token("mail-service"), tasks=True) as other:
        for unknown in (id, "request_approval~req_00~0123456789abcdef", "nothing", f"other{id}", f"{id}0"):
            for ask in (poll, cancel):
                with pytest.raises(MCPError) as refused:
                    await ask(other, unknown)
                assert refused.value.code == INVALID_PARAMS, unknown

    assert (await live.read(request["id"]))["status"] == "pending"


async def test_a_refused_question_is_no_task(live: Live) -> None:
    async with over_http(live.url, await live.own(), tasks=True) as client:
        refused = await client.call_tool("ask_human", {"question": "x" * 250_000})
        denied = await client.call_tool("permission_prompt", {"tool_name": "x", "input": {"all": "x" * 250_000}})

    assert refused.is_error
    assert "200,000" in text(refused)
    assert said(denied)["behavior"] == "deny"


async def test_an_older_client_has_no_tasks(live: Live) -> None:
    async with over_http(live.url, await live.own(), LEGACY) as client:
        with pytest.raises(MCPError) as refused:
            await poll(client, "request_approval~req_00~0123456789abcdef")

    assert refused.value.code == METHOD_NOT_FOUND
