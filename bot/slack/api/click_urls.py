"""The addresses that come with clicks: through them a clicked message is updated without using up Slack's edit quota.

Slack sends a `response_url` with each click on a message. It takes five calls within thirty minutes, and may replace
the message that was clicked, in its thread and with its `ts` (Slack: "Handling user interaction", "Modifying
messages"). These calls are not counted with those of chat.update. The addresses need no token, so they are secrets:
they are kept in memory only, and are never logged.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from bot.approvals.model.ids import MessageRef
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.slack.api.calls import Done, Refused, Result, Unknown, connections, tell_of
from bot.slack.api.rate_limit import Monotonic

METHOD: Final = "response_url"
"""What these calls are named in what is told of them."""
USES: Final = 5
"""How often Slack takes one address."""
FRESH_SECONDS: Final = 29 * 60.0
"""How long an address is used. Slack takes it for thirty minutes after the click."""
TIMEOUT_SECONDS: Final = 5.0
"""For one call."""
MAX_MESSAGES: Final = 2000
"""Messages whose addresses are remembered. The one whose last click is the longest ago is forgotten first."""
MAX_PER_MESSAGE: Final = 4


@dataclass(slots=True)
class _Address:
    url: str
    told_at: float
    left: int = USES


class ClickUrls:
    """Remembers the addresses of clicks, and updates clicked messages through them."""

    def __init__(
        self, monotonic: Monotonic, session: aiohttp.ClientSession | None = None, telemetry: Telemetry = SILENT
    ) -> None:
        self._monotonic = monotonic
        self._telemetry = telemetry
        self._session = session
        self._known: OrderedDict[MessageRef, list[_Address]] = OrderedDict()

    def remember(self, ref: MessageRef, url: str) -> None:
        """Somebody clicked on this message, and Slack sent this address with the click."""
        fresh = [address for address in self._fresh(ref) if address.url != url]
        self._known[ref] = [_Address(url, self._monotonic()), *fresh][:MAX_PER_MESSAGE]
        self._known.move_to_end(ref)
        while len(self._known) > MAX_MESSAGES:
            self._known.popitem(last=False)

    def has(self, ref: MessageRef) -> bool:
        """Whether the message can be updated through an address now."""
        return bool(self._fresh(ref))

    async def replace(self, ref: MessageRef, message: Mapping[str, Any]) -> bool:
        """Shows `message` in place of what the clicked message shows. Returns False if there is no address, or if Slack
        did not say that it was done: then it may or may not have been."""
        address = next(iter(self._fresh(ref)), None)
        if address is None:
            return False
        address.left -= 1
        began = time.perf_counter()
        result = await self._post(address.url, {**message, "replace_original": True})
        tell_of(self._telemetry, METHOD, result, time.perf_counter() - began)
        if not isinstance(result, Done):
            address.left = 0
        return isinstance(result, Done)

    def _fresh(self, ref: MessageRef) -> list[_Address]:
        """The addresses that Slack still takes, the newest first. The others are forgotten."""
        oldest = self._monotonic() - FRESH_SECONDS
        fresh = [each for each in self._known.get(ref, ()) if each.left > 0 and each.told_at > oldest]
        if fresh:
            self._known[ref] = fresh
        else:
            self._known.pop(ref, None)
        return fresh

    async def _post(self, url: str, message: Mapping[str, Any]) -> Result:
        """What became of it, without the address."""
        if self._session is None:
            async with connections() as session:
                return await _sent(session, url, message)
        return await _sent(self._session, url, message)


async def _sent(session: aiohttp.ClientSession, url: str, message: Mapping[str, Any]) -> Result:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            async with session.post(url, json=message, allow_redirects=False) as response:
                said = await response.text()
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        return Unknown(type(error).__name__)  # its words may hold the address
    if response.status != 200:
        return Unknown(f"status {response.status}")
    return Done({}) if _is_done(said) else Refused("not ok")


def _is_done(said: str) -> bool:
    """Slack answers `ok`, or an object with `ok`."""
    try:
        answer = json.loads(said)
    except ValueError:
        return said.strip() == "ok"
    return isinstance(answer, dict) and answer.get("ok") is True
