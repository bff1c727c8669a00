"""A call that Slack refuses for a while, because there were too many, is made again when Slack allows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.slack.api.calls import retry_after

log = logging.getLogger(__name__)

MAX_SECONDS: Final = 130.0
"""How long all waits of one handler may take together."""


def log_wait(method: str, seconds: float) -> None:
    """Logs that Slack makes us wait."""
    log.warning("Slack allows no more calls of %s for %g s; it is asked again then", method, seconds)


class WaitsOut(AsyncRetryHandler):
    """For calls that change nothing, so that a second one does no harm. `said` is told the method and the seconds
    before each wait."""

    def __init__(
        self,
        said: Callable[[str, float], None] = log_wait,
        seconds: float = MAX_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(max_retry_count=100)
        self._said = said
        self._left = seconds
        self._sleep = sleep

    async def _can_retry_async(
        self,
        *,
        state: RetryState,  # noqa: ARG002
        request: HttpRequest,  # noqa: ARG002
        response: HttpResponse | None = None,
        error: Exception | None = None,  # noqa: ARG002
    ) -> bool:
        return response is not None and response.status_code == 429 and _seconds(response) <= self._left

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,  # noqa: ARG002
    ) -> None:
        if response is not None:
            seconds = _seconds(response)
            self._left -= seconds
            self._said(urlsplit(request.url).path.rpartition("/")[2], seconds)
            await self._sleep(seconds)
        state.next_attempt_requested = True
        state.increment_current_attempt()


def _seconds(response: HttpResponse) -> float:
    return retry_after({name: values[0] for name, values in response.headers.items() if values})
