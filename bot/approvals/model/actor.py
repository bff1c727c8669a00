"""Who acts, from where and when, and what they were shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from bot.approvals.model.ids import MessageId, Person, RequestId
from bot.approvals.model.request import Request

COMMAND: Final = "command"
"""The surface of what was typed as a slash command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person who does something."""

    person: Person
    surface: MessageId | str | None = None
    """The message that they acted on, or `COMMAND`; None if it was neither."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a person was shown of a request, as the message or modal says that they acted on."""

    request_id: RequestId
    version: int
    digest: str | None
    """None if the message does not say it, because an earlier version of the bot drew it."""

    @classmethod
    def of(cls, request: Request) -> Self:
        """All of the request, as it stands."""
        return cls(request_id=request.id, version=request.version, digest=request.digest)
