"""Takes what Slack sends over HTTP to the app's Request URL (Slack: "HTTP Request URLs").

Nothing of a request is read before its signature is known to be right. Bolt would verify it, too, and would write the
whole body of a wrong one into the log, or fail at a header that is no number.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.approvals.model.facts import SlackAcknowledged
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.slack.api.intake.echoes import is_echo

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 3.0
"""For what has arrived when a shutdown begins. Slack waits no longer for it."""
SECONDS_VALID: Final = 300
"""How far the time of a request may be from this machine's (Slack: "Verifying requests from Slack")."""
SECONDS_BETWEEN_WARNINGS: Final = 60.0
MAX_REMEMBERED: Final = 10_000
"""Requests that are known if they come again: those of twenty minutes, if Slack sends as many as it ever does (Slack:
`app_rate_limited`)."""
_STAMP, _SIGNATURE = "x-slack-request-timestamp", "x-slack-signature"
_HEADERS: Final = ("content-type", _STAMP, _SIGNATURE)
"""What Bolt needs of them. Others, which Slack does not sign, can make it run something else."""
_SSL_CHECK: Final = b"ssl_check="
_FAILED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Slack is answered."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


_TAKEN: Final = Answer(status=200)
_REFUSED: Final = Answer(status=401, body='{"error": "invalid request"}', content_type="application/json")
_UNREADABLE: Final = Answer(status=400, body='{"error": "unreadable request"}', content_type="application/json")


class RequestUrl:
    """Hands each request that Slack has signed to Bolt, once it is open.

    A request that comes again as it was gets the same answer, and nothing is done twice: a proxy may have sent it
    again, or somebody who recorded it. What Slack itself sends again is an event, and is known by its id
    (`listeners.guard`).
    """

    def __init__(self, app: AsyncApp, signing_secret: str, telemetry: Telemetry = SILENT) -> None:
        self._app = app
        self._telemetry = telemetry
        self._verifier = SignatureVerifier(signing_secret)
        self._answers: OrderedDict[str, asyncio.Future[Answer]] = OrderedDict()
        self._open = False
        self._at_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._warn_at = float("-inf")
        self.heard_at: float | None = None
        """When Slack last sent something, in the event loop's time. None if it has not."""

    @property
    def is_open(self) -> bool:
        """Whether requests are taken."""
        return self._open

    def open(self) -> None:
        """Takes requests from now on."""
        self._open = True

    async def close(self) -> None:
        """Takes no more requests, and waits until those that were taken are acknowledged."""
        self._open = False
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._idle.wait()

    async def take(self, headers: Mapping[str, str], body: bytes) -> Answer | None:
        """The answer to a request with these headers, whose names are in lower case. None if requests are not taken
        now: then nothing was done, and Slack may send it again."""
        stamp, signature = headers.get(_STAMP, ""), headers.get(_SIGNATURE, "")
        if (wrong := self._objection(stamp, signature, body)) is not None:
            if _is_ssl_check(body):
                return _TAKEN
            self._warn(wrong)
            return _REFUSED
        self.heard_at = asyncio.get_running_loop().time()
        if (known := self._answers.get(signature)) is not None:
            return await asyncio.shield(known)
        if not self._open:
            return None
        try:
            text = body.decode()
            if text.startswith("{") and is_echo(json.loads(text)):
                return _TAKEN
            request = AsyncBoltRequest(body=text, headers={name: headers[name] for name in _HEADERS if name in headers})
        except ValueError:
            return _UNREADABLE
        return await self._remembered(signature, request)

    def _objection(self, stamp: str, signature: str, body: bytes) -> str | None:
        """Why this is no request of Slack's, as the end of a sentence. None if it is one."""
        if not stamp or not signature:
            return "it is not signed"
        try:
            if self._verifier.is_valid(body, stamp, signature):
                return None
            stale = abs(time.time() - int(stamp)) > SECONDS_VALID
        except (ValueError, TypeError):  # no number, no UTF-8, no ASCII
            return "its signature cannot be read"
        if stale:
            return "its time is more than five minutes from this machine's, so it is an old one, or the clock is wrong"
        return "its signature is wrong, so it is not Slack's, or SLACK_SIGNING_SECRET is not this app's"

    def _warn(self, wrong: str) -> None:
        """Log it, unless that was just done: anybody may send anything."""
        now = time.monotonic()
        if now >= self._warn_at:
            self._warn_at = now + SECONDS_BETWEEN_WARNINGS
            log.warning("a request to /slack/events was refused: %s", wrong)

    async def _remembered(self, signature: str, request: AsyncBoltRequest) -> Answer:
        """Bolt's answer. Whoever sends the same again gets it, too, unless the bot itself has failed."""
        answer = asyncio.ensure_future(self._answer(request))
        self._answers[signature] = answer
        while len(self._answers) > MAX_REMEMBERED:
            self._answers.popitem(last=False)
        self._at_hand += 1
        self._idle.clear()
        answer.add_done_callback(lambda done: self._answered(signature, done))
        return await asyncio.shield(answer)

    def _answered(self, signature: str, done: asyncio.Future[Answer]) -> None:
        self._at_hand -= 1
        if not self._at_hand:
            self._idle.set()
        if done.cancelled() or done.exception() is not None or done.result().status >= _FAILED:
            self._answers.pop(signature, None)

    async def _answer(self, request: AsyncBoltRequest) -> Answer:
        began = time.perf_counter()
        said = await self._app.async_dispatch(request)
        self._telemetry.tell(SlackAcknowledged(kind=_kind(request.raw_body), seconds=time.perf_counter() - began))
        return Answer(status=said.status, body=said.body, content_type=said.first_headers()["content-type"])


def _kind(body: str) -> str:
    """What Slack sent, by its name in Socket Mode."""
    if body.startswith("{"):
        return "events_api"
    return "interactive" if body.startswith("payload=") else "slash_commands"


def _is_ssl_check(body: bytes) -> bool:
    """Whether Slack only looks whether the address has a valid certificate, for which it needs no signature."""
    return _SSL_CHECK in body and parse_qs(body.decode(errors="replace")).get("ssl_check") == ["1"]
