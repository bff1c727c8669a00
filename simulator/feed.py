"""A numbered list of changes, so that the page and tests can wait for a change without polling."""

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change."""

    seq: int
    kind: str
    fields: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The change as the control API sends it."""
        return {"seq": self.seq, "kind": self.kind, **self.fields}


class Feed:
    """A numbered list of changes. It keeps only the newest ones."""

    _MAX_CHANGES = 10_000

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self.seq = 0

    def add(self, kind: str, **fields: Any) -> None:
        """Appends a change and wakes everyone who waits."""
        self.seq += 1
        self._changes.append(Change(seq=self.seq, kind=kind, fields=fields))
        del self._changes[: -self._MAX_CHANGES]
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def go_on_at(self, seq: int) -> None:
        """Starts numbering above `seq`, for listeners that know the numbers of an earlier run."""
        self.seq = max(self.seq, seq)

    def since(self, after: int) -> list[Change]:
        """The changes numbered above `after`."""
        first = self._changes[0].seq if self._changes else self.seq + 1
        return self._changes[max(0, after + 1 - first) :]

    async def wait(self, after: int, seconds: float) -> list[Change]:
        """The changes numbered above `after`. Waits for the first one; returns none after `seconds`."""
        if self.seq <= after:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await asyncio.wait([waiter], timeout=seconds)
            finally:
                self._waiting.discard(waiter)
                waiter.cancel()
        return self.since(after)
