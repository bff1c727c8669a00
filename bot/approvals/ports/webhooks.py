"""Sends webhooks. `bot.webhooks` does so over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol, TypeAlias

from bot.approvals.model.trace import Trace
from bot.approvals.model.webhook import WebhookId


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """The receiver has not got it, or it is not known whether it has."""

    why: str
    """The end of a sentence, such as "it answered 500"."""
    error: str = field(default="", compare=False)
    """The same in a word or two: `status 500`, or the class of an error. Names no address."""
    retry_after: timedelta | None = None
    """When it wants to be asked again. None if it did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWanted:
    """The receiver wants to hear of nothing any more."""

    why: str
    """The end of a sentence."""
    error: str = field(default="", compare=False)
    """As that of `NotTaken`."""


Reply: TypeAlias = Taken | NotTaken | NotWanted


class WebhookSender(Protocol):
    """Posts to addresses that callers have named."""

    def problem_with(self, url: str) -> str:
        """Why nothing may be sent to this address, as the end of a sentence that begins with what it is, such as "is
        no address of the web". Empty if something may. What a host name stands for is checked when it is sent."""
        ...

    async def send(self, url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        """Sign the body and post it once, with `trace` as its header `traceparent`. Never raises for what the receiver
        or the network does."""
        ...
