"""Trouble with the audit log: an entry that is not as it was written.

What is new is verified about once a minute, a bounded number of entries each time, from where the last look ended. That
place is stored, so that the whole log is walked through only once. `audit verify` walks through all of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.trouble import About, Trouble, TroubleKind
from bot.approvals.ports.storage import Storage
from bot.approvals.services.audit.following import follow
from bot.approvals.services.audit.proof import Broken
from bot.approvals.services.troubles.source import Sight

EVERY: Final = timedelta(minutes=1)
MAX_ENTRIES: Final = 5_000
"""Entries that one look verifies."""
LOG: Final = "log"


@dataclass(slots=True, kw_only=True)
class OfTheLog:
    """Sees whether the audit log is still as it was written."""

    storage: Storage
    _looked_at: datetime | None = field(default=None, init=False)

    async def look(self, known: Sequence[Trouble], now: datetime) -> Sight:
        """Verifies what is new, if that is due."""
        if self._looked_at is not None and now < self._looked_at + EVERY:
            return Sight()
        self._looked_at = now
        head = await self.storage.verified()
        found = await follow(self.storage, head, MAX_ENTRIES)
        if isinstance(found, Broken):
            about = About(name=f"{found.number:,}", why=found.why)
            return Sight(lasting={(TroubleKind.CHAIN, LOG): about})
        if found != head:
            await self.storage.save_verified(found)
        return Sight(over=[each.key for each in known if each.kind is TroubleKind.CHAIN])
