"""What the tests of the messenger post, and since when they look for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.approvals.model.ids import ChannelId

OPS = ChannelId("C0OPS")


def since() -> datetime:
    return datetime.now(tz=UTC) - timedelta(seconds=5)
