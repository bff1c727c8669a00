"""Which bot some settings mean."""

from __future__ import annotations

from bot.runtime import health
from bot.settings import RoleSettings


def bot_of(settings: RoleSettings) -> str:
    """Which bot these settings mean, as heartbeats tell bots apart."""
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url is not None else ""
    return health.identity(settings.slack_bot_token.get_secret_value(), settings.slack_api_url, redis_url)
