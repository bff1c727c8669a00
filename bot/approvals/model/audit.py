"""What happened, as it is kept, and the chain over it: each entry carries a hash of its text and of the one before.

What is hashed is the text as it is stored, so that nobody has to write it again in the same way to prove it.
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
    """What happened, written in the same transaction as the change that it tells of."""

    kind: str
    at: datetime
    task_id: TaskId
    request_id: RequestId | None = None
    person: Person | None = None
    """Who did it, or whose DM it was shown in; None where it was nobody's deed."""
    surface: str = ""
    """The id of the `Surface` that it was done on or is shown on, or `command`; empty where there is none."""
    digest: str = ""
    """Of the question as it stood then; empty where it is about no question."""
    rule: str = ""
    """The name of the policy's rule that governs the request."""
    data: Mapping[str, JSON] = field(default_factory=dict)


def event_of(
    request: Request,
    kind: str,
    at: datetime,
    *,
    person: Person | None = None,
    surface: str | None = None,
    data: Mapping[str, JSON] | None = None,
) -> AuditEvent:
    """An event of a request, on the digest that it asks for and under the rule that governs it."""
    return AuditEvent(
        kind=kind,
        at=at,
        task_id=request.task_id,
        request_id=request.id,
        person=person,
        surface=surface or "",
        digest=request.digest,
        rule=request.policy.name,
        data=data or {},
    )


# --- The chain ----------------------------------------------------------------------------------

GENESIS: Final = "0" * 64
"""What the first entry follows."""
PURGED: Final = "records_deleted"
"""The kind of the one event that stays of a task whose records are past their retention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the log as it is stored, whatever somebody may have made of it."""

    number: int
    """Greater than the number of the entry before it."""
    task_id: str
    """The task under which it is filed."""
    body: bytes | None
    """The event's text; empty where its task's records are past their retention, None where there is none at all."""
    digest: str
    """SHA-256 of the text, in hex. It stays when the text goes."""
    link: str
    """SHA-256, in hex, of the link before it and the digest: 64 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """An entry by its number and link: whoever notes it can prove later that everything up to it is unchanged."""

    number: int = 0
    link: str = GENESIS

    def __str__(self) -> str:
        return f"{self.number}:{self.link}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The head that was written so; `ValueError` where it is none."""
        number, _, link = text.strip().partition(":")
        if not number.isdecimal() or len(bytes.fromhex(link)) != 32:
            raise ValueError(f"{text} is no number and link")
        return cls(number=int(number), link=link.lower())


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def link_of(previous: str, digest: str) -> str:
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(digest)).hexdigest()
