"""A route that reads nothing of a call before its token is known to be valid, and then reads it strictly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from bot.approvals.model.token import Token
from bot.http import intake, problems
from bot.http.auth import needed_by
from bot.http.parts import Parts
from bot.http.problems import MAX_FAULTS, Fault, Refused

READ: Final = ("Authorization", "Content-Type")
"""The headers that are read of every call, besides those that a route takes."""


class GuardedRoute(APIRoute):
    """A route whose endpoint says with `auth.needs` which tokens it takes."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()
        scopes = needed_by(self.endpoint)
        names = [field.alias for field in self.dependant.query_params]
        headers = [field.alias for field in self.dependant.header_params]

        async def guarded(request: Request) -> Response:
            request.state.token = await _parts(request).guard.admit(request, scopes)
            _refuse_unknown(request, names)
            _refuse_repeated(request, [*headers, *READ])
            if self.body_field is not None:
                request = _Read(request, await intake.body_of(request))
            return await handler(request)

        return guarded


class _Read(Request):
    """A call whose body has been read."""

    def __init__(self, request: Request, body: intake.Body) -> None:
        super().__init__(request.scope, request.receive)
        self._read = body

    async def body(self) -> bytes:
        return self._read.text

    async def json(self) -> Any:
        return self._read.json


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def _token(request: Request) -> Token:
    token: Token = request.state.token
    return token


Held = Annotated[Parts, Depends(_parts)]
"""What the endpoint works with."""
Speaker = Annotated[Token, Depends(_token)]
"""The token of the call."""


def _refuse_unknown(request: Request, names: list[str]) -> None:
    unknown = [name for name in request.query_params if name not in names]
    if unknown:
        faults = [Fault(path=f"query.{name}", problem=unknown_name(name, names)) for name in unknown[:MAX_FAULTS]]
        named = ", ".join(f"`{name}`" for name in unknown[:MAX_FAULTS])
        more = f" (the first {MAX_FAULTS} of {len(unknown):,})" if len(unknown) > MAX_FAULTS else ""
        raise Refused(problems.INVALID, f"There is no parameter {named}{more}, so nothing was done.", faults=faults)
    repeated = [name for name in names if len(request.query_params.getlist(name)) > 1]
    if repeated:
        faults = [Fault(path=f"query.{name}", problem="should be given once") for name in repeated]
        raise Refused(problems.INVALID, "A parameter was given more than once, so nothing was done.", faults=faults)


def _refuse_repeated(request: Request, headers: list[str]) -> None:
    """Of a header that was sent twice, the bot would read one, and a proxy or the caller may mean the other."""
    for name in headers:
        if (times := len(request.headers.getlist(name))) > 1:
            raise Refused(
                problems.KEY_MISSING if name == "Idempotency-Key" else problems.INVALID,
                f"The header {name} was sent {times} times, and only one of them could count, so nothing was done. "
                "Send it once; if your program does, look for a library or a proxy that adds another one.",
                faults=[Fault(path=f"header.{name}", problem="should be sent once")],
            )


def unknown_name(name: str, known: list[str]) -> str:
    """What is wrong with a name that is not known, and which one may be meant."""
    near = get_close_matches(name, known, n=1)
    if near:
        return f"is not known here. Did you mean `{near[0]}`?"
    return f"is not known here. Known: {', '.join(f'`{each}`' for each in known) or 'none'}."
