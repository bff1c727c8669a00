"""response_url: a way to answer an interaction, five times within thirty minutes.

Source: Slack, "Handling user interaction", message responses.
"""

import secrets
from dataclasses import dataclass

from simulator import limits
from simulator.clock import Clock
from simulator.errors import SlackError


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """Where an interaction happened, and how many answers it has had."""

    user_id: str
    channel: str
    message_ts: str | None
    thread_ts: str | None
    made_at: float
    uses: int = 0


class ResponseUrls:
    """Makes response_urls and counts their uses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: dict[str, ResponseUrl] = {}

    def make(self, *, user_id: str, channel: str, message_ts: str | None = None, thread_ts: str | None = None) -> str:
        """Makes a new response_url. Returns its secret part."""
        secret = secrets.token_urlsafe(24)
        self._made[secret] = ResponseUrl(
            user_id=user_id, channel=channel, message_ts=message_ts, thread_ts=thread_ts, made_at=self._clock.now()
        )
        return secret

    def all(self) -> dict[str, ResponseUrl]:
        """The response_urls that still work, by their secret part."""
        now = self._clock.now()
        return {secret: url for secret, url in self._made.items() if now - url.made_at <= limits.RESPONSE_URL_SECONDS}

    def restore(self, made: dict[str, ResponseUrl]) -> None:
        """Restores the response_urls of an earlier run."""
        self._made = dict(made)

    def use(self, secret: str) -> ResponseUrl:
        """Counts a use. Raises expired_url or used_url if it no longer works."""
        url = self._made.get(secret)
        if url is None or self._clock.now() - url.made_at > limits.RESPONSE_URL_SECONDS:
            raise SlackError("expired_url")
        if url.uses >= limits.RESPONSE_URL_USES:
            raise SlackError("used_url")
        url.uses += 1
        return url
