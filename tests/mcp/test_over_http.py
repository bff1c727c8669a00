"""A model asks people through `/mcp`, with clients of both protocols whose calls are held."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mcp.client import Client

from bot.approvals.model.decision import Choose, Reject, Respond
from bot.approvals.model.token import Scope
from bot.http.mcp.door import mounted
from tests.mcp.conftest import Live
from tests.support.mcp_clients import LEGACY, MODERN, over_http, said, text
from tests.support.served import half_sent, served

DELETE = {"action": "delete_bucket", "arguments": {"name": "logs", "force": True}}
BASH = {"tool_name": "Bash", "input": {"command": "ls"}, "tool_use_id": "toolu_shutdown"}
both = pytest.mark.parametrize("mode", [LEGACY, MODERN])


def calling(client: Client, tool: str, arguments: dict[str, Any], **how: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(client.call_tool(tool, arguments, **how))


@both
async def test_an_approval_is_handed_out_once_and_with_the_edits(live: Live, mode: str) -> None:
    """What people edited is what the model gets. A second call with the key gets no approval."""
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    asked = DELETE | {"reason": "It is full.", "key": live.key()}
    async with over_http(live.url, await live.own(), mode) as client:
        call = calling(client, "request_approval", asked, progress_callback=hear)
        request = await live.asked()
        await live.run(live.served.api.edit(request["id"], {"name": "old-logs", "force": False}))
        await live.vote(request["id"])
        first = said(await call)
        second = said(await client.call_tool("request_approval", asked))

    assert request["question"]["action_requests"][0]["description"] == "It is full."
    assert first["approved"] is True
    assert first["verdict"] == "edit"
    assert first["arguments"] == {"name": "old-logs", "force": False}
    assert heard[0] is not None
    assert heard[0].startswith("Waiting for people in Slack")
    assert (await live.read(request["id"]))["consumed_at"] is not None
    assert second["approved"] is False
    assert second["verdict"] == "already_used"
    assert "arguments" not in second


async def test_two_calls_with_one_key_wait_together_and_one_gets_the_approval(live: Live) -> None:
    asked = DELETE | {"key": live.key()}
    async with over_http(live.url, await live.own()) as client:
        calls = [calling(client, "request_approval", asked) for _ in range(2)]
        request = await live.asked()
        await live.vote(request["id"])
        answers = [said(await call) for call in calls]

    assert sorted(each["verdict"] for each in answers) == ["already_used", "approve"]
    assert [each["approved"] for each in answers].count(True) == 1


async def test_a_rejection_is_told_as_often_as_it_is_asked_for(live: Live) -> None:
    asked = DELETE | {"key": live.key()}
    async with over_http(live.url, await live.own()) as client:
        call = calling(client, "request_approval", asked)
        request = await live.asked()
        await live.vote(request["id"], Reject(reason="not on a Friday"))
        answers = [said(await call), said(await client.call_tool("request_approval", asked))]

    assert answers[0] == answers[1]
    assert answers[0]["approved"] is False
    assert answers[0]["verdict"] == "reject"
    assert answers[0]["reason"] == "not on a Friday"
    assert "arguments" not in answers[0]
    assert (await live.read(request["id"]))["consumed_at"] is None


@both
async def test_a_permission_is_in_the_shape_that_claude_code_expects(live: Live, mode: str) -> None:
    """The input that people approved, and it is given once."""
    asked = {"tool_name": "Bash", "input": {"command": "rm -r /old"}, "tool_use_id": f"toolu_{live.key()}"}
    async with over_http(live.url, await live.own(), mode) as client:
        call = calling(client, "permission_prompt", asked)
        request = await live.asked()
        await live.run(live.served.api.edit(request["id"], {"command": "rm -ri /old"}))
        await live.vote(request["id"])
        result = await call
        again = said(await client.call_tool("permission_prompt", asked))

    assert said(result) == {"behavior": "allow", "updatedInput": {"command": "rm -ri /old"}}
    assert result.structured_content is None
    assert again["behavior"] == "deny"


async def test_a_permission_that_is_not_given_is_denied_with_the_reason(live: Live) -> None:
    asked = {"tool_name": "Bash", "input": {"command": "rm -r /"}, "permission_suggestions": []}
    async with over_http(live.url, await live.own()) as client:
        call = calling(client, "permission_prompt", asked)
        request = await live.asked()
        await live.vote(request["id"], Reject(reason="never"))
        denied = said(await call)
        unfit = said(await client.call_tool("permission_prompt", {"tool_name": "Bash"}))

    assert denied == {"behavior": "deny", "message": "It was rejected in Slack by U0ALICE: never"}
    assert unfit["behavior"] == "deny"
    assert "input" in unfit["message"]


async def test_an_answer_is_one_of_the_choices_or_words_and_is_kept(live: Live) -> None:
    chosen = {"question": "Which region?", "choices": ["eu", "us"], "key": live.key()}
    open_ = {"question": "What is the name?", "key": live.key()}
    async with over_http(live.url, await live.own()) as client:
        call = calling(client, "ask_human", chosen)
        await live.vote((await live.asked())["id"], Choose(choice="us"))
        one = said(await call)
        call = calling(client, "ask_human", open_)
        await live.vote((await live.asked())["id"], Respond(value="blue"))
        other = said(await call)
        again = said(await client.call_tool("ask_human", open_))

    assert (one["answered"], one["answer"]) == (True, "us")
    assert (other["answered"], other["answer"]) == (True, "blue")
    assert again == other


@both
async def test_without_a_key_an_old_yes_is_never_found(live: Live, mode: str) -> None:
    """The same words ask people again. A call that is cancelled takes its question back."""
    async with over_http(live.url, await live.own(), mode) as client:
        call = calling(client, "request_approval", DELETE)
        first = await live.asked()
        await live.vote(first["id"])
        assert said(await call)["approved"] is True
        call = calling(client, "request_approval", DELETE)
        second = await live.asked()
        call.cancel()
        await asyncio.wait([call])  # in the older protocol, what withdraws it is the end of the connection

    assert second["id"] != first["id"]
    assert (await live.settled(second["id"]))["status"] == "cancelled"


async def test_a_cancelled_call_with_a_key_leaves_its_question(live: Live) -> None:
    asked = DELETE | {"key": live.key()}
    async with over_http(live.url, await live.own()) as client:
        call = calling(client, "request_approval", asked)
        request = await live.asked()
        await live.waiting(1)
        call.cancel()
        await live.waiting(0)
        call = calling(client, "request_approval", asked)
        await live.waiting(1)
        await live.vote(request["id"])
        answer = said(await call)

    assert answer["approved"] is True
    assert answer["request"] == request["id"]


async def test_a_key_is_used_for_one_question(live: Live) -> None:
    asked = {"question": "Which region?", "key": live.key()}
    async with over_http(live.url, await live.own()) as client:
        call = calling(client, "ask_human", asked)
        request = await live.asked()
        other = await client.call_tool("ask_human", asked | {"question": "Which continent?"})
        await live.vote(request["id"], Respond(value="eu"))
        await call

    assert other.is_error
    assert "key" in text(other)


async def test_a_key_finds_nothing_of_another_token_nor_of_another_tool(live: Live) -> None:
    """Two tokens of one source, and a program that uses the same key, have requests of their own."""
    key = live.key().replace(" ", "-")
    tokens = [await live.own(), await live.token("billing-service")]
    plain = await live.run(live.served.api.post("/v1/requests", {"question": "mine"}, key=key))
    live.seen.add(plain.json["id"])
    ids = {plain.json["id"]}
    for token in tokens:
        async with over_http(live.url, token) as client:
            for tool, asked in (("ask_human", {"question": "Which?"}), ("request_approval", DELETE)):
                call = calling(client, tool, asked | {"key": key})
                request = await live.asked()
                ids.add(request["id"])
                await live.vote(request["id"], Respond(value="this") if tool == "ask_human" else Reject(reason="no"))
                await call

    assert len(ids) == 5


async def test_wrong_arguments_are_refused_and_nobody_is_asked(live: Live) -> None:
    async with over_http(live.url, await live.own()) as client:
        misspelt = await client.call_tool("request_approval", DELETE | {"resaon": "x"})
        many = await client.call_tool("request_approval", DELETE | {f"x{n}": 1 for n in range(50)})
        too_large = await client.call_tool("ask_human", {"question": "x" * 250_000})

    assert misspelt.is_error
    assert "resaon" in text(misspelt)
    assert many.is_error
    assert "and 30 more" in text(many)
    assert too_large.is_error
    assert "200,000" in text(too_large)


async def test_a_shutdown_lets_held_calls_go() -> None:
    async with served(mounting=mounted) as api, over_http(api.url, await api.own()) as client:
        await client.list_tools()  # this client does so after its first result, when the bot takes no calls any more
        calls = [calling(client, "request_approval", DELETE), calling(client, "permission_prompt", BASH)]
        while len(api.waiters) < len(calls):  # noqa: ASYNC110 - nobody says so
            await asyncio.sleep(0.01)
        api.serving.drain()
        approval, permission = [said(await call) for call in calls]

    assert (approval["approved"], approval["verdict"]) == (False, "pending")
    assert approval["key"].startswith("call-")
    assert permission["behavior"] == "deny"


async def test_a_shutdown_waits_for_no_body(caplog: pytest.LogCaptureFixture) -> None:
    async with served(mounting=mounted) as api:
        answer = await half_sent(api, "/mcp")

    assert answer.startswith("HTTP/1.1 503 ")
    assert not [each for each in caplog.records if each.exc_info]


async def test_only_a_token_that_may_ask_gets_in(live: Live) -> None:
    api = live.served.api
    reader = await live.token(scopes=frozenset({Scope.READ_REQUESTS}))

    wrong = await live.run(api.post("/mcp", {}, token="csk_wrong"))
    missing = await live.run(api.get("/mcp", token=""))
    stream = await live.run(api.get("/mcp"))
    weak = await live.run(api.post("/mcp", {}, token=reader))

    assert (wrong.status, wrong.problem) == (401, "unauthorized")
    assert (missing.status, missing.problem) == (401, "unauthorized")
    assert (weak.status, weak.problem) == (403, "scope-missing")
    assert (stream.status, stream.headers["Allow"]) == (405, "POST")


async def test_a_token_that_may_not_read_gets_no_decision(live: Live) -> None:
    writer = await live.token(scopes=frozenset({Scope.WRITE_REQUESTS}))
    async with over_http(live.url, writer) as client:
        refused = await client.call_tool("permission_prompt", {"tool_name": "Bash", "input": {}})
    live.seen.add((await live.asked())["id"])

    assert said(refused)["behavior"] == "deny"
    assert "requests:read" in said(refused)["message"]
