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
