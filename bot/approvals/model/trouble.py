"""A trouble: something that goes on only if a person acts. Operators get one message for each in their channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from bot.approvals.model.ids import MessageId, MessageRef, RequestId, TaskId, Ts


class TroubleKind(StrEnum):
    UNDELIVERED = "undelivered"
    """A decision has not reached its agent, and nothing tries again by itself. The subject is the task."""
    FAILED = "failed"
    """A task was stopped by an error, and nothing tries again by itself. The subject is the task."""
    UNREACHED = "unreached"
    """Nobody can be asked. The subject is the request."""
    UNANSWERABLE = "unanswerable"
    """Too few people may answer. The subject is the request."""
    POLICY = "policy"
    """A policy of the file names somebody who does not exist, or too few people. The subject is its name."""
    WEBHOOK = "webhook"
    """A program could not be told of its request. The subject is the webhook."""
    SERVER = "server"
    """A LangGraph Server does not answer. The subject is its name."""
    CHAIN = "chain"
    """The audit log is not as it was written. The subject is `log`."""
    MORE = "more"
    """More troubles began than the channel is told of at once. The subject is `troubles`."""


Subject: TypeAlias = str
Key: TypeAlias = tuple[TroubleKind, Subject]
"""What a trouble is about. There is at most one record for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the message says of the trouble, apart from its kind and its subject."""

    task_id: TaskId | None = None
    request_id: RequestId | None = None
    name: str | None = None
    """The graph, the policy, or the host of the program's address."""
    why: str | None = None
    """The reason as a sentence, or as the end of one."""
    error_id: str | None = None
    """The id under which the log has the trace."""
    place: MessageRef | None = None
    """The card or the message that opens the task's thread."""
    thread_ts: Ts | None = None
    """The message whose thread the place is in. None if it is in no thread."""
    count: int = 0
    """How many more troubles there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One trouble and its message in the operators' channel."""

    id: MessageId
    """The metadata of the Slack message carries it, so that a post can be found again if its outcome was lost."""
    kind: TroubleKind
    subject: Subject
    about: About
    since: datetime
    again_at: datetime | None = None
    """When it came back after it had been resolved. None if it did not."""
    resolved_at: datetime | None = None
    """None while it lasts."""
    ref: MessageRef | None = None
    announced: tuple[datetime, ...] = ()
    """When messages about this subject were posted lately."""
    fingerprint: str | None = None
    """The fingerprint of what the message shows. None if that is not known."""
    behind: bool = True
    """Whether the message does not show yet what the record says."""
    attempted: bool = False
    """Whether a post was begun and its outcome is not known."""
    begun_at: datetime | None = None
    """When its first post was begun, by Slack's clock. None if that is not known."""
    tries: int = 0
    """The number of calls in a row that Slack did not take, or whose outcome is not known."""
    not_before: datetime | None = None
    """Until when the message is put off, or one process has claimed it. None if neither holds."""
    claimed_by: str | None = None
    """The process that claimed it last."""
    revision: int = 0
    """The number of saves. Storage compares it before it writes."""

    @property
    def key(self) -> Key:
        return self.kind, self.subject

    @property
    def open(self) -> bool:
        """Whether it lasts."""
        return self.resolved_at is None
