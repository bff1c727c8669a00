"""Time zones of people, as Slack's directory gives them (Slack: "User object", tz, tz_label, tz_offset)."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT = "Etc/UTC"


class UnknownZone(Exception):
    """There is no time zone of that name. The message contains the name."""


def zone(name: str) -> tzinfo:
    """The zone with that IANA name. The default zone needs no tz database. Raises `UnknownZone` if there is none."""
    if name == DEFAULT:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UnknownZone(f"no such time zone on this machine: {name}") from None


def fields(name: str, now: float) -> dict[str, str | int]:
    """The three time zone fields of a user object: its name, its label and its current offset in seconds."""
    there = datetime.fromtimestamp(now, tz=UTC).astimezone(zone(name))
    offset = there.utcoffset()
    label = "Coordinated Universal Time" if name == DEFAULT else f"{name.rpartition('/')[2].replace('_', ' ')} time"
    return {"tz": name, "tz_label": label, "tz_offset": int(offset.total_seconds()) if offset else 0}
