"""Posts webhooks: signed as Standard Webhooks says, to listed hosts alone, at the very address that was checked.

Nothing is followed, kept or taken from the environment: no redirects, no cookies, no proxies.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook as Signature

from bot import __version__
from bot.approvals.model.trace import Trace
from bot.approvals.model.webhook import WebhookId
from bot.approvals.ports.webhooks import NotTaken, NotWanted, Reply, Taken
from bot.approvals.ports.work import Clock
from bot.webhooks.address import Unfit, address
from bot.webhooks.allow_list import AllowList, address_of

SECONDS: Final = 15.0
"""For one try, from looking up the host to the answer's status."""
MAX_RETRY_AFTER: Final = timedelta(days=1)
_GONE: Final = 410


def by_this_machine() -> datetime:
    """The time that receivers compare with their own: never the clock of the store, which a demo moves."""
    return datetime.now(UTC)


class HttpSender:
    """`WebhookSender` over HTTP. Without secrets, or with an empty list, it sends nothing."""

    def __init__(
        self, session: ClientSession, allowed: AllowList, secrets: Sequence[str], clock: Clock = by_this_machine
    ) -> None:
        self._session = session
        self._allowed = allowed
        self._signatures = [Signature(secret) for secret in secrets]
        self._clock = clock

    def problem_with(self, url: str) -> str:
        if not self._signatures or not self._allowed:
            missing = "WEBHOOK_ALLOW" if self._signatures else "WEBHOOK_SECRET"
            return f"cannot be called: this bot sends no webhooks, because {missing} is not set"
        try:
            address(url, self._allowed)
        except Unfit as why:
            return str(why)
        return ""

    async def send(self, url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        if problem := self.problem_with(url):
            return NotTaken(why=f"its address {problem}", error="not allowed")
        known = address(url, self._allowed)
        try:
            async with self._session.post(
                known, data=body.encode(), headers=self._headers(id, body, trace), allow_redirects=False
            ) as response:
                return self._reply(response)  # its body stays unread, and the connection is closed
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            return NotTaken(why=_said(error, known.host or ""), error=type(error).__name__)

    def _headers(self, id: WebhookId, body: str, trace: Trace | None) -> dict[str, str]:
        now = self._clock()
        signed = [each.sign(msg_id=id, timestamp=now, data=body) for each in self._signatures]
        return {
            "Content-Type": "application/json",
            "User-Agent": f"countersign/{__version__}",
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signed),
            **({"traceparent": trace} if trace is not None else {}),
        }

    def _reply(self, response: ClientResponse) -> Reply:
        status = response.status
        if 200 <= status < 300:
            return Taken()
        if status == _GONE:
            return NotWanted(why="it answered 410, which means that it wants no more", error=f"status {status}")
        if 300 <= status < 400:
            return NotTaken(why=f"it answered {status}, and redirects are not followed", error=f"status {status}")
        return NotTaken(
            why=f"it answered {status}",
            error=f"status {status}",
            retry_after=_wait(response.headers.get("Retry-After", ""), self._clock()),
        )


class CheckedResolver(AbstractResolver):
    """Looks hosts up, and gives those of their addresses alone that are allowed. What it gives is what is connected to,
    so that a name cannot mean something else by then."""

    def __init__(self, allowed: AllowList) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self.look_up(host, port, family)
        allowed = [each for each in found if (at := address_of(each)) and self._allowed.allows(host, port, at)]
        if not allowed:
            raise _Refused(
                f"{host} has no address that may be called: none is public or in a network that WEBHOOK_ALLOW lists"
            )
        return [
            ResolveResult(
                hostname=host,
                host=each,
                port=port,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for each in allowed
        ]

    async def look_up(self, host: str, port: int, family: socket.AddressFamily) -> list[str]:
        """The addresses that the system knows for this host."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    async def close(self) -> None:
        """It holds nothing."""


class _Refused(OSError):
    """No address of a host may be called. Its only argument says why."""


@asynccontextmanager
async def sending(
    allowed: AllowList | None, secrets: Sequence[str], resolver: AbstractResolver | None = None
) -> AsyncIterator[HttpSender]:
    """A sender. Each try has a connection of its own, because a kept one would skip the check of its address."""
    known = allowed or AllowList()
    connector = TCPConnector(
        resolver=resolver or CheckedResolver(known), use_dns_cache=False, force_close=True, limit=64, limit_per_host=8
    )
    async with ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=SECONDS),
        trust_env=False,
        auto_decompress=False,
    ) as session:
        yield HttpSender(session, known, secrets)


def _said(error: Exception, host: str) -> str:
    """What went wrong, as the end of a sentence."""
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    match error:
        case _ if isinstance(cause, _Refused):
            return str(cause)
        case TimeoutError():
            return f"it did not answer within {SECONDS:g} seconds"
        case ClientConnectorDNSError():
            return f"the name {host} is not known"
        case ClientConnectorCertificateError() | ClientSSLError():
            return f"its certificate is not one for {host} that this machine trusts"
        case ClientConnectorError():
            return "nobody could be reached there"
        case _ if isinstance(cause, ssl.SSLError):
            return "no secure connection could be made"
        case _:
            return "the connection broke off before it had answered"


def _wait(text: str, now: datetime) -> timedelta | None:
    """What a `Retry-After` means: seconds, or a date. None if it means nothing."""
    text = text.strip()
    if text.isdecimal() and text.isascii():
        wait = timedelta(seconds=min(int(text[:9]), int(MAX_RETRY_AFTER.total_seconds())))
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):  # a number of the date may be too large even to be refused
            return None
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
    return max(timedelta(), min(wait, MAX_RETRY_AFTER))
