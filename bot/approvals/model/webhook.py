"""A webhook: what a caller is told at its own address, once its request is settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from urllib.parse import urlsplit

from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.trace import Trace

WebhookId = NewType("WebhookId", str)
GIVEN_UP_AFTER: Final = timedelta(days=3)


class WebhookKind(StrEnum):
    """What happened. A person's decision of any other kind is `DECIDED`, and so is a window that closed unused."""

    DECIDED = "request.decided"
    EXPIRED = "request.expired"
    CANCELLED = "request.cancelled"
    SUPERSEDED = "request.superseded"
    UNDO_REQUESTED = "request.undo_requested"
    """People decided to have undone what the program has done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One message to a caller's address. It is stored together with what it tells of, and sent after that."""

    id: WebhookId
    """The same in every try, so that the receiver can tell a repetition."""
    task_id: TaskId
    request_id: RequestId
    kind: WebhookKind
    url: str
    created_at: datetime
    """When it happened. What is sent says so."""
    attempts: int = 0
    """The number of tries that were begun."""
    next_try: datetime | None
    """None if it was delivered or given up."""
    delivered_at: datetime | None = None
    trace: Trace | None = None
    """Where what it tells of is found among traces. None if nobody traced it."""
    failure: str = ""
    """Why the last try failed, as the end of a sentence. Empty if it did not."""
    revision: int = 0
    """The number of saves. Storage compares it before it writes."""

    @property
    def given_up(self) -> bool:
        return self.next_try is None and self.delivered_at is None


def host_of(url: str) -> str:
    """The host of an address. The rest of it may be a secret, so that nobody is shown it. Empty if it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
