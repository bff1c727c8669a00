"""Reads from Slack while somebody waits for the answer: each call gets its turn, and waits for it rather than fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.api.calls import Limited, Result, call
from bot.slack.api.rate_limit import Pace, Rate, TooLong

TIMEOUT_SECONDS: Final = 2.0
"""For one call, because somebody has clicked and waits."""
PATIENCE_SECONDS: Final = 130.0
"""How long a look-up may wait for its turn: a little more than two minutes, each of which has room for some."""

GROUPS: Final = Rate(calls=20, burst=10)
CHANNELS: Final = Rate(calls=50, burst=50)
ACCOUNTS: Final = Rate(calls=100, burst=100)
"""Tiers 2, 3 and 4. A look-up goes as soon as Slack takes it, because somebody waits."""
RATES: Final = {
    "auth.test": ACCOUNTS,
    "users.info": ACCOUNTS,
    "users.lookupByEmail": CHANNELS,
    "conversations.info": CHANNELS,
    "conversations.list": GROUPS,
    "conversations.members": ACCOUNTS,
    "usergroups.list": GROUPS,
    "usergroups.users.list": GROUPS,
}
"""By method (Slack: the method's page, "Rate limits")."""


class Lookups:
    """Asks Slack. All parts of one process that look things up share its `pace`, as they share Slack's limits."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    async def ask(
        self, method: str, request: Callable[[], Awaitable[AsyncSlackResponse]], patience: float = PATIENCE_SECONDS
    ) -> Result:
        """The outcome of the request, once it is its turn. If Slack says 429, it is made again when Slack allows that.
        Returns Limited if all this would take longer than `patience` seconds."""
        until = self._pace.now() + patience
        while True:
            try:
                await self._pace.turn(method, RATES[method], patience=until - self._pace.now())
            except TooLong as late:
                return Limited(late.seconds)
            result = await call(request(), TIMEOUT_SECONDS)
            if not isinstance(result, Limited):
                return result
            self._pace.close(method, result.seconds)
