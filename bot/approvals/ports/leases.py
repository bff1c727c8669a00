"""What the drivers of agents need of storage: leases.

`tests/conformance` tests every sentence here on each store.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol

from bot.approvals.model.ids import ThreadId
from bot.approvals.model.task import Lease


class LeaseStore(Protocol):
    """Leases: who may run an agent's thread, and which processes live."""

    async def lease(self, thread_id: ThreadId, ttl: timedelta, now: datetime, owner: str = "") -> Lease | None:
        """Take the thread for `ttl`. Returns None if somebody else's lease is live. Each lease's token is greater than
        all earlier ones of that thread."""
        ...

    def renew(self, lease: Lease, ttl: timedelta, now: datetime) -> Lease | None:
        """Extend the lease to `ttl` from now. Returns None if it was released, or taken by somebody else. A lease that
        has run out and that nobody took can be renewed.

        This call blocks, and any thread may make it: a lease must outlive an event loop that a graph blocks.
        """
        ...

    async def release(self, lease: Lease) -> None:
        """Give the thread back. Does nothing if somebody else holds it by now."""
        ...

    async def drop(self, thread_id: ThreadId, owner: str) -> None:
        """End the lease that this process has on the thread. Does nothing if it has none."""
        ...

    async def holds(self, lease: Lease, now: datetime) -> bool:
        """Whether this lease is live and still holds its thread."""
        ...

    def beat(self, owners: Collection[str], ttl: timedelta, now: datetime) -> None:
        """Note that these processes live for `ttl` from now, and extend all their leases to then. A lease of theirs
        that has run out and that nobody took is extended, too.

        This call blocks, and any thread may make it.
        """
        ...

    async def owners(self, now: datetime | None = None) -> frozenset[str]:
        """The processes that have beaten and are not voided; with `now`, only those whose beat is over by then."""
        ...

    async def void(self, owner: str) -> None:
        """Forget a process that is dead, and end its leases at once."""
        ...
