"""What is stored of one person's inbox: what they chose to see on their Home tab, and when they get a summary.

The requests that wait for them are not stored here: they come from a query over requests, in the order of `urgency`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from bot.approvals.model import hours
from bot.approvals.model.errors import InvalidSchedule
from bot.approvals.model.ids import MessageId, Person
from bot.approvals.model.question import Risk
from bot.approvals.model.request import Pending, Request

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED: Final = {"daily": range(7), "weekdays": range(5), "weekends": range(5, 7)}
_AT: Final = re.compile(r"(\d{1,2})(?::(\d\d))?")

_GRAVITY: Final = {Risk.CRITICAL: 0, Risk.HIGH: 1, Risk.MEDIUM: 2, None: 3, Risk.LOW: 4}
"""The order of the risks. An unknown risk comes before a low one, because it may not be harmless."""
_NEVER: Final = 10**11 - 1


def urgency(request: Request) -> int:
    """The sort key of an inbox, smallest first: highest risk first, then earliest deadline."""
    deadline = _NEVER if request.deadline is None else int(request.deadline.timestamp())
    return _GRAVITY[request.question.risk] * (_NEVER + 1) + deadline


def overdue(request: Request) -> bool:
    """Whether the request has waited so long that its policy took a step, such as a reminder or an escalation."""
    state = request.state
    return isinstance(state, Pending) and (bool(state.taken) or state.reminded_at is not None)


# --- Home ---------------------------------------------------------------------------------------


class Section(StrEnum):
    """A list on somebody's Home."""

    WAITING = "waiting"
    ASKED = "asked"
    DECIDED = "decided"


class Only(StrEnum):
    """A filter: which of the waiting requests are shown."""

    ALL = "all"
    GRAVE = "grave"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What somebody chose to see on their Home: which requests, of which graph, and which page of each list."""

    only: Only = Only.ALL
    graph: str = ""
    """Empty if requests of all graphs are shown."""
    waiting: int = 0
    asked: int = 0
    decided: int = 0

    def shows(self, request: Request) -> bool:
        """Whether this waiting request passes the chosen filters."""
        match self.only:
            case Only.GRAVE if request.question.risk not in (Risk.CRITICAL, Risk.HIGH):
                return False
            case Only.OVERDUE if not overdue(request):
                return False
        return self.graph in ("", request.graph)

    def page(self, section: Section) -> int:
        """The page that this list is on, counted from 0."""
        return {Section.WAITING: self.waiting, Section.ASKED: self.asked, Section.DECIDED: self.decided}[section]

    def turned(self, section: Section, page: int) -> Look:
        match section:
            case Section.WAITING:
                return replace(self, waiting=page)
            case Section.ASKED:
                return replace(self, asked=page)
            case Section.DECIDED:
                return replace(self, decided=page)
            case _ as never:
                assert_never(never)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A Home that somebody has opened."""

    opened_at: datetime
    look: Look = field(default_factory=Look)
    fingerprint: str = ""
    """The fingerprint of what was published last. An unchanged Home is not published again."""
    hash: str = ""
    """Slack's hash of what was published last. Slack refuses an update that carries another hash."""


# --- Summary ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A time of day on some days of the week (Monday is 0). The time zone is looked up each time."""

    hour: int
    minute: int
    days: tuple[int, ...]

    @classmethod
    def read(cls, words: Sequence[str]) -> Schedule:
        """Reads what somebody wrote, such as `09:00 weekdays` or `8:30 mon,thu`. Raises `InvalidSchedule` if it is not
        a time and days."""
        match [word.lower() for word in words]:
            case [time]:
                days = "weekdays"
            case [time, days]:
                pass
            case _:
                raise InvalidSchedule(" ".join(words))
        found = _AT.fullmatch(time)
        if found is None:
            raise InvalidSchedule(" ".join(words))
        hour, minute = int(found[1]), int(found[2] or 0)
        numbers = _days(days)
        if hour > 23 or minute > 59 or not numbers:
            raise InvalidSchedule(" ".join(words))
        return cls(hour=hour, minute=minute, days=numbers)

    def __str__(self) -> str:
        named = (name for name, days in _NAMED.items() if tuple(days) == self.days)
        return f"{self.hour:02}:{self.minute:02} {next(named, ','.join(DAYS[day] for day in self.days))}"

    def after(self, now: datetime, zone: str) -> datetime:
        """The first scheduled moment after now in this zone, or in UTC if the zone is unknown here."""
        there = now.astimezone(zone_of(zone))
        for days in range(8):
            day = (there + timedelta(days=days)).date()
            at = datetime(day.year, day.month, day.day, self.hour, self.minute, tzinfo=there.tzinfo).astimezone(UTC)
            if day.weekday() in self.days and at > now:
                return at
        raise ValueError("a schedule has at least one day")


def zone_of(name: str) -> ZoneInfo:
    """The zone with this name, or UTC if the name is empty or unknown here."""
    return hours.zone_of(name or "UTC")


def _days(word: str) -> tuple[int, ...]:
    """The days of a word such as `weekdays` or `mon,thu`. Returns an empty tuple if a part of it is not a day."""
    if word in _NAMED:
        return tuple(_NAMED[word])
    given = [DAYS.index(day[:3]) if day[:3] in DAYS and len(day) >= 3 else -1 for day in word.split(",")]
    return () if -1 in given else tuple(sorted(set(given)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A summary that is due and not known to be sent. Its Slack message carries its id, like every other message."""

    id: MessageId
    since: datetime
    not_before: datetime
    """Until this time, one process has claimed it, or it is put off."""
    claimed_by: str | None = None
    """The process that claimed it last."""
    attempted: bool = False
    """Whether a post was begun and its outcome is not known."""
    begun_at: datetime | None = None
    """When its first post was begun, by Slack's clock. None if that is not known."""
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """When somebody gets the summary of what waits for them."""

    schedule: Schedule
    next_at: datetime
    sending: Sending | None = None

    @property
    def due_at(self) -> datetime:
        """When something next has to be done: a new summary is due, or a post may be tried, whichever is earlier."""
        return self.next_at if self.sending is None else min(self.next_at, self.sending.not_before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What is stored of one person's inbox. For most people nothing is stored."""

    person: Person
    home: Home | None = None
    summary: Summary | None = None
    revision: int = 0
    """The number of saves, 0 if nothing is stored yet. Storage compares it before it writes."""
