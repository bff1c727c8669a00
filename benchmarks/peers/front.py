"""What the peers' bots need here: one address for all that Slack sends, and clients that call the local Slack."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import time
from typing import Any, TypeAlias

import uvicorn  # of the peer's environment, as in each module here
from slack_sdk.web.async_base_client import AsyncBaseClient
from slack_sdk.web.base_client import BaseClient

App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
PORT_VARIABLE = "BENCH_PORT"


def call_the_local_slack() -> None:
    """For clients that are made without an address from now on."""
    url = os.environ["SLACK_API_URL"]
    for client in (AsyncBaseClient, BaseClient):
        given = client.__init__.__defaults__ or ()
        client.__init__.__defaults__ = tuple(url if it == client.BASE_URL else it for it in given)


def at_one_address(app: App, *, events: str = "", interactions: str, commands: str = "") -> App:
    """Slack's paths, by what was posted to `/`: JSON is an event, a form an interaction or a command. What the peer has
    no path for is acknowledged."""

    async def front(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        as_json = b"application/json" in dict(scope["headers"]).get(b"content-type", b"")
        path = events if as_json else interactions if body.startswith(b"payload=") else commands
        if not path:
            challenge = json.loads(body).get("challenge", "") if as_json else ""
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": challenge.encode()})
            return
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return unread.pop() if unread else await receive()

        await app({**scope, "path": path, "raw_path": path.encode()}, again, send)

    return front


async def nothing() -> None:
    """Nothing has to be done first."""


def serve(app: App, first: Callable[[], Awaitable[None]] = nothing) -> None:
    """On loopback, until killed; says on stdout once it listens and what comes first is done."""

    class Saying(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            await first()
            sys.stdout.write("connected\n")
            sys.stdout.flush()

    port = int(os.environ[PORT_VARIABLE])
    Saying(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning")).run()


def act(name: str) -> str:
    """What the benches' own graph does once approved. The sign is what the crowd takes for the end."""
    with Path(os.environ["BENCH_MARKS"]).open("a") as file:
        file.write(f"{name} {time()}\n")
    return f"{os.environ['BENCH_SIGN']} Acted on {name}."
