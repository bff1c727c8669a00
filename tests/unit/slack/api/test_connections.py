"""Calls to Slack share connections."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.slack.api.calls import connections, web_client


async def test_calls_one_after_the_other_use_one_connection() -> None:
    peers: list[object] = []

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_post("/api/auth.test", answer)
    async with TestServer(app) as server, connections() as session:
        client = web_client("xoxb-1", str(server.make_url("/api/")), session)

        await client.auth_test()
        await client.auth_test()

    assert len(peers) == 2
    assert len(set(peers)) == 1


async def test_no_cookie_is_kept() -> None:
    async with connections() as session:
        assert list(session.cookie_jar) == []
        assert type(session.cookie_jar).__name__ == "DummyCookieJar"


async def test_what_is_sent_is_not_written_out_for_the_log() -> None:
    """slack_sdk does so for an entry that nobody keeps, with whole cards, unless its logger's own level is above."""
    written: list[str] = []

    class Word(str):
        __slots__ = ()

        def __repr__(self) -> str:
            written.append(str(self))
            return "a word"

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_post("/api/chat.postMessage", answer)
    async with TestServer(app) as server, connections() as session:
        client = web_client("xoxb-1", str(server.make_url("/api/")), session)
        await client.chat_postMessage(channel="C1", text=Word("text"), blocks=[{"type": Word("divider")}])

    assert written == []
