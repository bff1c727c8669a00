"""Time that counts: the working hours of a zone, with days and holidays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MAX_DAYS = 366 * 30
"""How far a window is followed; nothing that people wait for lies beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From `start` to `end` by the clock of `zone`, on these days of the week (Monday is 0) that are no holidays.

    `end` may be midnight. `zone` empty: by the clock of each person who is asked, as Slack has it.
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
    """When `after` has passed since `opened_at`, of which only `hours` count; in UTC.

    Where they are each person's own, `zones` are those people's: the moment is the one at which it has passed for
    every one of them, so that nobody's time is cut short. UTC if there are none, and for one that is not known here.
    """
    if hours is None:
        return opened_at + after
    names = [hours.zone] if hours.zone else sorted(set(zones)) or ["UTC"]
    return max(_passed(opened_at, after, hours, zone_of(name)) for name in names)


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name, or UTC if there is none: Slack may know zones that this machine does not."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError for a folder of zones, such as Europe
        return ZoneInfo("UTC")


def unknown_zones(zones: Sequence[str]) -> tuple[str, ...]:
    """Those of these names that no zone has here, so that UTC counts for them."""
    return tuple(name for name in zones if zone_of(name).key != name)


def _passed(opened_at: datetime, after: timedelta, hours: Hours, zone: ZoneInfo) -> datetime:
    """Walk from day to day. Spans are measured in UTC, so that the hour which a clock skips or repeats counts as the
    time that it was."""
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
