"""Who calls: the bearer token, and what it allows. It is read from storage at every call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from starlette.requests import Request

from bot.approvals.model.token import PREFIX, Scope, Token, digest_of
from bot.approvals.ports.work import Clock
from bot.approvals.services.admission import Admission
from bot.http import problems
from bot.http.attempts import Attempts
from bot.http.problems import Refused, later

log = logging.getLogger(__name__)

MAX_TOKEN_CHARACTERS: Final = 200
CHALLENGE: Final = 'Bearer realm="countersign"'

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def needs(*scopes: Scope) -> Callable[[Endpoint], Endpoint]:
    """Marks an endpoint as one that takes tokens with any of these scopes."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _MARK, scopes)
        return endpoint

    return mark


def needed_by(endpoint: Callable[..., Any]) -> tuple[Scope, ...]:
    """The scopes of which a token needs one. Empty if the endpoint takes calls without a token."""
    scopes: tuple[Scope, ...] = getattr(endpoint, _MARK, ())
    return scopes


_MARK: Final = "__needed_scopes__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Lets in calls with a valid token."""

    admission: Admission
    attempts: Attempts
    clock: Clock

    async def admit(self, request: Request, scopes: Collection[Scope]) -> Token:
        """The token of the call. Raises `Refused` if it has none that is valid, or none of these scopes."""
        token = await self._token(request)
        if not token.scopes & set(scopes):
            wanted = " or ".join(f"`{scope}`" for scope in scopes)
            raise Refused(
                problems.SCOPE_MISSING,
                f"This call needs a token with the scope {wanted}, and the token `{token.name}` has not got it. Use "
                f"another token, or have one made with `countersign tokens add ... --scope {scopes_of(scopes)}`.",
                headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{" ".join(scopes)}"'},
            )
        await self.admission.note_use(token, self.clock())
        return token

    async def renew(self, token: Token) -> Token:
        """The token as it is stored now, for a call that has lasted. Raises `Refused` if it is not valid any more."""
        now = await self.admission.token(token.digest, self.clock())
        if now is None:
            raise _unauthorized()
        return now

    async def _token(self, request: Request) -> Token:
        # Behind a proxy this is the proxy's address. X-Forwarded-For is not read, as any caller can write it.
        address = request.client.host if request.client is not None else ""
        text = _bearer(request.headers.get("authorization", ""))
        digest = digest_of(text)
        token = await self.admission.token(digest, self.clock()) if text else None
        pause = self.attempts.pause(address, digest)
        if pause and (token is None or token.used_at is None):
            raise later(
                problems.TOO_MANY_FAILURES,
                "Too many calls with wrong tokens came from this address, so tokens that were never used have to wait. "
                f"Correct the token, and try again in {pause} {'second' if pause == 1 else 'seconds'}.",
                pause,
            )
        if token is None:
            self.attempts.forget(address, digest)
            if self.attempts.failed(address):
                log.warning("wrong tokens come from %s, so tokens that are new from there have to pause", address)
            raise _unauthorized()
        self.attempts.succeeded(address, digest)
        return token


def scopes_of(scopes: Collection[Scope]) -> str:
    return next(iter(scopes))


def _bearer(header: str) -> str:
    """The token in the header. Empty if there is none that could be ours."""
    kind, _, text = header.partition(" ")
    text = text.strip()
    fits = kind.lower() == "bearer" and text.startswith(PREFIX) and len(text) <= MAX_TOKEN_CHARACTERS
    return text if fits and text.isascii() else ""


def _unauthorized() -> Refused:
    return Refused(
        problems.UNAUTHORIZED,
        "No valid token came with this call, so nothing was done. Send the header `Authorization: Bearer csk_...` with "
        "a token that has neither expired nor been revoked; `countersign tokens list` shows which there are.",
        headers={"WWW-Authenticate": CHALLENGE},
    )
