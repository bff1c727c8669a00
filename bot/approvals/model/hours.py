"""Working hours: the time that counts, in a time zone, with its days and holidays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_DAYS = 366 * 30
"""How many days ahead a deadline is searched. Nothing that people wait for lies further away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From `start` to `end` by the clock of `zone`, on these days of the week (Monday is 0) unless they are holidays.

    `end` may be midnight. If `zone` is empty, the hours follow the time zone that Slack has for each person who is
    asked.
    """

    start: time
    end: time
    days: tuple[int, ...]
    zone: str = ""
    holidays: tuple[date, ...] = ()

    def __post_init__(self) -> None:
        if not self.days:
            raise ValueError("hours without a day never come")
        if self.end != time() and self.start >= self.end:
            raise ValueError("hours end after they start")


def moment(opened_at: datetime, after: timedelta, hours: Hours | None, zones: Sequence[str] = ()) -> datetime:
    """The moment, in UTC, at which `after` has passed since `opened_at`. If `hours` is given, only those hours count.

    If `hours` names no zone, `zones` are those of the people who are asked. The moment is then the one at which the
    time has passed in every zone, so that nobody's time is cut short. UTC is used if there are no zones, and in place
    of a zone that is not known here.
    """
    if hours is None:
        return opened_at + after
    names = [hours.zone] if hours.zone else sorted(set(zones)) or ["UTC"]
    return max(_passed(opened_at, after, hours, zone_of(name)) for name in names)


def zone_of(name: str) -> ZoneInfo:
    """The zone with this name, or UTC if it is unknown here: Slack may know zones that this machine does not."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError if the name is a folder, such as Europe
        return ZoneInfo("UTC")


def unknown_zones(zones: Sequence[str]) -> tuple[str, ...]:
    """The names among these that are not known here. UTC is used for them."""
    return tuple(name for name in zones if zone_of(name).key != name)


def _passed(opened_at: datetime, after: timedelta, hours: Hours, zone: ZoneInfo) -> datetime:
    """Walks from day to day. Time is measured in UTC, so that an hour that the clock skips or repeats counts for as
    long as it really took."""
    left, now = after, opened_at.astimezone(UTC)
    day = now.astimezone(zone).date()
    for _ in range(MAX_DAYS):
        if day.weekday() in hours.days and day not in hours.holidays:
            begins, ends = _at(day, hours.start, zone), _ends(day, hours.end, zone)
            begins = max(begins, now)
            if begins + left <= ends:
                return begins + left
            left -= max(ends - begins, timedelta())
        day += timedelta(days=1)
    return now + timedelta(days=MAX_DAYS)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _ends(day: date, end: time, zone: ZoneInfo) -> datetime:
    return _at(day + timedelta(days=1), end, zone) if end == time() else _at(day, end, zone)
