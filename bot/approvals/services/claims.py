"""What a process had taken when it ended: its leases, and its claims on messages."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.facts import ProcessGone
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry

_EVER = datetime(9000, 1, 1, tzinfo=UTC)
_MAX_CLAIMS = 1000
LEAVE_SECONDS = 1.0
"""How long the end of a process waits for storage to forget its name."""


async def void(storage: Storage, owners: Collection[str], telemetry: Telemetry = SILENT) -> None:
    """Gives back at once what these processes, which are dead, had taken."""
    if not owners:
        return
    for message in await storage.out_of_date(_EVER, _MAX_CLAIMS):
        if message.claimed_by in owners:
            with suppress(Conflict):
                await storage.save_message(replace(message, claimed_by=None, not_before=None))
    for owner in owners:
        await storage.void(owner)
        telemetry.tell(ProcessGone(owner=owner))


async def void_lapsed(storage: Storage, now: datetime, telemetry: Telemetry = SILENT) -> None:
    """The same for every process that has not said for too long that it lives."""
    await void(storage, await storage.owners(now), telemetry)


async def leave(storage: Storage, owner: str) -> None:
    """Has storage forget this process, which ends in order and holds no lease, so that nobody takes it for dead. If it
    still claims a message, its name stays: then the next process frees the claim. Returns in time whatever storage
    does."""
    with suppress(TimeoutError, Unreachable):
        async with asyncio.timeout(LEAVE_SECONDS):
            if all(message.claimed_by != owner for message in await storage.out_of_date(_EVER, _MAX_CLAIMS)):
                await storage.void(owner)
