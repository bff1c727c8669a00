"""`countersign mcp`: a real process between a client and a real API."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot import __main__ as command_line
from bot.cli import mcp as command
from tests.mcp.conftest import Live
from tests.support.mcp_clients import LEGACY, begin, over_http, over_stdio, poll, said

DELETE = {"action": "delete_bucket", "arguments": {"name": "logs"}}


@pytest.mark.heavy
async def test_people_are_asked_over_stdio(live: Live, tmp_path: Path) -> None:
    """A question whose call is cancelled, or whose client goes away, is withdrawn. The log has nothing of the token."""
    token = await live.own()
    with (tmp_path / "log").open("w+") as log:
        options = ("--requester", "U0RITA", "--channel", "#ops", "--source", "billing-service")
        async with over_stdio(live.url, token, log, *options, mode=LEGACY) as client:
            call = asyncio.create_task(client.call_tool("request_approval", DELETE))
            request = await live.asked()
            await live.vote(request["id"])
            answer = said(await call)
            cancelled = asyncio.create_task(client.call_tool("request_approval", DELETE))
            withdrawn = [(await live.asked())["id"]]
            cancelled.cancel()
            await asyncio.wait([cancelled])
            left = asyncio.create_task(client.call_tool("request_approval", DELETE))
            withdrawn.append((await live.asked())["id"])
        await asyncio.wait([left])
        assert left.exception() is not None
        log.seek(0)
        written = log.read()

    assert answer["approved"] is True
    assert request["requester"] == "U0RITA"
    for id in withdrawn:
        assert (await live.settled(id))["status"] == "cancelled"
    assert written == ""


@pytest.mark.heavy
async def test_a_task_is_read_by_a_process_that_knows_nothing_of_it(live: Live, tmp_path: Path) -> None:
    token = await live.own()
    async with over_http(live.url, token, tasks=True) as client:
        id = await begin(client, "request_approval", DELETE)
    with (tmp_path / "log").open("w+") as log:
        request = await live.asked()
        await live.vote(request["id"])
        await live.settled(request["id"])
        async with over_stdio(live.url, token, log, tasks=True) as client:
            task = await poll(client, id)

    assert task["result"]["structuredContent"]["approved"] is True


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "COUNTERSIGN_URL is not set"),
        ({"COUNTERSIGN_URL": "approvals.example.com"}, "COUNTERSIGN_URL is no address of a bot"),
        ({"COUNTERSIGN_URL": "http://127.0.0.1:8420"}, "COUNTERSIGN_TOKEN is not set"),
        ({"COUNTERSIGN_URL": "http://127.0.0.1:8420", "COUNTERSIGN_TOKEN": "xoxb-secret"}, "is no token"),
        ({"COUNTERSIGN_URL": "http://127.0.0.1:8420", "COUNTERSIGN_TOKEN": "csk_1"}, "countersign-bot[mcp]"),
    ],
)
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environment: dict[str, str], words: str
) -> None:
    for name in (command.URL, command.TOKEN):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "find_spec", lambda name: None)

    code = command_line.main(["mcp"])

    shown = capsys.readouterr()
    assert code == 2
    assert words in shown.err
    assert shown.out == ""
    assert "secret" not in shown.err
