"""A call that Slack refuses for a while is made again when Slack allows it, and not for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.errors import SlackApiError

from bot.approvals.model.errors import SettingsError
from bot.slack.api import tokens
from bot.slack.api.calls import web_client
from bot.slack.api.waits import WaitsOut


@dataclass
class Slack:
    """Refuses the first calls for so many seconds each, and takes the next one."""

    url: str = ""
    refusals: list[int] = field(default_factory=list)
    calls: int = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.calls += 1
        if self.refusals:
            after = {"Retry-After": str(self.refusals.pop(0))}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=after)
        return web.json_response({"ok": True})


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    slack = Slack()
    application = web.Application()
    application.router.add_route("*", "/api/{method}", slack.answer)
    async with TestServer(application) as server:
        slack.url = str(server.make_url("/api/"))
        yield slack


@dataclass
class Waiter:
    """Notes what is said and slept."""

    said: list[tuple[str, float]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def handler(self, seconds: float = 100) -> WaitsOut:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return WaitsOut(lambda method, wait: self.said.append((method, wait)), seconds, sleep)


async def test_each_wait_is_said_and_taken_and_then_the_call_is_made_again(slack: Slack) -> None:
    slack.refusals, waiter = [7, 20], Waiter()

    answer = await web_client("xoxb-1", slack.url, again=[waiter.handler()]).auth_test()

    assert answer["ok"]
    assert waiter.said == [("auth.test", 7.0), ("auth.test", 20.0)]
    assert waiter.slept == [7.0, 20.0]


async def test_a_wait_beyond_the_bound_is_not_begun(slack: Slack) -> None:
    slack.refusals, waiter = [60, 60], Waiter()

    with pytest.raises(SlackApiError):
        await web_client("xoxb-1", slack.url, again=[waiter.handler(seconds=100)]).auth_test()

    assert (waiter.slept, slack.calls) == ([60.0], 2)


async def test_a_token_that_could_not_be_looked_at_is_not_called_wrong(slack: Slack) -> None:
    slack.refusals = [60]

    with pytest.raises(SettingsError, match=r"SLACK_BOT_TOKEN: Slack allows no more calls at the moment") as refused:
        await tokens.identity("xoxb-1", slack.url, Waiter().handler(seconds=1))

    assert "refuses it" not in str(refused.value)
