"""What a dead process had taken: its leases, and its claims on messages."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from bot.approvals.model.errors import Conflict
from bot.approvals.ports.storage import Storage

log = logging.getLogger(__name__)

_EVER = datetime(9000, 1, 1, tzinfo=UTC)
_MAX_CLAIMS = 1000


async def void(storage: Storage, owners: Collection[str]) -> None:
    """Gives back at once what these processes, which are dead, had taken."""
    if not owners:
        return
    for message in await storage.out_of_date(_EVER, _MAX_CLAIMS):
        if message.claimed_by in owners:
            with suppress(Conflict):
                await storage.save_message(replace(message, claimed_by=None, not_before=None))
    for owner in owners:
        log.info("process %s is gone; what it had taken is free", owner)
        await storage.void(owner)


async def void_lapsed(storage: Storage, now: datetime) -> None:
    """The same for every process that has not said for too long that it lives."""
    await void(storage, await storage.owners(now))
