"""What the server answers, as frozen records.

Fields that a newer server adds are ignored. A verdict that this version does not know is never an approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from countersign.errors import Cancelled, Expired, NotApproved, Rejected, Superseded

T = TypeVar("T")
_REFUSALS: Mapping[str, type[NotApproved]] = {
    "reject": Rejected,
    "mixed": Rejected,
    "expired": Expired,
    "cancelled": Cancelled,
    "superseded": Superseded,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The program that asks, as people read it on the card."""

    name: str | None = None
    """Such as `billing-service`. None: that of the client, or the one that the token speaks for."""
    url: str | None = None
    """Where people find what this is about."""
    run: str | None = None
    """Your name for the run that asks, such as a job id. It belongs to the request: another run with the same key must
    give the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedItem:
    """One action that people are asked about, as it is now."""

    name: str
    """Empty if the question names none."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """With the edits that people made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One action of the question, and what was decided about it."""

    name: str
    verdict: str
    """`approve`, `reject`, `respond` or `choose`; of an undo window `undo`, `keep` or `closed`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """With the edits that people made. Read them from `Decision.arguments`, which checks the verdict."""
    reason: str = ""
    value: Any = None
    """The words of `respond`, or the option of `choose`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How a request was settled. True in a condition only if everything was approved."""

    request_id: str
    verdict: str
    """`approve`, `edit`, `reject`, `respond`, `choose`, `mixed`, `expired`, `cancelled` or `superseded`. `edit` is an
    approval with changed arguments. Of an undo window `undo`, `keep`, or `closed` if nobody undid it in time."""
    approved: bool
    items: tuple[Item, ...] = ()
    answer: Any = None
    """The value that a LangGraph graph would resume with. It follows the shape of the question and may be true after a
    no: use `approved` to tell."""
    reason: str = ""
    by: tuple[str, ...] = ()
    """Who decided: Slack ids."""
    through: tuple[str, ...] = ()
    """The tokens through which they voted. Empty if they did so in Slack."""
    at: datetime | None = None
    digest: str | None = None
    """SHA-256, in hex, of what people were shown."""
    version: int = 1
    edited: bool = False
    """Whether the arguments differ from those that were sent."""
    ruled: str | None = None
    """Why the policy decided without people. None if people decided."""
    valid_until: datetime | None = None
    """Until when it may be consumed. None if that has no end."""

    def __bool__(self) -> bool:
        return self.approved

    @property
    def undone(self) -> bool:
        """Whether people want undone what was done. `way_back` says how, and `key` makes that harmless to repeat."""
        undoes = self.verdict == "undo" and all(item.verdict == "undo" for item in self.items)
        return undoes and not self.approved and self._told("type") == "undo"

    @property
    def kept(self) -> bool:
        """Whether what was done stays, because people said so or because nobody undid it in time."""
        return self.verdict in ("keep", "closed")

    @property
    def way_back(self) -> Any:
        """How to undo it, as it was sent. None unless people want it undone, or if no way back was sent."""
        return self._told("undo") if self.undone else None

    @property
    def key(self) -> str | None:
        """Names this undo: the same whenever the decision is read. None unless people want it undone."""
        key = self._told("key") if self.undone else None
        return key if isinstance(key, str) else None

    def _told(self, name: str) -> Any:
        return self.answer.get(name) if isinstance(self.answer, Mapping) else None

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments as approved, with the edits that people made. Raises NotApproved unless approved, and
        ValueError if the question has several actions: read these from `items`."""
        self.check()
        if len(self.items) != 1:
            raise ValueError(
                f"{self.request_id} has {len(self.items)} actions: read the arguments of each from `items`."
            )
        return dict(self.items[0].arguments)

    def check(self) -> None:
        """Raises Rejected, Expired, Cancelled, Superseded or NotApproved unless everything was approved."""
        if not self.approved:
            raise _REFUSALS.get(self.verdict, NotApproved)(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time in which people may have undone what was done."""

    acted_at: datetime | None = None
    closes_at: datetime | None = None
    reversible: bool = False
    """Whether people are offered to undo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """How far the webhook of a request has got."""

    status: str
    """`pending`, `delivered` or `given_up`."""
    attempts: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a task failed, or why people could not be asked."""

    error_id: str
    """To find it in the bot's log."""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question put to people."""

    id: str
    status: str
    """`pending`, `decided`, `expired`, `cancelled` or `superseded`."""
    source: Source
    question: Any
    """As it was sent, without the edits that people made."""
    items: tuple[AskedItem, ...] = ()
    """What people decide on now: what `version` and `digest` stand for, edits included. Show this to a person before
    you send their vote. Empty until they are asked."""
    requester: str | None = None
    digest: str | None = None
    """SHA-256, in hex, of what people are shown. None until the question is open."""
    version: int = 1
    """Counts the edits: a vote is for one version."""
    created_at: datetime | None = None
    deadline: datetime | None = None
    settled_at: datetime | None = None
    consumed_at: datetime | None = None
    """When an execution took the decision. None if none did."""
    asked: tuple[str, ...] = ()
    """Who may answer now: Slack ids."""
    votes: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    permalink: str | None = None
    """The card in Slack."""
    window: Window | None = None
    """None if it asks for an approval or an answer, or until people are asked."""
    held_until: datetime | None = None
    """People have decided, but may still call that off until then. None if they have not, and once the decision is
    there."""
    decision: Decision | None = None
    """None while it is pending."""
    callback: Callback | None = None
    failure: Failure | None = None
    """Why people could not be asked. None if they were, or are about to be."""

    @property
    def settled(self) -> bool:
        return self.decision is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A graph that runs in the bot."""

    id: str
    graph: str
    status: str
    """`running`, `awaiting_human`, `ended`, `failed` or `stopped`."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    requester: str | None = None
    source: Source = Source()
    created_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    failure: Failure | None = None
    requests: tuple[Request, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    permalink: str | None = None

    @property
    def over(self) -> bool:
        return self.status in ("ended", "failed", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One event in the history of a request."""

    kind: str
    at: datetime | None = None
    person: str | None = None
    through: str | None = None
    digest: str | None = None
    version: int | None = None
    number: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list, newest first."""

    data: tuple[T, ...]
    next_cursor: str | None = None
    """Pass it as `cursor` to get the next part. None if this is the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of a request, from its event stream."""

    kind: str
    """`pending`, `decided`, `expired`, `cancelled` or `superseded`."""
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """What a webhook tells. Its signature was checked."""

    id: str
    """The same each time that it is sent: use it to drop repetitions."""
    type: str
    """`request.decided`, `request.undo_requested`, `request.expired`, `request.cancelled` or `request.superseded`."""
    timestamp: datetime | None
    request: Request
