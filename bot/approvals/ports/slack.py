"""Slack, as the domain needs it: its messages, its people and its groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.approvals.model.ids import (
    ChannelId,
    MessageId,
    MessageRef,
    Person,
    Ts,
)
from bot.approvals.model.message import Message
from bot.approvals.model.people import Member
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that one message may show."""

    message: Message
    task: Task
    request: Request | None = None
    requests: tuple[Request, ...] = ()
    """All of the task's, for the messages that belong to the task."""
    current: bool = True
    """False for an outcome that a later one has replaced: the task was retried after it."""
    doing: str | None = None
    """What the graph says that it is doing at this moment. Only the opening shows it."""


class Drawing(Protocol):
    """A view, drawn. Opaque to the domain but for its fingerprint."""

    @property
    def fingerprint(self) -> str: ...


class MessageGone(Exception):
    """The message cannot be changed any more; a new one is due."""


class PlaceGone(Exception):
    """This place cannot be posted to, now or later; `str()` is Slack's reason."""


class FileRefused(Exception):
    """Slack does not take this file, and will not later; `str()` is its reason."""


class OutcomeUnknown(Exception):
    """Slack may or may not have done it."""


class NotNow(Exception):
    """Slack did not do it and may later; `retry_after` in seconds."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Messenger(Protocol):
    """Slack's messages."""

    def draw(self, view: View) -> Drawing:
        """The view as a message within Slack's limits, whatever it holds. Pure."""
        ...

    async def post(
        self, channel: ChannelId, thread_ts: Ts | None, drawing: Drawing, message_id: MessageId
    ) -> MessageRef:
        """Post once, with the id in the metadata; `PlaceGone`, `FileRefused`, `OutcomeUnknown` or `NotNow`."""
        ...

    async def update(self, ref: MessageRef, drawing: Drawing) -> None:
        """Bring a message level; `MessageGone`, `PlaceGone`, `OutcomeUnknown` or `NotNow`."""
        ...

    async def find(
        self, channel: ChannelId, thread_ts: Ts | None, message_id: MessageId, since: datetime | None
    ) -> tuple[MessageRef, ...]:
        """The messages that carry the id, the oldest first: none if it was not posted after all. `since`, in Slack's
        time, is when the first post was begun; None if that is not known. `PlaceGone` or `NotNow`."""
        ...

    async def close(self, ref: MessageRef) -> None:
        """Take a message away that nobody is to act on any more; nothing happens if it is gone. `NotNow`."""
        ...

    async def time(self) -> datetime | None:
        """Slack's time, by its own clock, which ours may be far from; None while Slack does not say."""
        ...

    async def open_direct(self, person: Person) -> ChannelId:
        """The channel of the bot's DM with this person; `PlaceGone` or `NotNow`."""
        ...


class LookupFailed(Exception):
    """The directory did not answer; whoever asked has to refuse."""


class LookupRefused(LookupFailed):
    """The directory will not answer this until an operator changes something: a scope is missing, or the plan has no
    such thing. `str()` is a sentence's end that says which, such as "cannot be looked up: ..."."""


class Directory(Protocol):
    """Slack's people and groups."""

    async def member(self, person: Person, *, fresh: bool = False) -> Member:
        """The account; `LookupFailed` if Slack does not say. `fresh` asks Slack, whatever is remembered."""
        ...

    async def identify(self, ref: str) -> str | None:
        """The id of whom a name of a policy means now: of a person, a user group or a channel. An id is its own. None
        if it means nothing; `LookupFailed` if Slack does not say."""
        ...

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        """Everyone whom these names of a policy mean. A name that means nobody adds nobody; `LookupFailed`
        where Slack does not say. `fresh` reads past the cache."""
        ...

    async def names_of(self, person: Person) -> frozenset[str]:
        """The names by which a policy may mean this account alone: its id and its address. `LookupFailed` if Slack does
        not say."""
        ...

    async def groups_of(self, person: Person) -> frozenset[str]:
        """The user groups that this account is in, if it may answer as one of many. `LookupFailed` if Slack does not
        say."""
        ...

    async def channel(self, ref: str) -> ChannelId | None:
        """The channel of this name (`#ops`) or id that the bot can see; None where there is none; `LookupFailed`
        where Slack does not say."""
        ...
