"""How the bot is connected: over a socket or over HTTP, as the settings say, and when it counts as connected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import connection
from bot.app.connection import Connection, OverHttp, OverSocket
from bot.approvals.model.errors import SettingsError
from bot.approvals.model.facts import SlackConnected, SlackDisconnected
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.settings import Settings
from bot.slack.api.calls import connections
from tests.support.fakes.telemetry import Heard
from tests.support.signing import SECRET, signed


@dataclass
class Slack:
    """The Web API, and which of its methods were called."""

    url: str = ""
    ok: bool = True
    called: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.called.append(request.match_info["method"])
        return web.json_response({"ok": True, "url": "wss://x"} if self.ok else {"ok": False, "error": "invalid_auth"})


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    slack = Slack()
    application = web.Application()
    application.router.add_route("*", "/api/{method}", slack.answer)
    async with TestServer(application) as server:
        slack.url = str(server.make_url("/api/"))
        yield slack


@asynccontextmanager
async def made(slack: Slack, telemetry: Telemetry = SILENT, **settings: Any) -> AsyncIterator[Connection]:
    """The connection that these settings ask for."""
    async with connections() as session:
        given = {"_env_file": None, "slack_bot_token": "xoxb-1", "slack_api_url": slack.url, **settings}
        found = await connection.connection(Settings(**given), session, telemetry)
        yield found
        await found.close()


@pytest.fixture
async def over_http(slack: Slack) -> AsyncIterator[OverHttp]:
    async with made(slack, slack_signing_secret=SECRET, http_bind="127.0.0.1:0") as found:
        assert isinstance(found, OverHttp)
        yield found


async def test_a_token_for_sockets_is_tried_before_anything_starts(slack: Slack) -> None:
    async with made(slack, slack_app_token="xapp-1") as found:
        assert isinstance(found, OverSocket)
        assert not await found.is_connected()
    assert slack.called == ["apps.connections.open"]

    slack.ok = False
    with pytest.raises(SettingsError, match="SLACK_APP_TOKEN"):
        async with made(slack, slack_app_token="xapp-1"):
            pass


async def test_over_http_no_socket_is_asked_for(slack: Slack, over_http: OverHttp) -> None:
    await over_http.start()

    assert slack.called == []
    assert over_http.request_url.is_open


async def test_over_http_it_is_connected_while_requests_are_taken_and_slack_answers(
    slack: Slack, over_http: OverHttp
) -> None:
    """Slack is asked once in a while, and not each time."""
    assert not await over_http.is_connected()

    await over_http.start()
    assert await over_http.is_connected()
    assert await over_http.is_connected()
    assert slack.called == ["auth.test"]

    await over_http.close()
    assert not await over_http.is_connected()


async def test_over_http_a_slack_that_refuses_or_is_away_is_no_connection(slack: Slack, over_http: OverHttp) -> None:
    await over_http.start()
    slack.ok = False

    assert not await over_http.is_connected()


async def test_over_http_a_signed_request_proves_more_than_an_answer(slack: Slack, over_http: OverHttp) -> None:
    await over_http.start()
    slack.ok = False

    await over_http.request_url.take(signed("{}"), b"{}")

    assert await over_http.is_connected()
    assert slack.called.count("auth.test") <= 1, "Bolt asks who the bot is, and nobody asks whether Slack is there"


async def test_over_http_what_was_heard_long_ago_counts_no_more(
    slack: Slack, over_http: OverHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await over_http.start()
    assert await over_http.is_connected()
    monkeypatch.setattr(connection, "SECONDS_KNOWN", -1.0)
    slack.ok = False

    assert not await over_http.is_connected()


async def test_over_http_it_is_told_once_that_slack_is_away_and_that_it_is_back(
    slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as anybody asks."""
    heard = Heard()
    monkeypatch.setattr(connection, "SECONDS_KNOWN", -1.0)

    async with made(slack, heard, slack_signing_secret=SECRET, http_bind="127.0.0.1:0") as found:
        await found.start()
        for slack.ok in (True, False, False, True):
            await found.is_connected()

    told = [fact for fact in heard.facts if isinstance(fact, SlackConnected | SlackDisconnected)]
    assert told[:2] == [SlackConnected(), SlackDisconnected()]
    assert isinstance(told[2], SlackConnected)
    assert told[2].away is not None
    assert len(told) == 3
