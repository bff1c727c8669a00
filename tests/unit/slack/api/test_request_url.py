"""What Slack sends over HTTP: only what it has signed is handed to Bolt, and each of it once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.facts import SlackAcknowledged
from bot.slack.api.intake import request_url
from bot.slack.api.intake.request_url import Answer, RequestUrl
from tests.support.fakes.telemetry import Heard
from tests.support.signing import FORM, SECRET, signed

COMMAND = urlencode({"command": "/task", "text": "the words", "team_id": "T1", "user_id": "U1", "trigger_id": "1.2"})


@dataclass
class Desk:
    """A Request URL before a Bolt app that notes what it is told."""

    url: RequestUrl
    heard: list[str] = field(default_factory=list)
    told: Heard = field(default_factory=Heard)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, body: str = COMMAND, content_type: str = FORM, **headers: str) -> Answer | None:
        return await self.url.take({**signed(body, content_type), **headers}, body.encode())

    async def event(self, **event: Any) -> Answer | None:
        body = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": {"type": "message", **event}}
        return await self.send(json.dumps(body), "application/json")


async def _authorize(**_: Any) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="U0BOT", bot_id="B0BOT", bot_token="xoxb-1")


@pytest.fixture
def desk() -> Desk:
    bolt = AsyncApp(client=AsyncWebClient(), authorize=_authorize, signing_secret=SECRET)
    told = Heard()
    desk = Desk(RequestUrl(bolt, SECRET, told), told=told)
    desk.gate.set()
    desk.url.open()

    @bolt.command("/task")
    async def typed(ack: Any, body: Mapping[str, Any]) -> None:
        desk.heard.append(body["text"])
        desk.came.set()
        await desk.gate.wait()
        if desk.fails:
            raise RuntimeError("a bug")
        await ack(f"said {body['text']}")

    @bolt.event("message")
    async def written(body: Mapping[str, Any]) -> None:
        desk.heard.append(body["event"]["text"])

    return desk


async def test_what_slack_has_signed_is_handed_on_and_answered(desk: Desk) -> None:
    answer = await desk.send()

    assert answer is not None
    assert (answer.status, answer.body) == (200, "said the words")
    assert desk.heard == ["the words"]


async def test_an_answer_is_told_as_an_acknowledgement_of_its_kind(desk: Desk) -> None:
    """As Socket Mode names it. What is refused is none."""
    await desk.send()
    await desk.event(text="a word", user="U1")
    await desk.send(urlencode({"payload": json.dumps({"type": "block_actions"})}))
    await desk.send(COMMAND, **{"x-slack-signature": ""})

    kinds = [fact.kind for fact in desk.told.of(SlackAcknowledged)]
    assert kinds == ["slash_commands", "events_api", "interactive"]


@pytest.mark.parametrize(
    ("sent", "changed", "why"),
    [
        ({}, {"x-slack-request-timestamp": ""}, "it is not signed"),
        ({}, {"x-slack-signature": ""}, "it is not signed"),
        ({"secret": "f" * 32}, {}, "SLACK_SIGNING_SECRET"),
        ({"body": COMMAND.replace("words", "sword")}, {}, "SLACK_SIGNING_SECRET"),
        ({"age": 330}, {}, "five minutes"),
        ({"age": -330}, {}, "five minutes"),
        ({}, {"x-slack-request-timestamp": "noon"}, "cannot be read"),
        ({}, {"x-slack-signature": "v0=é"}, "cannot be read"),
    ],
)
async def test_what_slack_has_not_signed_just_now_has_no_effect(
    desk: Desk, caplog: pytest.LogCaptureFixture, sent: dict[str, Any], changed: dict[str, str], why: str
) -> None:
    """The log says why, and nothing of what was sent."""
    headers = {**signed(**{"body": COMMAND, "content_type": FORM, **sent}), **changed}

    with caplog.at_level(logging.INFO):
        answer = await desk.url.take(headers, COMMAND.encode())

    assert answer is not None
    assert answer.status == 401
    assert desk.heard == []
    assert why in caplog.text
    assert "words" not in caplog.text


async def test_a_request_that_was_four_minutes_on_its_way_is_taken(desk: Desk) -> None:
    answer = await desk.url.take(signed(COMMAND, FORM, age=240), COMMAND.encode())

    assert answer is not None
    assert answer.status == 200


async def test_a_body_that_is_no_text_is_refused(desk: Desk) -> None:
    answer = await desk.url.take(signed("{}"), b"\xff")

    assert answer is not None
    assert answer.status == 401


async def test_the_log_is_not_filled_by_whoever_sends_anything(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        await desk.url.take({}, b"")

    assert len(caplog.records) == 1


async def test_nothing_is_taken_before_the_start_and_after_the_end(desk: Desk) -> None:
    await desk.url.close()

    assert await desk.send() is None
    assert desk.heard == []

    desk.url.open()
    assert await desk.send() is not None


async def test_a_request_that_comes_again_as_it_was_is_done_once(desk: Desk) -> None:
    """While the first is worked on, and later: both get its answer."""
    desk.gate.clear()
    headers = signed(COMMAND, FORM)
    both = [asyncio.create_task(desk.url.take(headers, COMMAND.encode())) for _ in range(2)]
    await asyncio.sleep(0)
    desk.gate.set()

    answers = [*(await asyncio.gather(*both)), await desk.url.take(headers, COMMAND.encode())]

    assert [each.body for each in answers if each] == ["said the words"] * 3
    assert desk.heard == ["the words"]


async def test_a_request_that_the_bot_failed_at_may_come_again(desk: Desk) -> None:
    headers = signed(COMMAND, FORM)
    desk.fails = True
    failed = await desk.url.take(headers, COMMAND.encode())
    desk.fails = False

    again = await desk.url.take(headers, COMMAND.encode())

    assert failed is not None
    assert failed.status >= 400
    assert again is not None
    assert again.body == "said the words"


async def test_no_more_requests_are_remembered_than_there_is_room_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_url, "MAX_REMEMBERED", 1)
    headers = signed(COMMAND, FORM)

    await desk.url.take(headers, COMMAND.encode())
    await desk.send(COMMAND.replace("1.2", "3.4"))
    await desk.url.take(headers, COMMAND.encode())

    assert desk.heard == ["the words"] * 3


async def test_what_tells_of_our_own_cards_is_acknowledged_and_costs_nothing_more(desk: Desk) -> None:
    echo = await desk.event(bot_id="B1", text="a card")
    word = await desk.event(user="U1", text="a word")

    assert (echo, word) == (Answer(status=200), Answer(status=200, content_type="text/plain;charset=utf-8"))
    assert desk.heard == ["a word"]


async def test_the_challenge_of_a_new_address_is_answered(desk: Desk) -> None:
    answer = await desk.send(json.dumps({"type": "url_verification", "challenge": "c"}), "application/json")

    assert answer is not None
    assert json.loads(answer.body) == {"challenge": "c"}


async def test_a_look_at_the_certificate_needs_no_signature_and_does_nothing(desk: Desk) -> None:
    answer = await desk.url.take({"content-type": FORM}, f"{COMMAND}&ssl_check=1".encode())

    assert answer == Answer(status=200)
    assert desk.heard == []


async def test_headers_that_slack_does_not_sign_change_nothing(desk: Desk) -> None:
    """Bolt takes some for its own, and would skip the listener."""
    await desk.send(**{"x-slack-bolt-lazy-only": "1", "x-slack-bolt-lazy-function-name": "typed"})

    assert desk.heard == ["the words"]


async def test_a_signed_request_that_is_no_json_is_refused(desk: Desk) -> None:
    answer = await desk.send("{", "application/json")

    assert answer is not None
    assert answer.status == 400


async def test_the_end_waits_until_what_was_taken_is_answered(desk: Desk) -> None:
    desk.gate.clear()
    taken = asyncio.create_task(desk.send())
    await desk.came.wait()
    ending = asyncio.create_task(desk.url.close())
    await asyncio.sleep(0)
    assert not ending.done()

    desk.gate.set()
    await ending

    assert taken.done()
    answer = await taken
    assert answer is not None
    assert answer.status == 200


async def test_the_end_waits_no_longer_than_slack(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_url, "DRAIN_SECONDS", 0.0)
    desk.gate.clear()
    taken = asyncio.create_task(desk.send())
    await desk.came.wait()

    await desk.url.close()

    assert not taken.done()
    desk.gate.set()
    await taken
