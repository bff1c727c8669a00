"""Request URLs: sends signed payloads over HTTP to an app without Socket Mode (Slack: "HTTP Request URLs").

Only addresses on this machine are allowed, so nothing ever leaves it.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import secrets
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp

from simulator import limits
from simulator.clock import Clock
from simulator.manifest import Manifest
from simulator.outcomes import Acknowledged, Failed, Late, Outcome, Unconnected
from simulator.traffic import Traffic

_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


class NotAccepted(Exception):
    """The address cannot be a Request URL. The message says why."""


class RequestUrls:
    """The addresses of the app. Sends payloads to them."""

    def __init__(self, manifest: Manifest, clock: Clock, traffic: Traffic, *, verification_token: str) -> None:
        self._manifest = manifest
        self._clock = clock
        self._traffic = traffic
        self._verification_token = verification_token
        self._everything: str | None = None
        self._session: aiohttp.ClientSession | None = None
        self.signing_secret = secrets.token_hex(16)

    @property
    def used(self) -> bool:
        """Whether the app is reached over HTTP: if an address was given, or if its manifest turns Socket Mode off."""
        return self._everything is not None or not self._manifest.socket_mode

    def set(self, url: str | None) -> None:
        """Sends everything to this address instead of those in the manifest. None goes back to the manifest.

        Raises `NotAccepted` if an address is not on this machine.
        """
        if url is None and not self._manifest.socket_mode:
            for named in self._manifest.request_urls:
                on_this_machine(named)
        self._everything = None if url is None else on_this_machine(url)

    async def verify(self, url: str) -> None:
        """Sends url_verification, as Slack does for a new address. Raises `NotAccepted` if the answer is wrong."""
        challenge = secrets.token_hex(24)
        payload = {"type": "url_verification", "token": self._verification_token, "challenge": challenge}
        outcome = await self._post(on_this_machine(url), "application/json", json.dumps(payload), {})
        answer = outcome.payload if isinstance(outcome, Acknowledged) else {}
        if challenge not in (answer.get("challenge"), str(answer.get("text") or "").strip()):
            raise NotAccepted("Your URL didn't respond with the value of the challenge parameter.")

    async def deliver(
        self, kind: str, payload: dict[str, Any], *, accepts_response: bool, attempt: int = 0, reason: str = ""
    ) -> Outcome:
        """Sends one payload to the address for its kind. Returns how the app answered."""
        url = self._everything or self._manifest.request_url(kind, str(payload.get("command") or ""))
        if url is None:
            return Unconnected()
        envelope = {"envelope_id": secrets.token_hex(8), "type": kind, "payload": payload, "retry_attempt": attempt}
        entry = self._traffic.envelope(envelope, connection=0, at=self._clock.now())
        retry = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
        sent_at = self._clock.now()
        outcome = await self._post(on_this_machine(url), *_encoded(kind, payload), retry)
        if isinstance(outcome, Acknowledged):
            self._traffic.acknowledged(entry, after=self._clock.now() - sent_at, response=outcome.payload or None)
            return outcome if accepts_response else Acknowledged({})
        return outcome

    async def close(self) -> None:
        """Closes its connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, content_type: str, body: str, headers: dict[str, str]) -> Outcome:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        stamp = str(int(self._clock.now()))
        signed = {
            "Content-Type": content_type,
            "User-Agent": _AGENT,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self.signing_secret, stamp, body),
            **headers,
        }
        call = asyncio.ensure_future(_answer(self._session, url, body, signed))
        try:
            return call.result() if await self._clock.within(limits.ACKNOWLEDGE_SECONDS, call) else Late()
        except aiohttp.ClientError:
            return Unconnected()
        finally:
            call.cancel()


def signature(secret: str, timestamp: str, body: str) -> str:
    """X-Slack-Signature (Slack: "Verifying requests from Slack")."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


def on_this_machine(url: str) -> str:
    """The address. Raises `NotAccepted` if it is not on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and (host == "localhost" or _is_loopback(host)):
        return url
    raise NotAccepted(
        f"a Request URL must be an http:// address on this machine; nothing is ever sent elsewhere: {url}"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _encoded(kind: str, payload: dict[str, Any]) -> tuple[str, str]:
    """Content type and body. Events are JSON, interactions are JSON in a form field, commands are a form."""
    match kind:
        case "events_api":
            return "application/json", json.dumps(payload)
        case "interactive":
            return "application/x-www-form-urlencoded", urlencode({"payload": json.dumps(payload)})
        case _:
            return "application/x-www-form-urlencoded", urlencode(payload)


async def _answer(session: aiohttp.ClientSession, url: str, body: str, headers: dict[str, str]) -> Outcome:
    async with session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as response:
        text = await response.text()
        if not 200 <= response.status < 300:
            return Failed(response.status, response.headers.get("X-Slack-No-Retry") != "1")
        try:
            answer = json.loads(text) if response.content_type == "application/json" and text else None
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return Acknowledged(answer)
        return Acknowledged({"text": text} if text else {})
