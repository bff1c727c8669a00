"""One call of Slack's Web API, with a time limit, and its outcome as a value to match on.

The client must not retry by itself (`web_client`): if the response to a post is lost, a retry is a second post.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias, assert_never

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.approvals.model.facts import Outcome, SlackCalled, SlackLimited
from bot.approvals.ports.telemetry import SILENT, Telemetry

log = logging.getLogger(__name__)

SLACK: Final = "https://slack.com/api/"
TIMEOUT_SECONDS: Final = 15
"""For a call without a limit of its own."""
IDLE_SECONDS: Final = 10.0
"""How long an idle connection is kept."""
RETRY_AFTER_SECONDS: Final = 30.0
"""The wait after a 429 that does not say how long."""
MAX_RETRY_AFTER_SECONDS: Final = 3600.0
"""The longest wait that a 429 can ask for."""

_UNKNOWN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_LIMITED = frozenset({"ratelimited", "rate_limited"})


@dataclass(frozen=True, slots=True)
class Done:
    """Slack did it."""

    body: Mapping[str, Any]
    at: datetime | None = None
    """The time by Slack's own clock. None if the response does not say."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack did not do it and says why. `needed` is the missing scope."""

    error: str
    needed: str = ""


@dataclass(frozen=True, slots=True)
class Limited:
    """Slack did not do it, because there were too many calls."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request was never sent, because no connection could be made."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Slack may or may not have done it."""

    why: str


Result: TypeAlias = Done | Refused | Limited | NotSent | Unknown


class TellingClient(AsyncWebClient):
    """A client that tells of each call how it ended."""

    def __init__(self, *, telemetry: Telemetry, **settings: Any) -> None:
        super().__init__(**settings)
        self._telemetry = telemetry

    async def api_call(self, api_method: str, **given: Any) -> AsyncSlackResponse:
        began = time.perf_counter()
        result: Result = Unknown("it was not waited for any longer")
        try:
            response = await super().api_call(api_method, **given)
            result = Done({})
        except Exception as error:
            result = outcome_of(error)
            raise
        finally:
            tell_of(self._telemetry, api_method, result, time.perf_counter() - began)
        return response


def tell_of(telemetry: Telemetry, method: str, result: Result, seconds: float) -> None:
    """Tells how a call of this method ended, and how long it took."""
    outcome, error = _told(result)
    telemetry.tell(SlackCalled(method=method, outcome=outcome, seconds=seconds, error=error))
    if isinstance(result, Limited):
        telemetry.tell(SlackLimited(method=method, seconds=result.seconds))


def _told(result: Result) -> tuple[Outcome, str]:
    """The outcome, and what says more of it."""
    match result:
        case Done():
            return "done", ""
        case Refused(error=error):
            return "refused", error
        case Limited():
            return "limited", ""
        case NotSent(why=why):
            return "not_sent", why
        case Unknown(why=why):
            return "unknown", why
        case _ as never:
            assert_never(never)


def web_client(
    token: str,
    base_url: str = SLACK,
    session: aiohttp.ClientSession | None = None,
    telemetry: Telemetry = SILENT,
    again: Sequence[AsyncRetryHandler] = (),
) -> AsyncWebClient:
    """A client that sends each request once. The caller decides what a lost response means, unless `again` says when to
    send a request again."""
    # if its logger has no level of its own, slack_sdk writes out all that is sent and answered, for an entry of DEBUG
    logger = logging.getLogger("slack_sdk.web")
    logger.setLevel(max(logger.level, logging.INFO))
    return TellingClient(
        telemetry=telemetry,
        token=token,
        base_url=base_url.rstrip("/") + "/",
        session=session,
        retry_handlers=list(again),
        timeout=TIMEOUT_SECONDS,
        logger=logger,
    )


def connections() -> aiohttp.ClientSession:
    """A session that keeps connections for the next call, which saves a handshake each time.

    It closes idle connections before Slack does, because the outcome of a call on a closing connection is unknown.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        connector=aiohttp.TCPConnector(keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def call(request: Awaitable[AsyncSlackResponse], seconds: float) -> Result:
    """The outcome of the request, which has `seconds` to complete."""
    try:
        async with asyncio.timeout(seconds):
            response = await request
    except (TimeoutError, aiohttp.ClientError, OSError, SlackClientError) as error:
        result = outcome_of(error)
        if isinstance(result, Refused) and (messages := _messages(error)):
            log.warning("Slack refused with %s: %s", result.error, messages)
        return result
    if not isinstance(response.data, dict):
        return Unknown("a response without JSON")
    return Done(response.data, _date(response.headers))


def outcome_of(error: Exception) -> Result:
    """What became of a call that this error ended."""
    match error:
        case SlackApiError():
            return _refusal(error)
        case aiohttp.ClientConnectorError():
            return NotSent(type(error).__name__)
        case _:
            return Unknown(type(error).__name__)


def _messages(error: Exception) -> object:
    """Slack's words about what is wrong with what was sent, if it says more than its error's name."""
    response = error.response if isinstance(error, SlackApiError) else None
    body = response.data if isinstance(response, AsyncSlackResponse) and isinstance(response.data, dict) else {}
    return body.get("response_metadata", {}).get("messages")


def _refusal(error: SlackApiError) -> Result:
    response = error.response
    if not isinstance(response, AsyncSlackResponse):  # the body was not JSON: it is aiohttp's response, or None
        return Unknown("a response without JSON")
    body = response.data if isinstance(response.data, dict) else {}
    reason = str(body.get("error", ""))
    if response.status_code == 429 or reason in _LIMITED:
        return Limited(retry_after(response.headers))
    if response.status_code >= 500 or not reason or reason in _UNKNOWN:
        return Unknown(reason or f"status {response.status_code}")
    return Refused(reason, str(body.get("needed", "")))


def _date(headers: Mapping[str, str]) -> datetime | None:
    """The response's `Date` (RFC 9110, 6.6.1)."""
    named = {name.lower(): value for name, value in headers.items()}
    try:
        at = parsedate_to_datetime(named["date"])
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds that a 429 asks to wait."""
    named = {name.lower(): value for name, value in headers.items()}
    try:
        asked = float(named["retry-after"])
    except (KeyError, ValueError):
        return RETRY_AFTER_SECONDS
    return RETRY_AFTER_SECONDS if math.isnan(asked) else min(max(asked, 1.0), MAX_RETRY_AFTER_SECONDS)
