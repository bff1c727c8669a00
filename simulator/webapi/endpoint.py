"""/api/<method>: checks token, scopes, faults and rate limit, then runs the method and sends its answer."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, Final

from aiohttp import web

from simulator.errors import RateLimited, SlackError
from simulator.events import Events
from simulator.faults import Fault
from simulator.webapi import chat, conversations, files, later, people, reactions, rooms, surfaces, validation
from simulator.webapi.call import Call, Method, arguments_of
from simulator.world import World

METHODS: Final[Mapping[str, Method]] = {
    **chat.METHODS,
    **later.METHODS,
    **conversations.METHODS,
    **rooms.METHODS,
    **people.METHODS,
    **surfaces.METHODS,
    **reactions.METHODS,
    **files.METHODS,
    **validation.METHODS,
}


class Endpoint:
    """Answers the Web API."""

    def __init__(self, world: World, events: Events) -> None:
        self._world = world
        self._events = events

    async def handle(self, request: web.Request) -> web.Response:
        """One call."""
        name = request.match_info["method"]
        fault = self._world.faults.take(name)
        if fault and fault.kind == "lose_request":
            return cut(request)
        try:
            arguments = await arguments_of(request)
        except SlackError as error:
            return web.json_response(error.body())
        token = _token(request, arguments)
        entry = self._world.traffic.call(method=name, arguments=arguments, at=self._world.clock.now())
        if fault and fault.kind == "delay":
            await self._world.clock.sleep(fault.seconds)
        status, body, headers = await self._answer(name, token, arguments, fault)
        lost = fault is not None and fault.kind == "lose_response"
        self._world.traffic.answered(entry, status=status, body=body, lost=lost)
        if lost:
            return cut(request)
        date = formatdate(self._world.clock.now(), usegmt=True)
        return web.json_response(body, status=status, headers={**headers, "Date": date})

    async def _answer(
        self, name: str, token: str | None, arguments: dict[str, Any], fault: Fault | None
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        scopes = {"X-OAuth-Scopes": ",".join(sorted(self._world.manifest.scopes))}
        try:
            _misbehave(fault)
            method = METHODS.get(name)
            if method is None:
                raise SlackError("unknown_method", req_method=name)
            self._authorize(method, token)
            call = Call(self._world, self._events, arguments)
            call.need_scope(*method.scopes)
            self._world.pace.call(name, method.tier)
            return 200, {"ok": True, **await method.handler(call)}, scopes
        except RateLimited as error:
            return 429, error.body(), {"Retry-After": str(error.retry_after)}
        except _Broken as broken:
            return broken.status, {"ok": False, "error": "internal_error"}, {}
        except SlackError as error:
            return 200, error.body(), scopes

    def _authorize(self, method: Method, token: str | None) -> None:
        if not method.token:
            return
        if token is None:
            raise SlackError("not_authed")
        if token not in (self._world.bot_token, self._world.app_token):
            raise SlackError("invalid_auth")
        if (token == self._world.app_token) != method.app_token:
            raise SlackError("not_allowed_token_type")


class _Broken(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _misbehave(fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.kind == "status":
        raise RateLimited(fault.retry_after) if fault.status == 429 else _Broken(fault.status)
    if fault.kind == "error":
        raise SlackError(fault.error)


def _token(request: web.Request, arguments: dict[str, Any]) -> str | None:
    given = arguments.pop("token", None)
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        return header[7:].strip()
    return str(given) if given else None


def cut(request: web.Request) -> web.Response:
    """Ends the connection without an answer. Nobody receives the response that this returns."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
