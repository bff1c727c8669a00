"""/slack/events: what Slack sends over HTTP. Who checks and answers it is given: this room knows nothing of Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.http import problems
from bot.http.problems import Refused

PATH: Final = "/slack/events"
MAX_BYTES: Final = 2_000_000
"""A view may have 250 KB (Slack: "Views"), and percent signs and escapes make of each of its bytes up to eight."""
SECONDS: Final = 3.0
"""In which a body has to arrive. Slack waits no longer for its answer."""
RETRY_SECONDS: Final = 5


class Answer(Protocol):
    """What Slack is answered."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> str: ...

    @property
    def content_type(self) -> str: ...


Take: TypeAlias = Callable[[Mapping[str, str], bytes], Awaitable[Answer | None]]
"""Takes a request with these headers and this body. Returns None if none is taken now."""


def mounted(take: Take | None) -> Mapping[str, ASGIApp]:
    """The app at its path. Nothing if Slack sends nothing over HTTP."""
    return {} if take is None else {PATH: _Door(take)}


class _Door:
    def __init__(self, take: Take) -> None:
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answered(Request(scope, receive))
        except Refused as refused:
            response = refused.response()
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        if request.method != "POST":
            detail = f"Slack sends POST here, and not {request.method}. Nothing was done."
            raise Refused(problems.METHOD, detail, headers={"Allow": "POST"})
        answer = await self._take(request.headers, await _body_of(request))
        if answer is None:
            raise Refused(
                problems.UNAVAILABLE,
                "The bot is starting or shutting down, so nothing was done. Send it again in a moment.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        return Response(answer.body, answer.status, media_type=answer.content_type)


async def _body_of(request: Request) -> bytes:
    """The body. Raises `Refused` if it is too long or too slow, whoever sends it."""
    taken = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                taken += chunk
                if len(taken) > MAX_BYTES:
                    raise Refused(
                        problems.TOO_LARGE,
                        f"The body has more than {MAX_BYTES:,} bytes, so nothing was done.",
                        headers={"Connection": "close"},
                    )
    except (TimeoutError, ClientDisconnect):
        raise Refused(
            problems.TOO_SLOW,
            f"The body did not arrive within {SECONDS:.0f} seconds, so nothing was done.",
            headers={"Connection": "close"},
        ) from None
    return bytes(taken)
