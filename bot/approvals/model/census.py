"""How many records of each kind wait, and since when: figures for operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The pending requests of one graph."""

    count: int
    since: datetime
    """When the oldest of them was opened."""
    overdue: int
    """Those among them with a step or a reminder that is due and has not been taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Some:
    """Records that wait for the bot."""

    count: int = 0
    since: datetime | None = None
    """Since when the oldest of them waits. None if there is none, or if it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """All that waits at one moment."""

    pending: Mapping[str, Waiting] = field(default_factory=dict)
    """By graph."""
    undelivered: Some = Some()
    """Decided requests that nobody is delivering at the moment and that are not held, since the decision or the end of
    its hold."""
    failed: int = 0
    """Tasks that an error has stopped and that a person may have tried again."""
    stale: Some = Some()
    """Messages that are out of date."""
    entries: int = 0
    """Entries of the audit log."""
    webhooks: Some = Some()
    """Webhooks that are neither delivered nor given up, since what they tell of."""
