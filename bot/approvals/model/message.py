"""One Slack message and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, Person, RequestId, TaskId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task


class MessageKind(StrEnum):
    OPENING = "opening"
    """The message that opens the task's Slack thread."""
    CARD = "card"
    """The request in that thread."""
    COPY = "copy"
    """A copy of the card in somebody's DM, or in another channel."""
    FILE = "file"
    """A file with all of a request that is too long for a modal, in its version at that time."""
    REMINDER = "reminder"
    """The reminder that the policy sends, in the thread."""
    NUDGE = "nudge"
    """A reminder that the requester sends, in the thread or in somebody's DM."""
    COMMENT = "comment"
    """A question that somebody asks the requester, in the thread."""
    UNREACHED = "unreached"
    """A list, in the thread, of the people who could not be asked by DM."""
    OUTCOME = "outcome"
    """How the task ended, or why it stopped."""
    UNTOLD = "untold"
    """That the program that asked could not be told of it at its own address, in the thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that the bot keeps in sync with the records. The metadata of the Slack message carries its id, so that
    the bot can find a post again if Slack's response was lost."""

    id: MessageId
    kind: MessageKind
    task_id: TaskId
    created_at: datetime
    request_id: RequestId | None = None
    to: Person | None = None
    """The person who gets it by DM. None if it does not go to a DM."""
    channel: ChannelId | None = None
    """The channel that a copy goes to, if it goes to one."""
    version: int = 0
    """The version of the question that it shows, or that the file holds. 0 if it shows no question, and in records that
    earlier versions of the bot stored."""
    number: int = 0
    """Which of the request's comments it shows, counted from 0."""
    ref: MessageRef | None = None
    shown: int = -1
    """The revision of its request that it shows, or of its task with all requests (`revision_of`). -1 if it shows
    nothing yet. Earlier versions stored the revision of the task alone, which is smaller if the task has requests."""
    fingerprint: str | None = None
    """The fingerprint of what was rendered last. If a new rendering has the same one, Slack is not called. None if the
    message has to be sent again in any case."""
    digest: str | None = None
    """The digest of the question that it shows. None if it shows no question."""
    attempted: bool = False
    """Whether a post was begun and its outcome is not known."""
    begun_at: datetime | None = None
    """When its first post was begun, by Slack's clock. None if that is not known."""
    copies_due: datetime | None = None
    """When to look for second copies: an earlier post, or a message that can no longer be changed, may still be in
    Slack with its buttons. None if there can be no second copy."""
    tries: int = 0
    """The number of calls in a row that Slack did not take, or whose outcome is not known."""
    not_before: datetime | None = None
    """Until this time, one process has claimed it, or it is put off. None if neither is so."""
    claimed_by: str | None = None
    """The process that claimed it last (`LeaseStore.beat`). If that is dead, the claim is void."""
    refused: str | None = None
    """Why the file could not be attached, or why the program could not be told, as the message says. None if it says no
    such thing."""
    replaced: bool = False
    """Whether a later message took its place, so that it is to be deleted: a reminder that a newer one followed."""
    abandoned: str | None = None
    """Slack's reason why this message can never be shown."""
    revision: int = 0

    @property
    def shows(self) -> RequestId | None:
        """The request whose revision is in `shown`. None if `shown` is a revision of the task with all its
        requests."""
        match self.kind:
            case MessageKind.OPENING | MessageKind.OUTCOME | MessageKind.UNTOLD:
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


def revision_of(task: Task, requests: Sequence[Request]) -> int:
    """The revision of a task with all its requests: it grows with each change of the task or of a request, and with
    each new request."""
    return task.revision + sum(request.revision + 1 for request in requests)
