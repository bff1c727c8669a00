"""Edits that wait a moment, so that everything that changes meanwhile is one call to Slack.

This is no record: it lives in this process alone and may be lost. A message that nobody remembers here is out of date
in storage all the same, and waits once more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.ids import MessageId

GATHER: Final = timedelta(seconds=1)
"""How long an edit waits for further changes. Slack allows about 50 edits a minute in a workspace."""
_KEPT: Final = timedelta(minutes=1)
"""How long a message is remembered that another process may have brought up to date meanwhile."""


@dataclass(slots=True)
class Gathering:
    """Remembers since when each message is out of date."""

    _since: dict[MessageId, datetime] = field(default_factory=dict)
    _over: bool = False

    def due(self, id: MessageId, wait: timedelta, now: datetime) -> datetime:
        """When this message is to be updated: `wait` after it was first seen out of date."""
        if self._over:
            return now
        if id not in self._since:
            self._since = {each: at for each, at in self._since.items() if now - at < _KEPT}
            self._since[id] = now
        return self._since[id] + wait

    def forget(self, id: MessageId) -> None:
        """Note that the message is up to date."""
        self._since.pop(id, None)

    def end(self) -> None:
        """Make everything due at once, because the process ends."""
        self._over = True
