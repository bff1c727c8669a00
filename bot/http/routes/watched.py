"""/metrics, /healthz and /readyz: for the programs that watch the bot. They take no token, and are answered as long as
the process can answer anything, also while it drains.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

METRICS: Final = "/metrics"
HEALTH: Final = "/healthz"
READINESS: Final = "/readyz"
PATHS: Final = frozenset({METRICS, HEALTH, READINESS})
METHODS: Final = ("GET", "HEAD")
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Watched(Protocol):
    """What is watched."""

    async def metrics(self) -> bytes | None:
        """The page of metrics, in Prometheus' text format. None if they cannot be read, which the log says."""
        ...

    async def unwell(self) -> Sequence[str]:
        """Why this process should be started again, each as a sentence. Empty if it is well."""
        ...

    async def unready(self) -> Sequence[str]:
        """Why nothing should be sent to this process, each as a sentence. Empty if it takes work."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    content_type: str
    body: bytes


def page(metrics: bytes | None) -> Answer:
    if metrics is None:
        return NO_FIGURES
    return Answer(status=HTTPStatus.OK, content_type=METRICS_TYPE, body=metrics)


def verdict(problems: Sequence[str]) -> Answer:
    """200 if there is no problem, else 503 with the problems in words."""
    told = {"status": "ok"} if not problems else {"status": "failing", "problems": list(problems)}
    return Answer(
        status=HTTPStatus.OK if not problems else HTTPStatus.SERVICE_UNAVAILABLE,
        content_type="application/json",
        body=json.dumps(told).encode() + b"\n",
    )


NO_FIGURES: Final = Answer(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    content_type="text/plain; charset=utf-8",
    body=b"The figures cannot be read. The log says why.\n",
)
NOT_TAKEN: Final = Answer(
    status=HTTPStatus.METHOD_NOT_ALLOWED, content_type="text/plain; charset=utf-8", body=b"This address takes GET.\n"
)


def headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *([(b"allow", ", ".join(METHODS).encode())] if answer is NOT_TAKEN else []),
    ]


class Watching:
    """Answers these paths, and leaves all others to the app."""

    def __init__(self, app: ASGIApp, watched: Watched) -> None:
        self._app = app
        self._watched = watched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS:
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope["path"]) if scope["method"] in METHODS else NOT_TAKEN
        await send({"type": "http.response.start", "status": answer.status, "headers": headers(answer)})
        body = answer.body if scope["method"] != "HEAD" else b""
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, path: str) -> Answer:
        match path:
            case "/metrics":
                return page(await self._watched.metrics())
            case "/healthz":
                return verdict(await self._watched.unwell())
            case _:
                return verdict(await self._watched.unready())
