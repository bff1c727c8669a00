"""What is told of Slack: each call and how it ended, calls that are not made, and the connection. Against the local
Slack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

from bot.approvals.model.facts import (
    Fact,
    SlackCalled,
    SlackConnected,
    SlackDisconnected,
    SlackHeldBack,
    SlackLimited,
)
from bot.slack.api.calls import call, web_client
from bot.slack.api.intake.handler import SECONDS_BETWEEN, Handler, NotAgain
from bot.slack.api.rate_limit import Pace, Rate, TooLong
from tests.support.desk import Desk, make_world, opened
from tests.support.fakes.telemetry import Heard

PATIENCE = 20.0


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened(make_world()) as desk:
        yield desk


async def told(desk: Desk) -> list[Fact]:
    """Of one look at who the bot is."""
    heard = Heard()
    client = web_client(desk.world.bot_token, desk.api_url, telemetry=heard)
    await call(client.auth_test(), PATIENCE)
    return heard.facts


@pytest.mark.parametrize(
    ("kind", "given", "outcome", "error"),
    [
        ("", {}, "done", ""),
        ("error", {"error": "account_inactive"}, "refused", "account_inactive"),
        ("status", {"status": 503}, "unknown", "internal_error"),
        ("lose_response", {}, "unknown", "ServerDisconnectedError"),
    ],
)
async def test_each_call_is_told_with_its_outcome(
    desk: Desk, kind: str, given: dict[str, object], outcome: str, error: str
) -> None:
    """By Slack's own word, or by what came in place of an answer."""
    if kind:
        await desk.sim.fault("auth.test", kind, **given)  # type: ignore[arg-type]

    (fact,) = await told(desk)

    assert isinstance(fact, SlackCalled)
    assert (fact.method, fact.outcome, fact.error) == ("auth.test", outcome, error)
    assert 0 < fact.seconds < PATIENCE


async def test_a_call_that_nobody_can_be_reached_with_is_told() -> None:
    """It was not sent."""
    heard = Heard()

    await call(web_client("xoxb-1", "http://127.0.0.1:9/api/", telemetry=heard).auth_test(), PATIENCE)

    assert [fact.outcome for fact in heard.of(SlackCalled)] == ["not_sent"]


async def test_a_429_is_told_with_how_long_it_lasts(desk: Desk) -> None:
    """Besides the call that got it."""
    await desk.sim.fault("auth.test", "status", status=429, retry_after=7)

    called, limited = await told(desk)

    assert isinstance(called, SlackCalled)
    assert called.outcome == "limited"
    assert limited == SlackLimited(method="auth.test", seconds=7.0)


async def test_a_call_that_is_not_waited_for_is_told(desk: Desk) -> None:
    """A time limit ended it, so that nobody knows whether Slack did it."""
    heard = Heard()
    client = web_client(desk.world.bot_token, desk.api_url, telemetry=heard)

    await call(client.auth_test(), 0)

    assert [fact.outcome for fact in heard.of(SlackCalled)] == ["unknown"]


async def test_a_call_that_our_own_pace_does_not_let_through_is_told() -> None:
    """With how long it would have had to wait."""
    heard = Heard()
    pace = Pace(lambda: 0.0, telemetry=heard)
    await pace.turn("chat.update", Rate(calls=1, burst=1))

    with pytest.raises(TooLong) as late:
        await pace.turn("chat.update", Rate(calls=1, burst=1), patience=1.0)

    assert heard.facts == [SlackHeldBack(method="chat.update", seconds=late.value.seconds)]


# --- The socket ---------------------------------------------------------------------------------


@pytest.mark.parametrize("politely", [True, False])
async def test_a_socket_that_is_opened_lost_and_back_is_told_each_time(desk: Desk, politely: bool) -> None:
    """With the seconds between; and whether Slack had said that it would end it."""
    heard = Heard()
    world = desk.world
    async with aiohttp.ClientSession() as session:
        client = web_client(world.bot_token, desk.api_url, session)
        bolt = AsyncApp(client=client, logger=logging.getLogger("slack_bolt"))
        handler = Handler(
            bolt,
            world.app_token,
            web_client=web_client(world.app_token, desk.api_url, session),
            ping_interval=0.05,
            telemetry=heard,
        )
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await desk.sim.drop_sockets(politely=politely)
        async with asyncio.timeout(PATIENCE):
            while len(heard.facts) < 3:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        await handler.close_async()  # type: ignore[no-untyped-call]

    first, lost, back = heard.facts
    assert (first, lost) == (SlackConnected(), SlackDisconnected(announced=politely))
    assert isinstance(back, SlackConnected)
    assert back.away is not None
    assert 0 < back.away < PATIENCE


def test_the_same_error_of_slack_sdk_is_logged_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in parentheses: there it has the id of a session."""
    only, now = NotAgain(), [0.0]
    monkeypatch.setattr("bot.slack.api.intake.handler.time.monotonic", lambda: now[0])

    def passes(words: str) -> bool:
        return only.filter(logging.LogRecord("slack_bolt.socket", logging.ERROR, "", 0, words, None, None))

    first = [passes("Failed to connect (error: 1)"), passes("Failed to connect (error: 2)"), passes("Another")]
    now[0] = SECONDS_BETWEEN

    assert first == [True, False, True]
    assert passes("Failed to connect (error: 3)")
