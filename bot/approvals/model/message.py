"""One Slack message and what it shows; `surfaces` brings it level with the records."""

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
    """The whole of a request that is too long to be read in a modal, in the version that it had."""
    REMINDER = "reminder"
    NUDGE = "nudge"
    """The reminder that the requester sends, in the thread or in somebody's DM."""
    COMMENT = "comment"
    """What somebody asks the requester, in the thread."""
    UNREACHED = "unreached"
    """Whom the bot could not ask by DM, in the thread."""
    OUTCOME = "outcome"
    """How the task ended, or why it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One Slack message and what it shows. Its id travels in the message's metadata, so that a post whose
    response was lost can be found again."""

    id: MessageId
    kind: MessageKind
    task_id: TaskId
    created_at: datetime
    request_id: RequestId | None = None
    to: Person | None = None
    """Whose DM it goes to; None where it is for nobody alone."""
    channel: ChannelId | None = None
    """The channel that a copy goes to, where it is for nobody alone."""
    version: int = 0
    """Of the question that it shows, or whose whole a file holds; 0 if it shows none, and of earlier versions."""
    number: int = 0
    """Which of the request's comments it shows, counted from 0."""
    ref: MessageRef | None = None
    shown: int = -1
    """The revision of its task or request that it shows; -1: nothing yet."""
    fingerprint: str = ""
    """Of what was drawn last, so that an unchanged drawing costs no call."""
    digest: str = ""
    """Of the question that it shows; empty where it shows none."""
    attempted: bool = False
    """A post was begun and its outcome is not known."""
    begun_at: datetime | None = None
    """When it was first begun to be posted, in Slack's time; None if that is not known."""
    copies_due: datetime | None = None
    """When to look for other messages of it: an earlier post, or one that could not be changed, may stand there with
    its buttons. None: there is nothing to look for."""
    tries: int = 0
    not_before: datetime | None = None
    """Claimed, or put off, until then."""
    refused: str = ""
    """Why a file could not be attached; its message says so then, and how to see what is in it. Empty: nothing is known
    against it."""
    abandoned: str = ""
    """Slack's reason why this message can never be shown; empty while it can."""
    revision: int = 0

    @property
    def shows(self) -> RequestId | None:
        """The request whose revision `shown` counts; None where it counts the task's."""
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
                    raise ValueError(f"surface {self.id} is a {self.kind} of no request")
                return self.request_id
            case _:
                assert_never(self.kind)
