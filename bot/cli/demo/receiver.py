"""A receiver of webhooks for the demo: it keeps what came, and whether its signature is right."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

PATH: Final = "/hooks/countersign"
MAX_KEPT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One webhook."""

    number: int
    at: float
    """By this machine's clock, in seconds."""
    verified: bool
    headers: dict[str, str]
    """Those of Standard Webhooks."""
    raw: bytes
    body: Any
    """What was read from it; text if it is no JSON."""


@dataclass(slots=True, kw_only=True)
class Receiver:
    """What came so far."""

    secret: str
    host: str = ""
    """Such as 127.0.0.1:8500, once it runs."""
    received: list[Received] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _count: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}{PATH}"

    async def wait(self) -> None:
        """Returns once something came that nobody has waited for."""
        await self._news.wait()
        self._news.clear()

    async def take(self, request: web.Request) -> web.Response:
        """Keeps a webhook. Answers 401 if the signature is not right."""
        raw = await request.read()
        body = raw.decode(errors="replace")
        headers = {name.lower(): value for name, value in request.headers.items()}
        verified = _verified(self.secret, body, headers)
        self._count += 1
        received = Received(
            number=self._count,
            at=time.time(),
            verified=verified,
            headers={name: value for name, value in headers.items() if name.startswith("webhook-")},
            raw=raw,
            body=_read(body),
        )
        self.received = [*self.received, received][-MAX_KEPT:]
        self._news.set()
        return web.Response(status=204 if verified else 401)


@asynccontextmanager
async def receiving(secret: str) -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine, which runs while the block does."""
    receiver = Receiver(secret=secret)
    app = web.Application(client_max_size=1024 * 1024)
    app.add_routes([web.post(PATH, receiver.take)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        receiver.host = f"{host}:{port}"
        yield receiver
    finally:
        await runner.cleanup()


def _verified(secret: str, body: str, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    except (ValueError, KeyError):  # signed, but not JSON
        return False
    return True


def _read(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
