"""An app that is reached over HTTP: signed requests, three seconds, retries, and nothing beyond this machine."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from simulator.client import ControlError
from simulator.clock import Clock
from simulator.request_urls import signature
from tests.support.desk import MANIFEST, Desk, actions, button, make_world, modal, opened, wait_for_sleeper

Answer = Callable[[web.Request, str], Awaitable[web.Response]]


@dataclass
class App:
    """An app that keeps what it is sent and answers as a test says; url_verification it always answers."""

    url: str = ""
    answer: Answer | None = None
    received: asyncio.Queue[tuple[web.Request, str]] = field(default_factory=asyncio.Queue)

    async def handle(self, request: web.Request) -> web.Response:
        """One request."""
        body = await request.text()
        if '"url_verification"' in body:
            return web.Response(text=json.loads(body)["challenge"])
        await self.received.put((request, body))
        return await self.answer(request, body) if self.answer else web.Response()

    async def next(self) -> tuple[web.Request, str]:
        """The next request with its body."""
        return await asyncio.wait_for(self.received.get(), 10)


@asynccontextmanager
async def _listening(application: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def app(desk: Desk) -> AsyncIterator[App]:
    """An app at an address that the simulator sends everything to."""
    app = App()
    application = web.Application()
    application.add_routes([web.post("/slack/events", app.handle)])
    async with _listening(application) as base:
        app.url = f"{base}/slack/events"
        await desk.sim.send_over_http(app.url)
        yield app


async def test_an_event_is_json_and_signed(desk: Desk, app: App) -> None:
    await desk.seat("alice").send("#ops", "Hello")

    request, body = await app.next()

    stamp = request.headers["X-Slack-Request-Timestamp"]
    secret = desk.world.request_urls.signing_secret
    assert json.loads(body)["event"]["text"] == "Hello"
    assert request.headers["X-Slack-Signature"] == signature(secret, stamp, body)
    assert abs(int(stamp) - desk.clock.now()) < 1
    assert "X-Slack-Retry-Num" not in request.headers


async def test_the_signature_is_the_one_of_slacks_own_example() -> None:
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        "foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        "hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id="
        "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )

    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)

    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_a_command_is_a_form_and_its_answer_is_shown(desk: Desk, app: App) -> None:
    async def answer(_request: web.Request, body: str) -> web.Response:
        return web.Response(text=f"You said {parse_qs(body)['text'][0]}")

    app.answer = answer
    result = await desk.seat("bob").command("#ops", "/task hello")

    assert result["ok"]
    assert [notice["text"] for notice in await desk.seat("bob").notices()] == ["You said hello"]


async def test_a_click_is_json_within_a_form(desk: Desk, app: App) -> None:
    await desk.bot.chat_postMessage(channel="C0GENERAL", text="x", blocks=[actions(button("approve"))])
    [card] = await desk.seat("bob").messages("#general")
    await app.next()

    pressed = await desk.seat("bob").press(card, "approve")
    _, body = await app.next()

    assert pressed["ok"]
    assert json.loads(parse_qs(body)["payload"][0])["actions"][0]["action_id"] == "approve"


async def test_an_event_that_fails_comes_again_with_its_number_and_the_reason(desk: Desk, app: App) -> None:
    async def answer(_request: web.Request, _body: str) -> web.Response:
        return web.Response(status=500)

    app.answer = answer
    await desk.seat("alice").send("#ops", "Hello")

    headers = [(await app.next())[0].headers]
    for wait in (0, 60, 300):
        if wait:
            await wait_for_sleeper(desk, longer_than=3)
            desk.clock.advance(wait)
        headers.append((await app.next())[0].headers)

    assert [one.get("X-Slack-Retry-Num") for one in headers] == [None, "1", "2", "3"]
    assert {one.get("X-Slack-Retry-Reason") for one in headers[1:]} == {"http_error"}


async def test_an_app_may_say_that_it_wants_no_retry(desk: Desk, app: App) -> None:
    async def answer(_request: web.Request, _body: str) -> web.Response:
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    app.answer = answer
    await desk.seat("alice").send("#ops", "One")
    await app.next()
    await desk.seat("alice").send("#ops", "Two")
    _, body = await app.next()

    assert json.loads(body)["event"]["text"] == "Two"


async def test_who_takes_longer_than_three_seconds_is_late(desk: Desk, app: App) -> None:
    held = asyncio.Event()

    async def answer(_request: web.Request, _body: str) -> web.Response:
        await held.wait()
        return web.Response()

    app.answer = answer
    command = asyncio.create_task(desk.seat("bob").command("#ops", "/task hello"))
    await app.next()
    desk.clock.advance(3.1)

    assert (await command)["notice"]["text"] == '/task failed with the error "operation_timeout"'
    held.set()


@pytest.mark.parametrize(("status", "error"), [(404, "http_client_error"), (500, "http_service_error")])
async def test_a_command_that_the_app_fails_at_says_so(desk: Desk, app: App, status: int, error: str) -> None:
    async def answer(_request: web.Request, _body: str) -> web.Response:
        return web.Response(status=status)

    app.answer = answer
    result = await desk.seat("bob").command("#ops", "/task hello")

    assert result["notice"]["text"] == f'/task failed with the error "{error}"'


async def test_an_address_is_taken_only_if_it_answers_the_challenge(desk: Desk) -> None:
    async def deaf(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    application = web.Application()
    application.add_routes([web.post("/", deaf)])
    async with _listening(application) as url:
        with pytest.raises(ControlError, match="challenge"):
            await desk.sim.send_over_http(url)

    with pytest.raises(ControlError, match="challenge"):
        await desk.sim.send_over_http("http://127.0.0.1:1/nobody")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://example.com", "http://10.0.0.1/", "nonsense"])
async def test_nothing_is_ever_sent_beyond_this_machine(desk: Desk, url: str) -> None:
    with pytest.raises(ControlError, match="on this machine"):
        await desk.sim.send_over_http(url)


async def test_an_app_without_socket_mode_is_sent_each_kind_to_its_address() -> None:
    heard: list[tuple[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        heard.append((request.path, (await request.text())[:7]))
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/{any}", handle)])
    async with _listening(application) as base:
        features = {**MANIFEST["features"], "slash_commands": [{"command": "/task", "url": f"{base}/commands"}]}
        settings = {
            "event_subscriptions": {"bot_events": ["message.channels"], "request_url": f"{base}/events"},
            "interactivity": {"is_enabled": True, "request_url": f"{base}/interactivity"},
            "socket_mode_enabled": False,
        }
        async with opened(make_world(manifest={**MANIFEST, "features": features, "settings": settings})) as desk:
            bob = desk.seat("bob")
            await bob.command("#ops", "/task hello")
            await bob.shortcut("from_anywhere")
            await bob.send("#ops", "Hello")
            await desk.sim.wait_for(lambda: _acknowledged_event(desk))

    assert [path for path, _ in heard] == ["/commands", "/interactivity", "/events"]


async def _acknowledged_event(desk: Desk) -> bool:
    return any(entry["acknowledged_after"] is not None for entry in await desk.sim.traffic(kind="events_api"))


async def test_bolt_over_http_checks_the_signature_and_answers_a_modal() -> None:
    async with opened(make_world(clock=Clock())) as desk:
        bolt = AsyncApp(client=desk.bot, signing_secret=desk.world.request_urls.signing_secret)

        @bolt.command("/task")
        async def start(ack: Any, body: dict[str, Any], client: Any) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=modal())

        @bolt.view("m")
        async def sent(ack: Any) -> None:
            await ack(response_action="errors", errors={"why": "Say more"})

        async with _listening(bolt.web_app("/slack/events")) as base:
            await desk.sim.send_over_http(f"{base}/slack/events")
            bob = desk.seat("bob")
            ran = await bob.command("#ops", "/task new")
            await desk.sim.wait_for(bob.modal)
            errors = await bob.submit({"why": "x"})

            async with desk.session.post(f"{base}/slack/events", data="forged") as forged:
                assert forged.status == 401

        assert ran["ok"]
        assert errors == {"why": "Say more"}
