"""The ASGI app of the API: its routes, and what is answered when none of them can."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.approvals.model.errors import CountersignError
from bot.approvals.model.facts import ApiAnswered
from bot.approvals.model.token import Token
from bot.approvals.model.trace import trace_of
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.http import problems, refusals
from bot.http.guarded import unknown_name
from bot.http.parts import Parts
from bot.http.problems import MAX_FAULTS, Fault, Refused
from bot.http.reference import openapi, page
from bot.http.routes import requests, servers, tasks, votes
from bot.http.routes.watched import Watched, Watching
from bot.http.waiting import Draining, Waiters

log = logging.getLogger(__name__)

UNKNOWN: Final = "unknown"
"""The route of a call to an address that there is not."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
RETRY_SECONDS: Final = 5
"""When a caller tries again who was refused because the bot is shutting down."""
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


def app_of(
    parts: Parts | None, *, mounted: Mapping[str, ASGIApp] | None = None, watched: Watched | None = None
) -> FastAPI:
    """The app. Without parts it answers no call, and only describes itself. `mounted` are further apps, by their path
    such as `/mcp`; what they refuse, they word themselves. Metrics and health are those of `watched`."""
    app = FastAPI(
        title="Countersign",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        exception_handlers={
            Refused: _refused,
            CountersignError: _refused_by_domain,
            RequestValidationError: _invalid,
            HTTPException: _by_starlette,
        },
    )
    app.state.parts = parts
    for router in (requests.router, votes.router, tasks.router):
        app.router.routes.extend(router.routes)
    app.router.routes.extend(servers.routes)
    openapi.describe(app)
    page.add(app)
    for path, other in (mounted or {}).items():
        app.router.routes.append(Route(path, other))
    if parts is not None:
        app.add_middleware(_Edge, waiters=parts.waiters, telemetry=parts.telemetry)
    if watched is not None:
        app.add_middleware(Watching, watched=watched)  # around all the rest
    return app


class _Edge:
    """What holds for every call: none is begun during a shutdown, an error of ours is a problem document too, and how
    it was answered is told."""

    def __init__(self, app: ASGIApp, waiters: Waiters, telemetry: Telemetry = SILENT) -> None:
        self._app = app
        self._waiters = waiters
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, code = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = int(message["status"])
            await send(message)

        try:
            if self._waiters.draining:
                await _draining().response()(scope, receive, noted)
            elif scope["method"] in _READS:  # some of them wait for people, and no span does
                await self._answered(scope, receive, noted)
            else:
                headers = Headers(scope=scope)
                with self._telemetry.span("api", parent=trace_of(headers.get("traceparent"))):
                    await self._answered(scope, receive, noted)
        finally:
            if code:  # otherwise the caller is gone, and nothing was answered
                self._telemetry.tell(_told(scope, code, time.perf_counter() - began))

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in _HEADERS if each[0] not in given)]
            await send(message)

        try:
            await self._app(scope, self._taking(receive), answer)
        except asyncio.CancelledError:
            if not self._waiters.draining:
                raise
            error_id = secrets.token_hex(4)
            log.warning("error %s: the shutdown ended a call of the API (%s)", error_id, _route(scope))
            if not begun:
                await _ended_by_shutdown(error_id).response()(scope, receive, send)
        except Exception:
            error_id = secrets.token_hex(4)
            log.exception("error %s ended a call of the API (%s)", error_id, _route(scope))
            if not begun:
                await _internal(error_id).response()(scope, receive, send)

    def _taking(self, receive: Receive) -> Receive:
        """What the caller sends. A shutdown does not wait for a body that has not arrived."""
        whole = False

        async def take() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            try:
                message = await self._waiters.arriving(receive())
            except Draining:
                raise _draining(headers={"Connection": "close"}) from None
            whole = not message.get("more_body", False)
            return message

        return take


def _told(scope: Scope, code: int, seconds: float) -> ApiAnswered:
    token = scope.get("state", {}).get("token")
    return ApiAnswered(
        route=_path(scope),
        method=scope["method"] if scope["method"] in _METHODS else UNKNOWN,
        code=code,
        seconds=seconds,
        token=token.name if isinstance(token, Token) else "",
    )


def _route(scope: Scope) -> str:
    """The method and route of the call. The address itself holds ids."""
    return f"{scope['method']} {_path(scope)}"


def _path(scope: Scope) -> str:
    """The path of the call's route, which says where ids stand."""
    known = scope.get("route")  # only FastAPI's own routes leave themselves there
    routes = [known] if known is not None else scope["app"].routes if "app" in scope else []
    found = (route for route in routes if known is not None or route.matches(scope)[0] is not Match.NONE)
    return str(getattr(next(found, None), "path", UNKNOWN))


