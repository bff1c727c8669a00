"""Durations as people write them in settings and policies: 90s, 30m, 4h, 2d, 1w."""

from __future__ import annotations

import re
from datetime import timedelta

MAX_DURATION = timedelta(days=3650)
"""A longer one is a mistake, and added to a date it may pass the end of the calendar."""
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def spoken(span: timedelta) -> str:
    """The duration in the notation that `duration` reads, in as many parts as needed: 1d 12h."""
    left, parts = int(span.total_seconds()), list[str]()
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        parts += [f"{count}{unit}"] if count else []
    return " ".join(parts) or "0s"


def duration(value: object) -> timedelta:
    """The duration written as "90s", "30m", "4h", "2d" or "1w". Raises ValueError if it is none of these."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"\s*(\d+)\s*([smhdw])\s*", value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{value!r} is not a duration: write a number and s, m, h, d or w, such as 30m, 4h or 2d")
    try:
        span = timedelta(**{UNITS[match[2]]: int(match[1])})
    except OverflowError:
        span = timedelta.max
    if span > MAX_DURATION:
        raise ValueError(f"{value!r} is longer than {MAX_DURATION.days}d")
    return span
