"""Working hours: when a window has passed, also over a change of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.approvals.model.hours import MAX_DAYS, Hours, moment, unknown_zones

HOUR = timedelta(hours=1)
BERLIN = "Europe/Berlin"
OFFICE = Hours(start=time(9), end=time(17), days=(0, 1, 2, 3, 4), zone=BERLIN)
ZONES = [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "UTC"]


moments = st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2030, 1, 1, tzinfo=UTC) + minutes * HOUR / 60)


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("opened", "hours", "passed"),
    [
        ("2030-01-02 10:00", 4, "2030-01-02 14:00"),  # a Wednesday
        ("2030-01-02 10:00", 7, "2030-01-02 17:00"),  # to the end of the day is still that day
        ("2030-01-02 16:00", 2, "2030-01-03 10:00"),
        ("2030-01-02 07:00", 1, "2030-01-02 10:00"),
        ("2030-01-02 23:00", 1, "2030-01-03 10:00"),
        ("2030-01-04 16:00", 2, "2030-01-07 10:00"),  # over a weekend
        ("2030-01-05 12:00", 8, "2030-01-07 17:00"),  # asked on one
        ("2030-03-29 16:00", 2, "2030-04-01 10:00"),  # the clocks go forward that weekend
        ("2030-10-25 16:00", 2, "2030-10-28 10:00"),  # and back
    ],
)
def test_only_working_hours_count(opened: str, hours: int, passed: str) -> None:
    assert moment(at(opened), hours * HOUR, OFFICE) == at(passed)


def test_holidays_do_not_count() -> None:
    off = Hours(start=time(9), end=time(17), days=(2, 3), zone=BERLIN, holidays=(date(2030, 1, 3),))

    assert moment(at("2030-01-02 16:00"), 2 * HOUR, off) == at("2030-01-09 10:00")


def test_a_night_in_which_the_clocks_change_is_as_long_as_it_was() -> None:
    day = Hours(start=time(), end=time(), days=(6,), zone=BERLIN)

    assert moment(at("2030-03-31 00:00"), 23 * HOUR, day) == at("2030-04-01 00:00")  # an hour is missing
    assert moment(at("2030-10-27 00:00"), 25 * HOUR, day) == at("2030-10-28 00:00")  # one comes twice


def test_without_hours_all_time_counts() -> None:
    assert moment(at("2030-01-04 16:00"), 2 * HOUR, None) == at("2030-01-04 18:00")


def test_in_each_ones_own_zone_a_window_has_passed_when_it_has_for_everyone() -> None:
    own = Hours(start=time(9), end=time(17), days=(0, 1, 2, 3, 4))
    opened = at("2030-01-02 10:00")

    assert moment(opened, 2 * HOUR, own, (BERLIN, "America/New_York")) == at("2030-01-02 11:00", "America/New_York")
    assert moment(opened, 2 * HOUR, own) == moment(opened, 2 * HOUR, own, ("UTC",))


def test_what_would_never_come_comes_at_the_end_of_the_calendar() -> None:
    holidays = tuple(date(2030, 1, 1) + timedelta(days=day) for day in range(MAX_DAYS + 2))
    never = Hours(start=time(9), end=time(17), days=(0, 1, 2, 3, 4, 5, 6), zone="UTC", holidays=holidays)
    opened = datetime(2030, 1, 1, tzinfo=UTC)

    assert moment(opened, HOUR, never) == opened + timedelta(days=MAX_DAYS)


@pytest.mark.parametrize(
    ("end", "days", "said"), [(time(9), (0,), "end after they start"), (time(17), (), "never come")]
)
def test_hours_that_never_come_are_refused(end: time, days: tuple[int, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Hours(start=time(9), end=end, days=days)


def counted(opened: datetime, until: datetime, hours: Hours) -> timedelta:
    """The working time between two moments, minute by minute."""
    zone, minute, total = ZoneInfo(hours.zone), timedelta(minutes=1), timedelta()
    while opened < until:
        local = opened.astimezone(zone)
        if local.weekday() in hours.days and local.date() not in hours.holidays:
            total += minute if hours.start <= local.time() < hours.end else timedelta()
        opened += minute
    return total


@settings(max_examples=25, deadline=None)
@given(
    opened=moments,
    minutes=st.integers(1, 900),
    zone=st.sampled_from(ZONES),
    start=st.integers(4, 11),
    length=st.integers(2, 11),
    days=st.sets(st.integers(0, 6), min_size=3).map(lambda days: tuple(sorted(days))),
)
def test_between_the_question_and_the_moment_just_the_window_was_worked(
    opened: datetime, minutes: int, zone: str, start: int, length: int, days: tuple[int, ...]
) -> None:
    hours = Hours(start=time(start), end=time(start + length), days=days, zone=zone)
    window = timedelta(minutes=minutes)

    passed = moment(opened, window, hours)

    assert counted(opened, passed, hours) == window
    assert counted(opened, passed - timedelta(minutes=1), hours) == window - timedelta(minutes=1)


@given(
    opened=moments,
    first=st.integers(1, 5000),
    more=st.integers(1, 5000),
    zone=st.sampled_from(ZONES),
)
def test_a_longer_window_never_passes_before_a_shorter_one(opened: datetime, first: int, more: int, zone: str) -> None:
    hours = Hours(start=time(1, 30), end=time(), days=(0, 3, 5, 6), zone=zone)

    assert moment(opened, timedelta(minutes=first), hours) < moment(opened, timedelta(minutes=first + more), hours)


@pytest.mark.parametrize("zone", ["Europe/Kyiw", "Europe", "../etc/passwd", "\x00", "Mars/Olympus", "/etc/localtime"])
def test_a_zone_that_is_not_known_here_counts_as_utc_and_stops_nobody(zone: str) -> None:
    """Slack may know zones that this machine does not, and one approver's is no reason to ask nobody."""
    hours = Hours(start=time(9), end=time(17), days=(0, 1, 2, 3, 4))
    at = datetime(2030, 1, 7, 8, tzinfo=UTC)

    assert moment(at, timedelta(hours=1), hours, [zone]) == datetime(2030, 1, 7, 10, tzinfo=UTC)
    assert unknown_zones([zone, "Europe/Berlin"]) == (zone,)