def _draining(headers: Mapping[str, str] | None = None) -> Refused:
    return Refused(
        problems.UNAVAILABLE,
        "The bot is shutting down and takes no more calls, so nothing was done. Send the same call again in a moment: "
        "a restarted bot or another replica answers it.",
        headers={"Retry-After": str(RETRY_SECONDS), **(headers or {})},
    )


def _ended_by_shutdown(error_id: str) -> Refused:
    return Refused(
        problems.INTERNAL,
        "The bot shut down before this call had ended, so it may have been done or not. It is safe to send the same "
        f"call again: a restarted bot or another replica answers it. The log has it under the error id {error_id}.",
        more={"error_id": error_id},
    )


def _internal(error_id: str) -> Refused:
    return Refused(
        problems.INTERNAL,
        f"An error of the bot itself ended this call. The log has it under the error id {error_id}. It is safe to send "
        "the same call again.",
        more={"error_id": error_id},
    )


# --- What is refused ----------------------------------------------------------------------------


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refused)  # noqa: S101 - the class that it is registered for
    return refusal.response()


async def _refused_by_domain(_: Request, error: Exception) -> Response:
    assert isinstance(error, CountersignError)  # noqa: S101
    return refusals.refused(error).response()


async def _by_starlette(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == problems.METHOD.status:
        allowed = _methods_at(request)
        return Refused(
            problems.METHOD,
            f"This address takes {' and '.join(allowed)}, and not {request.method}. Nothing was done.",
            headers={"Allow": ", ".join(allowed)},
        ).response()
    if error.status_code == problems.NOT_FOUND.status:
        detail = "There is nothing at this address. /docs lists the addresses that there are."
        return Refused(problems.NOT_FOUND, detail).response()
    return Refused(problems.BAD_JSON, f"The call cannot be read, so nothing was done: {error.detail}.").response()


def _methods_at(request: Request) -> list[str]:
    """The methods that some route takes at this address."""
    return sorted(
        {
            method
            for route in request.app.routes
            if route.matches(request.scope)[0] is not Match.NONE
            for method in getattr(route, "methods", None) or ()
        }
    )


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(each["loc"] == ("header", "Idempotency-Key") for each in found):
        return Refused(
            problems.KEY_MISSING,
            "The header Idempotency-Key is missing or not valid, so nothing was done. Send 1 to 200 visible ASCII "
            "characters that are the same when your program repeats this call, such as an order number.",
        ).response()
    model = _model_of(request)
    faults = [_fault(each, model) for each in found[:MAX_FAULTS]]
    told = "; ".join(f"{fault.path} {fault.problem.rstrip('.')}" for fault in faults[:3])
    words = _ended(f"Nothing was done, because what was sent does not fit: {told}")
    if len(found) > MAX_FAULTS:
        words += f" {len(found):,} things do not fit; `errors` lists the first {MAX_FAULTS}."
    return Refused(problems.INVALID, words, faults=faults).response()


def _fault(error: Mapping[str, Any], model: type[BaseModel] | None) -> Fault:
    place: Sequence[str | int] = error["loc"]
    path = ".".join(map(str, place))
    match error["type"]:
        case "missing":
            return Fault(path=path, problem="is missing")
        case "extra_forbidden":
            return Fault(path=path, problem=unknown_name(str(place[-1]), _keys_at(model, place[1:-1])))
        case "callback" | "url" | "line" | "question" | "schema":
            return Fault(path=path, problem=error["msg"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return Fault(path=path, problem="should be an object: `{...}`")
        case "string_pattern_mismatch" if place[-1] == "digest":
            return Fault(path=path, problem="should be the `digest` of the request: 64 characters, 0 to 9 and a to f")
        case _:
            return Fault(path=path, problem=_sentence(error["msg"]))


def _ended(words: str) -> str:
    return words if words.endswith("?") else f"{words}."


def _sentence(message: str) -> str:
    """Pydantic's message, as the end of a sentence."""
    words = message.removeprefix("Input ")
    return words[:1].lower() + words[1:]


def _model_of(request: Request) -> type[BaseModel] | None:
    field = getattr(request.scope.get("route"), "body_field", None)
    annotation = getattr(getattr(field, "field_info", None), "annotation", None)
    return next(
        (each for each in _parts_of(annotation) if isinstance(each, type) and issubclass(each, BaseModel)), None
    )


def _keys_at(model: type[BaseModel] | None, place: Sequence[str | int]) -> list[str]:
    """The keys that the body takes at this place."""
    for name in place:
        if model is None or not isinstance(name, str) or name not in model.model_fields:
            continue
        model = _model_in(model.model_fields[name].annotation)
    return list(model.model_fields) if model is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    parts = _parts_of(annotation)
    return next((each for each in parts if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _parts_of(annotation: Any) -> list[Any]:
    """A type, or those that a union or a list is made of."""
    inner = getattr(annotation, "__args__", None)
    return [part for each in inner for part in _parts_of(each)] if inner else [annotation]
