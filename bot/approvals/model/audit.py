"""The record of what happened, and the hash chain over it. Each entry carries a hash of its own text and a link that
also covers the entry before it.

The hash is taken of the text exactly as it is stored, so a check never has to reproduce that text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from bot.approvals.model.ids import JSON, Person, RequestId, TaskId
from bot.approvals.model.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What happened. The event is written in the same transaction as the change that it describes."""

    kind: str
    at: datetime
    task_id: TaskId
    request_id: RequestId | None = None
    person: Person | None = None
    """The person who did it, or whose DM it was shown in. None if no person was involved."""
    surface: str = ""
    """The id of the message that it was done on or is shown on, or `command`. Empty if it was neither."""
    digest: str = ""
    """The digest of the question at that time. Empty if the event is not about a question."""
    rule: str = ""
    """The name of the policy rule that governs the request."""
    through: str = ""
    """The name of the API's token with which it was done. Empty if it was done in Slack or by the bot."""
    data: Mapping[str, JSON] = field(default_factory=dict)


def event_of(
    request: Request,
    kind: str,
    at: datetime,
    *,
    person: Person | None = None,
    surface: str | None = None,
    through: str = "",
    data: Mapping[str, JSON] | None = None,
) -> AuditEvent:
    """An event about this request, with the digest of its question and the name of the rule that governs it."""
    return AuditEvent(
        kind=kind,
        at=at,
        task_id=request.task_id,
        request_id=request.id,
        person=person,
        surface=surface or "",
        digest=request.digest,
        rule=request.policy.name,
        through=through,
        data=data or {},
    )


# --- The chain ----------------------------------------------------------------------------------

GENESIS: Final = "0" * 64
"""The link that the first entry continues from."""
PURGED: Final = "records_deleted"
"""The kind of the only event that remains of a task once its records are past their retention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log, exactly as it is stored, even if somebody tampered with it."""

    number: int
    """Greater than the number of the entry before it."""
    task_id: str
    """The task that it belongs to."""
    body: bytes | None
    """The event's text. Empty if its task's records are past their retention. None if no text is stored at all."""
    digest: str
    """SHA-256 of the text, in hex. It stays when the text is removed."""
    link: str
    """SHA-256, in hex, of 64 bytes: the previous entry's link, then this digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The number and link of one entry. If you note them, you can prove later that nothing up to it has changed."""

    number: int = 0
    link: str = GENESIS

    def __str__(self) -> str:
        return f"{self.number}:{self.link}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads a head back from its text. Raises `ValueError` if the text is not a number and a link."""
        number, _, link = text.strip().partition(":")
        if not number.isdecimal() or len(bytes.fromhex(link)) != 32:
            raise ValueError(f"{text} is no number and link")
        return cls(number=int(number), link=link.lower())


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def link_of(previous: str, digest: str) -> str:
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(digest)).hexdigest()
