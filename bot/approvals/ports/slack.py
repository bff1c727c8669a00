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
    """All requests of the task, if the message belongs to the task."""
    current: bool = True
    """False for an outcome that a later outcome has replaced, because the task was retried."""
    doing: str | None = None
    """The graph's own note of what it is doing now. Only the opening message shows it."""


class Drawing(Protocol):
    """A rendered view. The domain uses nothing but its fingerprint."""

    @property
    def fingerprint(self) -> str: ...


class MessageGone(Exception):
    """The message can no longer be changed. A new one has to be posted."""


class PlaceGone(Exception):
    """Nothing can be posted to this place, now or later. `str()` is Slack's reason."""


class FileRefused(Exception):
    """Slack does not take this file, now or later. `str()` is Slack's reason."""


class OutcomeUnknown(Exception):
    """It is not known whether Slack carried out the call."""


class NotNow(Exception):
    """Slack did not carry out the call, but may do so after `retry_after` seconds."""

    def __init__(self, reason: str, retry_after: float) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Messenger(Protocol):
    """Slack's messages."""

    def draw(self, view: View) -> Drawing:
        """Render the view as a message. The result is within Slack's limits, whatever the view holds. Pure."""
        ...

    async def post(
        self, channel: ChannelId, thread_ts: Ts | None, drawing: Drawing, message_id: MessageId
    ) -> MessageRef:
        """Post a message once, with `message_id` in its metadata. Raises `PlaceGone`, `FileRefused`, `OutcomeUnknown`
        or `NotNow`."""
        ...

    def updates_freely(self, ref: MessageRef) -> bool:
        """Whether an update of this message would not count against the workspace's limit of edits, because somebody
        has just clicked on the message."""
        ...

    async def update(self, ref: MessageRef, drawing: Drawing) -> None:
        """Replace what a message shows. Raises `MessageGone`, `PlaceGone`, `OutcomeUnknown` or `NotNow`."""
        ...

    async def find(
        self, channel: ChannelId, thread_ts: Ts | None, message_id: MessageId, since: datetime | None
    ) -> tuple[MessageRef, ...]:
        """The messages whose metadata carries the id, oldest first. Returns an empty tuple if none was posted. `since`
        is when the first post began, by Slack's clock, or None if that is not known. Raises `PlaceGone` or `NotNow`."""
        ...

    async def close(self, ref: MessageRef) -> None:
        """Delete a message that nobody may act on any more. Does nothing if it is gone. Raises `NotNow`."""
        ...

    async def time(self) -> datetime | None:
        """The time by Slack's clock, which may be far from ours. Returns None if Slack does not say."""
        ...

    async def open_direct(self, person: Person) -> ChannelId:
        """The channel of the bot's DM with this person. Raises `PlaceGone` or `NotNow`."""
        ...


class LookupFailed(Exception):
    """The directory did not answer. The caller has to refuse the action."""


class LookupRefused(LookupFailed):
    """The directory will not answer until an operator changes something: a scope is missing, or the workspace's plan
    lacks it. `str()` is the end of a sentence that says what is missing, such as "cannot be looked up: ..."."""


class Directory(Protocol):
    """Slack's people and groups."""

    async def member(self, person: Person, *, fresh: bool = False) -> Member:
        """The account. `fresh` asks Slack even if the answer is cached. Raises `LookupFailed` if Slack does not say."""
        ...

    async def identify(self, ref: str) -> str | None:
        """The id of the person, user group or channel that a name in a policy means now. An id means itself. Returns
        None if the name means nothing. Raises `LookupFailed` if Slack does not say."""
        ...

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        """All people that these names in a policy mean. A name that means nobody adds nobody. `fresh` asks Slack even
        if the answer is cached. Raises `LookupFailed` if Slack does not say."""
        ...

    async def names_of(self, person: Person) -> frozenset[str]:
        """The names that mean only this account in a policy: its id and its e-mail address. Raises `LookupFailed` if
        Slack does not say."""
        ...

    async def groups_of(self, person: Person) -> frozenset[str]:
        """The user groups that this account is in, if it may answer as a member of a group. Raises `LookupFailed`
        if Slack does not say."""
        ...

    async def channel(self, ref: str) -> ChannelId | None:
        """The channel with this name (`#ops`) or id. Returns None if the bot can see no such channel. Raises
        `LookupFailed` if Slack does not say."""
        ...

    async def is_in(self, channel: ChannelId) -> bool:
        """Whether the bot is a member of this channel, so that it can ask people there. Raises `LookupFailed` if Slack
        does not say."""
        ...
