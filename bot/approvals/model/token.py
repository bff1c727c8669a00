"""A token of the HTTP API: what a program may do, and for whom it speaks. The token itself is never stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.approvals.model.ids import TaskId

PREFIX: Final = "csk_"
"""What every token begins with, so that scanners find one that leaked."""

TOKENS: Final = TaskId("tokens")
"""The audit log files under this id what operators do with tokens, as it belongs to no task."""


class Scope(StrEnum):
    """What a token allows."""

    WRITE_REQUESTS = "requests:write"
    READ_REQUESTS = "requests:read"
    WRITE_TASKS = "tasks:write"
    VOTES = "votes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, as it is stored."""

    name: str
    """Unique for ever, as the audit log and policies name it."""
    digest: str
    """SHA-256, in hex, of the token."""
    scopes: frozenset[Scope]
    sources: tuple[str, ...]
    """The sources that it speaks for. The first one counts if a call names none."""
    channels: tuple[str, ...] = ()
    """The channels (`#name` or `C...`) that it may ask in. The first one counts if a call names none. Empty: any."""
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    """When it was last used, to the minute. None if never."""
    revoked_at: datetime | None = None
    revision: int = 0
    """The number of saves. Storage compares it before it writes, so that no use of a token undoes that it was
    revoked."""

    def lives(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
