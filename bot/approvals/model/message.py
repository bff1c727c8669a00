"""One Slack message and what it shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, Person, RequestId, TaskId


class MessageKind(StrEnum):
    OPENING = "opening"
    """The message that opens the task's Slack thread."""
    CARD = "card"
    """The request in that thread."""
    COPY = "copy"
    """The same card in somebody's DM, or in another channel."""
    FILE = "file"
    """All of a request that is too long for a modal, in the version that it had then."""
    REMINDER = "reminder"
    """The reminder that the policy sends, in the thread."""
    NUDGE = "nudge"
    """A reminder that the requester sends, in the thread or in somebody's DM."""
    COMMENT = "comment"
    """What somebody asks the requester, in the thread."""
    UNREACHED = "unreached"
    """Who could not be asked by DM, in the thread."""
    OUTCOME = "outcome"
    """How the task ended, or why it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that the bot keeps in sync with the records. Its id travels in the metadata of the Slack message, so
    that a post whose response was lost can be found again."""

    id: MessageId
    kind: MessageKind
    task_id: TaskId
    created_at: datetime
    request_id: RequestId | None = None
    to: Person | None = None
    """Whose DM it goes to, if it goes to one."""
    channel: ChannelId | None = None
    """The channel that a copy goes to, if it goes to one."""
    version: int = 0
    """Of the question that it shows, or that a file holds; 0 if it shows none, and in records of earlier versions."""
    number: int = 0
    """Which of the request's comments it shows, counted from 0."""
    ref: MessageRef | None = None
    shown: int = -1
    """The revision of its task or request that it shows; -1: nothing yet."""
    fingerprint: str | None = None
    """Of what was drawn last, so that an unchanged drawing costs no call. None: it is to be drawn anew."""
    digest: str | None = None
    """Of the question that it shows. None: it shows none."""
    attempted: bool = False
    """A post was begun and its outcome is not known."""
    begun_at: datetime | None = None
    """When its first post was begun, in Slack's time; None if that is not known."""
    copies_due: datetime | None = None
    """When to look for second copies: an earlier post, or a message that could not be changed any more, may stand there
    with its buttons. None: there are none."""
    tries: int = 0
    """Calls in a row that Slack did not take, or whose outcome is not known."""
    not_before: datetime | None = None
    """Claimed, or put off, until then."""
    refused: str | None = None
    """Why a file could not be attached. Its message then says so, and how to see what the file would hold."""
    abandoned: str | None = None
    """Slack's reason why this message can never be shown."""
    revision: int = 0

    @property
    def shows(self) -> RequestId | None:
        """The request whose revision `shown` counts; None if it counts the task's."""
        match self.kind:
            case MessageKind.OPENING | MessageKind.OUTCOME:
                return None
            case (
                MessageKind.CARD
                | MessageKind.COPY
                | MessageKind.FILE
                | MessageKind.REMINDER
                | MessageKind.NUDGE
                | MessageKind.COMMENT
                | MessageKind.UNREACHED
            ):
                if self.request_id is None:
                    raise ValueError(f"message {self.id} is a {self.kind} of no request")
                return self.request_id
            case _:
                assert_never(self.kind)
