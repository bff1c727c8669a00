"""The simulator as one HTTP server on loopback. It serves the Web API, Socket Mode, the control API and the page."""

import ipaddress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.control import Control
from simulator.errors import SlackError, UnknownPlace
from simulator.events import Events
from simulator.faults import Fault
from simulator.interactions import Interactions
from simulator.seats import Seats
from simulator.state import Keeper
from simulator.webapi.call import arguments_of
from simulator.webapi.endpoint import Endpoint, cut
from simulator.world import World

_PAGE = Path(__file__).parent / "page"
_MAX_BODY_BYTES = 32 * 1024 * 1024
_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"


UPLOAD = "files.upload"
"""The name in faults for the second step of an upload, which sends the file and is not a Web API method."""

RESPONSE = "response_url"
"""The name in the traffic and in faults for calls of response_urls, which are no Web API methods."""


class Server:
    """Serves one world. `async with` starts and stops it."""

    def __init__(self, world: World, *, host: str = "127.0.0.1", port: int = 0, keeper: Keeper | None = None) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the simulator has no password, so it listens only on loopback, not on {host}")
        self.world = world
        self._host = host
        self._port = port
        self._keeper = keeper
        self._events = Events(world)
        self._interactions = Interactions(world, self._events)
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.5)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.world.base_url = f"http://{host}:{port}"
        self.world.schedule.start(self._events.post_scheduled)
        if self._keeper is not None:
            self._keeper.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.world.schedule.close()
        await self._events.close()
        await self.world.sockets.close()
        await self.world.request_urls.close()
        await self._runner.cleanup()
        if self._keeper is not None:
            await self._keeper.close()

    def ready_line(self) -> dict[str, Any]:
        """What the parent process needs: it is printed as one line of JSON."""
        world = self.world
        return {
            "url": world.base_url,
            "api_url": f"{world.base_url}/api/",
            "bot_token": world.bot_token,
            "app_token": world.app_token,
            "signing_secret": world.request_urls.signing_secret,
            "page": f"{world.base_url}/",
        }

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[self._own_visitors])
        endpoint = Endpoint(self.world, self._events)
        seats = Seats(self.world, self._events, self._interactions)
        app.add_routes(
            [
                web.route("*", "/api/{method}", endpoint.handle),
                web.get("/link/", self.world.sockets.serve),
                web.post("/response/{secret}", self._respond),
                web.post("/files/{file}/{secret}", self._receive),
                web.get("/files/{file}/{secret}", self._download),
                *Control(self.world, self._events, seats).routes(),
                web.get("/", _index),
                web.get("/archives/{channel}/{message}", _archived),
                web.static("/page", _PAGE),
            ]
        )
        return app

    @web.middleware
    async def _own_visitors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses requests from pages of other origins. A browser would let them talk to a server on loopback."""
        origin = request.headers.get("Origin")
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
        if host not in ("127.0.0.1", "localhost", "::1", self._host) or origin not in (None, f"http://{request.host}"):
            return web.json_response({"ok": False, "error": "not from this machine's own page"}, status=403)
        return await handler(request)

    async def _respond(self, request: web.Request) -> web.Response:
        """Takes an answer to a response_url. Calls are in the traffic without the url, which is a secret."""
        world, fault = self.world, self.world.faults.take(RESPONSE)
        if fault and fault.kind == "lose_request":
            return cut(request)
        try:
            arguments = await arguments_of(request)
        except SlackError as error:
            return web.json_response(error.body(), status=400)
        entry = world.traffic.call(method=RESPONSE, arguments=arguments, at=world.clock.now())
        if fault and fault.kind == "delay":
            await world.clock.sleep(fault.seconds)
        status, body = self._responded(request.match_info["secret"], arguments, fault)
        lost = fault is not None and fault.kind == "lose_response"
        world.traffic.answered(entry, status=status, body=body, lost=lost)
        if lost:
            return cut(request)
        return web.Response(text="ok") if body["ok"] else web.json_response(body, status=status)

    def _responded(self, secret: str, arguments: dict[str, Any], fault: Fault | None) -> tuple[int, dict[str, Any]]:
        if fault and fault.kind == "status":
            return fault.status, {"ok": False, "error": "internal_error"}
        try:
            if fault and fault.kind == "error":
                raise SlackError(fault.error)
            return 200, {"ok": True, **self._interactions.respond(secret, arguments)}
        except SlackError as error:
            gone = error.error in ("expired_url", "used_url")
            return 404 if gone else 400, error.body()

    async def _receive(self, request: web.Request) -> web.Response:
        content = await _content(request)
        fault = self.world.faults.take(UPLOAD)
        if fault and fault.kind == "status":
            return web.Response(status=fault.status)
        if fault and fault.kind == "lose_request":
            return cut(request)
        try:
            self.world.files.receive(request.match_info["file"], request.match_info["secret"], content)
        except (SlackError, UnknownPlace) as error:
            return web.Response(status=400, text=str(error))
        return cut(request) if fault and fault.kind == "lose_response" else web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        try:
            file = self.world.files.get(request.match_info["file"], request.match_info["secret"])
        except UnknownPlace as error:
            return web.Response(status=404, text=str(error))
        # An agent may put anything into a file, so the browser must save it and never run it.
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=file.content or b"", content_type="application/octet-stream", headers=headers)


async def _content(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""


async def _archived(request: web.Request) -> web.Response:
    """Redirects a message's archive link to the page (Slack: `/archives/C.../p<ts without its dot>`)."""
    digits = request.match_info["message"].removeprefix("p")
    place = {"channel": request.match_info["channel"], "message": f"{digits[:-6]}.{digits[-6:]}"}
    if thread := request.query.get("thread_ts"):
        place["thread"] = thread
    raise web.HTTPFound(f"/?{urlencode(place)}")


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(
        _PAGE / "index.html", headers={"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
    )
