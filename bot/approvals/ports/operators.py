"""What operators need of storage: troubles, and figures of what waits.

`tests/conformance` tests every sentence here on each store.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from bot.approvals.model.audit import Head
from bot.approvals.model.census import Census
from bot.approvals.model.trouble import Trouble


class TroubleStore(Protocol):
    """What operators are told of in their channel."""

    async def troubles(self, limit: int) -> tuple[Trouble, ...]:
        """Every trouble that is stored, the one that began first comes first."""
        ...

    async def save_trouble(self, trouble: Trouble) -> Trouble:
        """Replace the trouble of this kind and subject, or store a new one if the revision is 0. Returns it with its
        next revision. Raises `Conflict` if the stored revision is another one. It belongs to no task, so no audit event
        comes with it."""
        ...

    async def remove_trouble(self, trouble: Trouble) -> None:
        """Remove it. Raises `Conflict` if the stored revision is another one."""
        ...

    async def verified(self) -> Head | None:
        """The entry of the audit log up to which the log was found to be intact. None if nobody has looked yet."""
        ...

    async def save_verified(self, head: Head) -> None:
        """Replace it."""
        ...


class CensusStore(Protocol):
    """Figures for operators."""

    async def census(self, now: datetime) -> Census:
        """How many records of each kind wait. Its cost depends on how many wait, and not on how many there are. Records
        that change meanwhile may be missed or counted twice."""
        ...
