"""Refusals of what programs ask for through the HTTP API, as data. `bot.http` words them, and none reaches Slack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model.errors import CountersignError
from bot.approvals.model.ids import RequestId, TaskId


@dataclass(eq=False)
class NotYourSource(CountersignError):
    """The token does not speak for this source."""

    source: str
    sources: Sequence[str]
    """Those that it speaks for."""

    def __str__(self) -> str:
        return f"The token does not speak for the source {self.source}, but for {', '.join(self.sources)}."


@dataclass(eq=False)
class DecisionStale(CountersignError):
    """The decision was valid for a time only, and that time is over."""

    request_id: RequestId
    until: datetime

    def __str__(self) -> str:
        return f"The decision of `{self.request_id}` was valid until {self.until:%Y-%m-%d %H:%M} UTC."


@dataclass(eq=False)
class KeyUsedOtherwise(CountersignError):
    """The source has used this key for something else."""

    key: str

    def __str__(self) -> str:
        return f"The key `{self.key}` was used with another body."


@dataclass(eq=False)
class NoSuchRequester(CountersignError):
    """No account in Slack has this id or e-mail address."""

    ref: str
    why: str = ""
    """Why the account cannot be looked up, as the end of a sentence. Empty if Slack knows no such account."""

    def __str__(self) -> str:
        return f"The requester `{self.ref}` {self.why or 'is no account that Slack knows'}."


@dataclass(eq=False)
class ChannelMissing(CountersignError):
    """Neither the call nor its token names a channel."""

    def __str__(self) -> str:
        return "Neither the call nor its token names a channel."


@dataclass(eq=False)
class NoSuchChannel(CountersignError):
    """The bot can see no such channel."""

    ref: str
    why: str = ""
    """Why the channel cannot be looked up, as the end of a sentence. Empty if the bot can see no such channel."""

    def __str__(self) -> str:
        return f"The channel `{self.ref}` {self.why or 'is none that the bot can see'}."


@dataclass(eq=False)
class ChannelNotAllowed(CountersignError):
    """The token may not ask in this channel."""

    ref: str
    channels: Sequence[str]
    """Those that it may ask in."""

    def __str__(self) -> str:
        return f"The token may not ask in `{self.ref}`, but in {', '.join(self.channels)}."


@dataclass(eq=False)
class Ungoverned(CountersignError):
    """Nobody can say which policy governs the question, because a rule could not be evaluated."""

    why: str
    """A complete sentence."""

    def __str__(self) -> str:
        return f"No policy could be chosen: {self.why}"


@dataclass(eq=False)
class OfAgent(CountersignError):
    """The request is an agent's, which takes the answer itself. Only its task can be cancelled."""

    request_id: RequestId
    task_id: TaskId

    def __str__(self) -> str:
        return f"Request {self.request_id} belongs to the agent of task {self.task_id}."


@dataclass(eq=False)
class NotSettled(CountersignError):
    """People are still being asked, so there is no decision to take."""

    request_id: RequestId

    def __str__(self) -> str:
        return f"Request {self.request_id} is not settled yet."


@dataclass(eq=False)
class AlreadyConsumed(CountersignError):
    """Another execution has taken the decision."""

    request_id: RequestId
    execution: str
    at: datetime

    def __str__(self) -> str:
        return f"The execution `{self.execution}` took the decision of {self.request_id} at {self.at.isoformat()}."


@dataclass(eq=False)
class InvalidCursor(CountersignError):
    """The cursor is none that a list has given."""

    cursor: str

    def __str__(self) -> str:
        return f"`{self.cursor}` is no cursor."
