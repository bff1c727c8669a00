"""The person who acts, where and when they act, and what they were shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import MessageId, Person, RequestId
from bot.approvals.model.request import Request

COMMAND: Final = "command"
"""Stands in `Actor.surface` for a slash command, which is typed and belongs to no message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person who does something, with the place and the time."""

    person: Person
    surface: MessageId | str | None = None
    """The message that they acted on, or `COMMAND`. None if it was neither."""
    at: datetime
    through: str = ""
    """The name of the token with which another page acts for them. Empty if they act in Slack."""
    words: Callable[[CountersignError], str] = field(default=str, repr=False, compare=False)
    """Turns a refusal into the text that this person reads. The audit log keeps that text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a person saw of a request, according to the message or modal that they acted on."""

    request_id: RequestId
    version: int
    digest: str | None
    """None if the message does not say it, because an earlier version of the bot rendered it."""

    @classmethod
    def of(cls, request: Request) -> Self:
        """The request as it is now, in full."""
        return cls(request_id=request.id, version=request.version, digest=request.digest)
