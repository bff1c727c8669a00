"""What is exchanged, without saying how. A flow is a generator: it yields what to send or how long to pause, and gets
the answer back, so that one flow serves both the blocking and the asynchronous client."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request."""

    method: str
    path: str
    """With its query, from `/v1` on."""
    body: bytes | None = None
    key: str | None = None
    """The idempotency key."""
    timeout: float
    """Seconds until the whole answer must be there."""
    accept: str = "application/json"

    def headers(self) -> dict[str, str]:
        """All but the token's."""
        found = {"Accept": self.accept, "User-Agent": AGENT}
        if self.body is not None:
            found["Content-Type"] = "application/json"
        if self.key is not None:
            found["Idempotency-Key"] = self.key
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """The server was not reached, or the connection ended before the whole answer was there."""

    why: str
    sent: bool
    """False if the server cannot have got the call."""
    final: bool = False
    """True if trying again is pointless, as after a certificate that is not valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    seconds: float


Flow = Generator[Call | Pause, Reply | NoAnswer | None, T]

AGENT = "countersign-python"
