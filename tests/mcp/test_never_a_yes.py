"""Silence, withdrawals, errors and lost connections, against a stand-in of the API that has all of these."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from mcp.client import Client

from bot.mcp import api as api_module
from bot.mcp.api import Api
from bot.mcp.server import server_of
from tests.support.mcp_clients import MODERN, begin, poll, said, text
from tests.support.mcp_clients import Polling as WithTasks
from tests.support.stub_api import TOKEN, Fault, StubApi

DELETE = {"action": "delete_bucket", "arguments": {"name": "logs"}, "key": "k"}
BASH = {"tool_name": "Bash", "input": {"command": "ls"}, "tool_use_id": "toolu_1"}


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubApi]:
    monkeypatch.setattr(api_module, "FIRST_PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(api_module, "LONGEST_PAUSE_SECONDS", 0.02)
    stub = StubApi()
    stub.start()
    yield stub
    if stub.running:
        stub.stop()


@pytest.fixture
async def http(stub: StubApi) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=stub.url, headers=headers, trust_env=False, verify=False) as http:
        yield http


def client_of(http: httpx2.AsyncClient, *, held: float | None = None, tasks: bool = False, **api: Any) -> Client:
    """A client that is connected to a server in this process."""
    server = server_of(lambda _: Api(http=http, caller="tests", **api), held_seconds=held)
    return Client(server, mode=MODERN, extensions=[WithTasks()] if tasks else None)


async def the_request(stub: StubApi) -> str:
    return await asyncio.to_thread(stub.the_request)


def not_allowed(approval: dict[str, Any], permission: dict[str, Any]) -> None:
    assert approval["approved"] is False
    assert "arguments" not in approval
    assert permission["behavior"] == "deny"
    assert permission["message"]


@pytest.mark.parametrize("status", ["expired", "cancelled", "superseded"])
async def test_no_decision_of_people_is_a_no(stub: StubApi, http: httpx2.AsyncClient, status: str) -> None:
    stub.on_request = lambda id: stub.end(id, status)
    async with client_of(http) as client:
        approval = said(await client.call_tool("request_approval", DELETE))
        permission = said(await client.call_tool("permission_prompt", BASH))
        answer = said(await client.call_tool("ask_human", {"question": "Which?", "choices": ["yes", "no"]}))

    not_allowed(approval, permission)
    assert answer["answered"] is False
    assert "answer" not in answer


@pytest.mark.parametrize(
    "decision",
    [
        {"verdict": "approve", "approved": False},
        {"verdict": "approve", "approved": "true"},
        {"verdict": "mixed", "approved": True},
        {"verdict": "delegated", "approved": True},
        {"verdict": "approve", "approved": True, "items": []},
        {"verdict": "approve", "approved": True, "items": [{"name": "x", "verdict": "reject", "arguments": {}}]},
        {"verdict": "approve", "approved": True, "items": [{"name": "x", "verdict": "approve", "arguments": None}]},
    ],
)
async def test_half_a_yes_is_a_no(stub: StubApi, http: httpx2.AsyncClient, decision: dict[str, Any]) -> None:
    stub.on_request = lambda id: stub.decide(id, **decision)
    async with client_of(http) as client:
        approval = said(await client.call_tool("request_approval", DELETE))
        permission = said(await client.call_tool("permission_prompt", BASH))

    not_allowed(approval, permission)


async def test_a_restart_of_the_bot_is_outlived(stub: StubApi, http: httpx2.AsyncClient) -> None:
    """Also one that loses the answers of creating and of consuming: neither is done twice."""
    stub.faults = [Fault(method="POST", path="/v1/requests"), Fault(method="POST", path="/consume")]
    async with client_of(http) as client:
        call = asyncio.create_task(client.call_tool("request_approval", DELETE))
        id = await the_request(stub)
        await asyncio.to_thread(stub.stop)
        await asyncio.to_thread(stub.start)
        stub.decide(id)
        answer = said(await call)

    assert answer["approved"] is True
    assert len(stub.opened) == 1
    assert stub.faults == []


async def test_a_bot_that_stays_away_gives_no_answer(stub: StubApi, http: httpx2.AsyncClient) -> None:
    """The model hears with which key it finds its question again."""
    stub.stop()
    async with client_of(http, patience_seconds=0.01) as client:
        approval = await client.call_tool("request_approval", DELETE)
        permission = said(await client.call_tool("permission_prompt", BASH))

    assert approval.is_error
    assert 'key "k"' in text(approval)
    assert permission["behavior"] == "deny"
    assert "cannot be reached" in permission["message"]


@pytest.mark.parametrize("path", ["/v1/requests", "?wait=", "/consume"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=401, body=b'{"detail": "No valid token."}'),
        Fault(status=500, body=b"<html>"),
        Fault(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        Fault(status=200, body=b'{"approved": true, "verdict": "approve"}'),
        Fault(status=200, body=b"[]"),
    ],
    ids=lambda fault: str(fault.status),
)
async def test_a_refusal_or_nonsense_is_no_yes(
    stub: StubApi, http: httpx2.AsyncClient, path: str, fault: Fault
) -> None:
    fault = Fault(path=path, status=fault.status, headers=fault.headers, body=fault.body)
    stub.faults = [fault] * 20
    if path != "?wait=":  # a request that is decided when it is made is not waited for
        stub.on_request = stub.decide
    async with client_of(http, patience_seconds=0.0) as client:
        approval = await client.call_tool("request_approval", DELETE)
        permission = await client.call_tool("permission_prompt", BASH)

    assert approval.is_error
    assert said(permission)["behavior"] == "deny"


async def test_what_cannot_be_sent_is_no_yes(http: httpx2.AsyncClient) -> None:
    async with client_of(http) as client:
        denied = await client.call_tool("permission_prompt", BASH | {"input": {"command": "\ud800"}})

    assert said(denied)["behavior"] == "deny"


async def test_a_call_that_is_held_for_long_enough_says_how_to_go_on(stub: StubApi, http: httpx2.AsyncClient) -> None:
    """Also one without a key: the key that it is told finds the same question."""
    asked = {"action": "delete_bucket", "arguments": {}}
    async with client_of(http, held=0.5) as client:
        pending = said(await client.call_tool("request_approval", asked))
        stub.decide(await the_request(stub))
        answer = said(await client.call_tool("request_approval", asked | {"key": pending["key"]}))

    assert (pending["approved"], pending["verdict"]) == (False, "pending")
    assert answer["approved"] is True
    assert answer["request"] == pending["request"]


async def test_a_bot_that_shuts_down_lets_calls_go(stub: StubApi, http: httpx2.AsyncClient) -> None:
    async with client_of(http, is_ending=lambda: True) as client:
        approval = said(await client.call_tool("request_approval", DELETE))
        permission = said(await client.call_tool("permission_prompt", BASH))

    assert approval["verdict"] == "pending"
    not_allowed(approval, permission)
    assert [each["status"] for each in stub.requests.values()] == ["pending", "pending"]


async def test_a_task_whose_bot_is_away_goes_on(stub: StubApi, http: httpx2.AsyncClient) -> None:
    async with client_of(http, tasks=True, patience_seconds=0.01) as client:
        id = await begin(client, "request_approval", DELETE)
        await asyncio.to_thread(stub.stop)
        away = await poll(client, id)
        await asyncio.to_thread(stub.start)
        stub.decide(await the_request(stub))
        back = await poll(client, id)

    assert away["status"] == "working"
    assert back["result"]["structuredContent"]["approved"] is True


async def test_the_question_is_what_the_caller_said_and_the_key_hides_its_words(
    stub: StubApi, http: httpx2.AsyncClient
) -> None:
    stub.on_request = stub.decide
    common = {"source": {"name": "claude"}, "channel": "#ops"}
    async with client_of(http, common=common) as client:
        await client.call_tool("request_approval", DELETE | {"key": "a key with ünicode"})

    (request,) = [body for method, path, body in stub.calls if path == "/v1/requests"]
    assert request["channel"] == "#ops"
    assert request["source"] == {"name": "claude"}
    (key,) = stub.opened
    assert key.startswith("mcp:tests:")
    assert key.isascii()
    assert " " not in key
