"""The Web API and Socket Mode as Slack's clients for Node meet them: no habit of the Python ones is taken for Slack's.

The two packages come from npm, once, into node_modules at the root, which git ignores.
"""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import npm
from tests.support.desk import Desk, actions, button, section

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "node"
PACKAGES = ("@slack/web-api@7", "@slack/socket-mode@2")


@pytest.fixture
def node() -> str:
    """Node with Slack's packages; skips, and says why, where they cannot be had."""
    try:
        return npm.installed(PACKAGES, ROOT)
    except npm.NoPackages as error:
        pytest.skip(f"NOT TESTED WITH SLACK'S NODE CLIENTS: {error}")


async def _started(node: str, script: str, desk: Desk, token: str) -> Process:
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return await asyncio.create_subprocess_exec(
        node, str(SCRIPTS / script), desk.api_url, token, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )


async def _calls(node: str, desk: Desk) -> dict[str, Any]:
    process = await _started(node, "calls.mjs", desk, desk.world.bot_token)
    out, complaint = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, complaint.decode()
    said: dict[str, Any] = json.loads(out.splitlines()[-1])
    return said


async def test_its_calls_are_understood_and_its_refusals_have_slacks_names(node: str, desk: Desk) -> None:
    said = await _calls(node, desk)

    [shown] = await desk.seat("alice").messages("#ops")
    assert said["self"] == "U0COUNTERSIGN"
    assert "chat:write" in said["scopes"]
    assert said["thread"] == ["Edited", "A reply", ""]
    assert said["metadata"] == {"event_type": "request_posted", "event_payload": {"id": "r1"}}
    assert said["reactions"][0]["users"] == ["U0COUNTERSIGN"]
    assert said["file"] == "plan.txt"
    assert said["names"] == ["alice", "bob", "carol", "dave", "erin", "grace", "countersign"]
    assert said["direct"] == "U0BOB"
    assert (said["missingScope"], said["notInChannel"]) == ("missing_scope", "not_in_channel")
    assert said["badBlocks"] == "invalid_blocks"
    assert shown["blocks"][0]["text"]["text"] == "From *node* & ünïcode"


async def test_it_comes_back_after_a_429_and_after_a_500(node: str, desk: Desk) -> None:
    await desk.sim.fault("auth.test", "status", status=429, retry_after=1)
    await desk.sim.fault("reactions.add", "status", status=500)

    said = await _calls(node, desk)

    assert [call["status"] for call in await desk.sim.traffic(method="auth.test")] == [429, 200]
    assert [call["status"] for call in await desk.sim.traffic(method="reactions.add")] == [500, 200]
    assert said["self"] == "U0COUNTERSIGN"


@pytest.fixture
async def listener(node: str, desk: Desk) -> AsyncIterator[asyncio.StreamReader]:
    """What the app on @slack/socket-mode says that it heard, once it is connected."""
    process = await _started(node, "listens.mjs", desk, desk.world.app_token)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stderr is not None
    first = await asyncio.wait_for(process.stdout.readline(), 30)
    assert json.loads(first or b"{}") == {"type": "connected"}, await process.stderr.read()
    yield process.stdout
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 30) == 0


async def _heard(listener: asyncio.StreamReader) -> dict[str, Any]:
    heard: dict[str, Any] = json.loads(await asyncio.wait_for(listener.readline(), 30))
    return heard


async def test_its_socket_takes_clicks_commands_and_events(desk: Desk, listener: asyncio.StreamReader) -> None:
    bob = desk.seat("bob")
    await desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks=[section(), actions(button("approve"))])
    posted = await _heard(listener)
    [card] = await bob.messages("#ops")

    pressed = await bob.press(card, "approve")
    click = await _heard(listener)
    ran = await bob.command("#ops", "/task hello")
    command = await _heard(listener)

    assert posted == {"type": "message", "text": "x"}
    assert (pressed["ok"], ran["ok"]) == (True, True)
    assert click == {"type": "block_actions", "action": "approve", "user": "U0BOB"}
    assert command == {"type": "slash_commands", "command": "/task"}
    assert [notice["text"] for notice in await bob.notices()] == ["You said: hello"]


async def test_its_socket_comes_back_when_slack_asks_it_to(desk: Desk, listener: asyncio.StreamReader) -> None:
    opened = (await desk.sim.state())["connections_opened"]

    await desk.sim.drop_sockets(politely=True)
    await desk.sim.wait_connected(since=opened)
    again = await _heard(listener)

    assert again == {"type": "connected"}
    assert (await desk.seat("bob").command("#ops", "/task hello"))["ok"]
