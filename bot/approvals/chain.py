"""The chain over the audit log: each entry carries a hash of its text and of the entry before it.

What is hashed is the text as it is stored, so that nobody has to write it again in the same way to prove it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Self

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
