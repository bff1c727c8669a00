"""/sim/*: what a person can see and do, and what a test can do to Slack. Requests and answers are JSON."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulator import membership
from simulator.errors import SlackError, UnknownPlace
from simulator.events import Events
from simulator.people import BOT_USER_ID
from simulator.request_urls import NotAccepted
from simulator.seats import Seats
from simulator.world import World

_MAX_POLL_SECONDS = 25.0


class Control:
    """The routes of the control API."""

    def __init__(self, world: World, events: Events, seats: Seats) -> None:
        self._world = world
        self._events = events
        self._seats = seats

    def routes(self) -> list[web.RouteDef]:
        """All routes."""
        return [
            web.get("/sim/state", self._state),
            web.get("/sim/events", self._changes),
            web.get("/sim/traffic", self._traffic),
            web.get("/sim/seats/{seat}/{what}", self._look),
            web.post("/sim/seats/{seat}/{deed}", self._do),
            web.post("/sim/faults", _answering(self._fault)),
            web.delete("/sim/faults", _answering(self._no_faults)),
            web.post("/sim/sockets", _answering(self._sockets)),
            web.post("/sim/request_url", _answering(self._request_url)),
            web.get("/sim/clock", self._time),
            web.post("/sim/clock", _answering(self._clock)),
            web.get("/sim/panel", self._panel),
            web.post("/sim/panel", _answering(self._set_panel)),
            web.post("/sim/people/{person}", _answering(self._person)),
            web.post("/sim/groups/{group}", _answering(self._group)),
            web.post("/sim/channels/{channel}", _answering(self._channel)),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        return web.json_response(self._seats.state())

    async def _look(self, request: web.Request) -> web.Response:
        return await _answer(self._seats.look(request.match_info["seat"], request.match_info["what"], request.query))

    async def _do(self, request: web.Request) -> web.Response:
        body = await _body(request)
        return await _answer(self._seats.do(request.match_info["seat"], request.match_info["deed"], body))

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        after = int(request.headers.get("Last-Event-ID") or request.query.get("after", "0"))
        if "text/event-stream" in request.headers.get("Accept", ""):
            return await self._stream(request, after)
        seconds = min(float(request.query.get("seconds", _MAX_POLL_SECONDS)), _MAX_POLL_SECONDS)
        changes = await self._world.feed.wait(after, seconds)
        return web.json_response({"seq": self._world.feed.seq, "events": [change.as_json() for change in changes]})

    async def _stream(self, request: web.Request, after: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(b": connected\n\n")
        while request.transport is not None and not request.transport.is_closing():
            changes = await self._world.feed.wait(after, _MAX_POLL_SECONDS)
            lines = [f"id: {c.seq}\ndata: {json.dumps(c.as_json())}\n\n" for c in changes] or [": still here\n\n"]
            after = changes[-1].seq if changes else after
            try:
                await response.write("".join(lines).encode())
            except ConnectionError:
                break
        return response

    async def _traffic(self, request: web.Request) -> web.Response:
        query = request.query
        after, method, kind = int(query.get("after", "0")), query.get("method"), query.get("kind")
        entries = self._world.traffic.since(after, method=method, kind=kind)
        return web.json_response({"traffic": entries})

    async def _fault(self, _request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        self._world.faults.add(**body)
        return {"ok": True}

    async def _no_faults(self, _request: web.Request, _body: dict[str, Any]) -> dict[str, Any]:
        self._world.faults.clear()
        return {"ok": True}

    async def _sockets(self, _request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        if "refuse" in body:
            self._world.sockets.refuse(float(body["refuse"]))
        if body.get("drop") == "refresh":
            await self._world.sockets.refresh()
        elif body.get("drop"):
            self._world.sockets.drop()
        return {"ok": True, "connected": self._world.sockets.connected}

    async def _request_url(self, _request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        url = body.get("url")
        if url is not None:
            await self._world.request_urls.verify(url)
        self._world.request_urls.set(url)
        return {"ok": True}

    async def _time(self, request: web.Request) -> web.Response:
        clock = self._world.clock
        if "skipped" in request.query:
            await clock.moved(float(request.query["skipped"]), _MAX_POLL_SECONDS)
        return web.json_response({"now": clock.now(), "skipped": clock.skipped})

    async def _clock(self, _request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        self._world.clock.advance(float(body.get("advance", 0)))
        self._world.feed.add("clock", now=self._world.clock.now())
        return {"ok": True, "now": self._world.clock.now()}

    async def _panel(self, _request: web.Request) -> web.Response:
        return web.json_response({"panel": self._world.panel})

    async def _set_panel(self, _request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(body.get("title"), str):
            raise ValueError("a panel needs a title")
        self._world.panel = body
        self._world.feed.add("panel", title=body["title"])
        return {"ok": True}

    async def _person(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        name, flags = request.match_info["person"], dict(body)
        person = self._world.people.find(name)
        if "standing" in flags:
            person = self._world.people.stand(name, flags.pop("standing"))
        if flags:
            person = self._world.people.change(name, **flags)
        self._world.feed.add("person", user=person.id)
        self._events.user_changed(person)
        return {"ok": True, "user": person.as_slack(with_email=True, now=self._world.clock.now())}

    async def _group(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        fields = dict(body)
        if "people" in fields:
            fields["people"] = tuple(self._world.people.find(name).id for name in fields["people"])
        group = self._world.people.change_group(request.match_info["group"], **fields)
        return {"ok": True, "usergroup": group.as_slack(self._world.team.id, with_users=True)}

    async def _channel(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        world, events, fields = self._world, self._events, dict(body)
        channel = world.channels.find(request.match_info["channel"])
        admin = next((person.id for person in world.people.all() if person.admin), BOT_USER_ID)
        for name in fields.pop("add", []):
            channel = membership.join(world, events, channel, world.people.find(name).id, inviter=admin)
        for name in fields.pop("remove", []):
            channel = membership.leave(world, events, channel, world.people.find(name).id)
        if "is_archived" in fields:
            channel = membership.archive(world, events, channel, admin, archived=bool(fields.pop("is_archived")))
        if fields:
            channel = membership.change(world, channel, **fields)
        return {"ok": True, "channel": channel.as_slack("")}


_Handler = Callable[[web.Request, dict[str, Any]], Awaitable[dict[str, Any]]]


def _answering(handler: _Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        return await _answer(handler(request, await _body(request)))

    return handle


async def _answer(work: Awaitable[Any]) -> web.Response:
    try:
        return web.json_response(await work)
    except UnknownPlace as error:
        return web.json_response({"ok": False, "error": str(error)}, status=404)
    except SlackError as error:
        return web.json_response(error.body(), status=409)
    except NotAccepted as error:
        return web.json_response({"ok": False, "error": str(error)}, status=409)
    except (TypeError, ValueError, KeyError) as error:
        return web.json_response({"ok": False, "error": f"{type(error).__name__}: {error}"}, status=400)


async def _body(request: web.Request) -> dict[str, Any]:
    body = await request.json() if request.can_read_body else {}
    return body if isinstance(body, dict) else {}
