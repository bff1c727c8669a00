"""Numbered changes, for the page and for tests that wait, so that nobody has to poll."""

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that happened."""

    seq: int
    kind: str
    fields: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The change as the control API gives it."""
        return {"seq": self.seq, "kind": self.kind, **self.fields}


class Feed:
    """A numbered list of changes, which forgets the oldest."""

    _KEPT = 10_000

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self.seq = 0

    def add(self, kind: str, **fields: Any) -> None:
        """Appends a change and wakes everybody who waits."""
        self.seq += 1
        self._changes.append(Change(seq=self.seq, kind=kind, fields=fields))
        del self._changes[: -self._KEPT]
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def go_on_at(self, seq: int) -> None:
        """Numbers new changes above this, for listeners of an earlier run."""
        self.seq = max(self.seq, seq)

    def since(self, after: int) -> list[Change]:
        """The changes numbered above `after`."""
        first = self._changes[0].seq if self._changes else self.seq + 1
        return self._changes[max(0, after + 1 - first) :]

    async def wait(self, after: int, seconds: float) -> list[Change]:
        """The changes above `after`, as soon as there is one. Empty after `seconds`."""
        if self.seq <= after:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await asyncio.wait([waiter], timeout=seconds)
            finally:
                self._waiting.discard(waiter)
                waiter.cancel()
        return self.since(after)
