"""A fingerprint of what was asked, small enough to keep beside every answer. If a question is asked twice, `same` holds
for the two fingerprints.

Agents that print the time into their question ask a different text at every run. A difference does not count if it is
only the moment of asking: clock times are cut out of the text, and two that differ must each be close to the moment at
which they were asked. A date alone is not a clock time. A deadline, a version or an amount is compared to the letter.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from bot.approvals.model.ids import JSON

NEAR: Final = timedelta(minutes=2)
"""How far a printed clock time may be from the moment at which the question was asked."""

Clocks: TypeAlias = tuple[tuple[str, str], ...]
"""The form (a key of `_FORMS`) and the text of each clock time."""

_TIME: Final = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[AP]M\b)?"
_FORMS: Final[Mapping[str, str]] = {
    "iso": rf"(?<!\d)\d{{4}}-\d\d-\d\d[T ]{_TIME}(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)\b)?",
    "mail": r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?: (?:GMT|UTC|[+-]\d{4}))?",
    "word": r"(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2,8} +\d{1,2},? "
    rf"(?:\d\d:\d\d:\d\d \d{{4}}|\d{{4}},? (?:at )?{_TIME})",
    "day": rf"(?<![\d./])\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}},? {_TIME}",
    "time": rf"(?<![\d:.]){_TIME}(?!\d|:\d)",
    "epoch": r"(?<![\w.+-])1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?!\w)",
}
"""How a clock time may be written: ISO 8601, the date of an e-mail, words, numbers, a time alone, or an epoch in s, ms,
us or ns."""
_CLOCK: Final = re.compile("(?=[A-Z\\d])(?:" + "|".join(f"(?P<{form}>{each})" for form, each in _FORMS.items()) + ")")
_MAYBE: Final = re.compile(r"\d:\d\d|1\d{9}")
"""Quick test: every clock time matches this, and most texts do not."""
_TIMES: Final = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p")
_DAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "day": ("%d.%m.%Y ", "%m/%d/%Y ", "%d/%m/%Y "),
    "word": ("%B %d %Y ", "%b %d %Y ", "%a %b %d %H:%M:%S %Y", "%b %d %H:%M:%S %Y", "%B %d %H:%M:%S %Y"),
    "time": ("",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What was asked, and when."""

    digest: str
    """SHA-256, in hex, of the question's canonical JSON without its clock times and without the `unbound` keys."""
    clocks: Clocks
    at: datetime
    """When the agent asked it."""
    unbound: tuple[str, ...] = ()
    """The keys that were left out, as dotted paths. Their values may differ each time the question is asked."""


def fingerprint(value: JSON, schema: JSON, at: datetime, unbound: Collection[str] = ()) -> Fingerprint:
    """The fingerprint of a question asked at this moment: of its value, and of its answer's schema if it has one."""
    left_out = tuple(sorted(unbound))
    for path in left_out:
        value = _without(value, path.split("."))
    asked = value if schema is None else [value, schema]
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    clocks: Clocks = ()
    if _MAYBE.search(text):
        clocks = tuple((str(found.lastgroup), found[0]) for found in _CLOCK.finditer(text))
        text = _CLOCK.sub("\0", text) if clocks else text
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Fingerprint(digest=digest, clocks=clocks, at=at, unbound=left_out)


def same(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether the two differ only in clock times that have the same form and are each near their own `at`."""
    return (one.digest, one.unbound) == (other.digest, other.unbound) and all(
        a == b or (a[0] == b[0] and _near(*a, one.at) and _near(*b, other.at))
        for a, b in zip(one.clocks, other.clocks, strict=True)
    )


def _without(value: JSON, path: list[str]) -> JSON:
    """The value without the part at this path. `*` matches any key. In a list, the path applies to every entry."""
    if isinstance(value, list):
        return [_without(each, path) for each in value]
    if not isinstance(value, dict):
        return value
    key, *rest = path
    return {
        name: _without(each, rest) if rest and key in (name, "*") else each
        for name, each in value.items()
        if rest or key not in (name, "*")
    }


# --- What a clock shows -------------------------------------------------------------------------


def _near(form: str, text: str, moment: datetime) -> bool:
    return any(abs(read - moment) <= NEAR for read in _read(form, text, moment))


def _read(form: str, text: str, moment: datetime) -> list[datetime]:
    """The moments that the text may mean. If it has no zone, both UTC and the machine's zone are tried."""
    zones = (UTC, moment.astimezone().tzinfo)
    try:
        match form:
            case "epoch":
                whole = text.partition(".")[0]
                return [datetime.fromtimestamp(float(text) / 1000 ** ((len(whole) - 10) // 3), UTC)]
            case "mail":
                return _zoned([parsedate_to_datetime(text)], zones)
            case "iso":
                return _zoned([datetime.fromisoformat(_iso(text))], zones)
    except ValueError:
        return []
    text = re.sub(r"(?<=\d),| at(?= \d)", "", re.sub("  +", " ", text))
    read: list[datetime] = []
    for day in _DAYS[form]:
        for pattern in [day] if ":" in day else [day + each for each in _TIMES]:
            try:
                read.append(datetime.strptime(text, pattern))  # noqa: DTZ007 - the zone follows
            except ValueError:
                continue
    if form != "time":
        return _zoned(read, zones)
    days = [moment.astimezone(zone).date() + timedelta(days=n) for zone in zones for n in (-1, 0, 1)]
    return _zoned([datetime.combine(day, each.time()) for day in days for each in read], zones)


def _iso(text: str) -> str:
    return re.sub(" (?=[-+Z])", "", text.replace(",", ".").replace("UTC", "Z"))


def _zoned(read: list[datetime], zones: tuple[object, ...]) -> list[datetime]:
    return [each if each.tzinfo else each.replace(tzinfo=zone) for each in read for zone in zones]  # type: ignore[arg-type]
