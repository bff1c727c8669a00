"""Names and values as people read them: `older_than` is "Older than", `30d` is "30 days", true is "Yes". Pure.

This is for reading alone. What is approved is the true value, which *Details* shows as raw JSON, and to which the
digest binds. Everything returned here is untrusted text as long as its source is.

The rules are careful: a value is only put into other words if its name and its form leave no doubt about what it is.
An order number, a year or a port stays as it is, and no digit is ever changed, added or left out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Final

from bot.approvals.model.ids import JSON

_ABBREVIATIONS: Final = re.compile(
    "api|bic|cpu|csv|dns|html|https?|iban|id|ip|json|pdf|pr|sha|sql|ssh|ttl|uri|url|uuid|vat|xml", re.IGNORECASE
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ _.-][A-Za-z0-9]+)*")
_MAX_NAME_CHARACTERS: Final = 60
_BETWEEN: Final = re.compile(r"[ _-]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_MISLEADING: Final = re.compile(r"true|false|null|-|\(empty.*", re.DOTALL | re.IGNORECASE)
"""A text that could be taken for another value."""
_OPENING: Final = ('"', "[", "{")
MAX_PRICED: Final = 40
"""Of arguments among which an amount and its currency are looked for."""

_MONEY: Final = re.compile("amounts?|balance|budget|costs?|fees?|prices?|refund|salary|subtotal|sum|tax|total")
_COUNTS: Final = re.compile(
    "bytes|characters|chars|counts?|entries|files|items|lines|records|rows|size|tokens|total|users|words"
)
"""Last words of names whose numbers are amounts of money, or counts: these have their thousands apart."""
_AMOUNT: Final = re.compile(r"(-?)(0|[1-9]\d{0,14})(\.\d{1,4})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}|[€$£¥]")

_TENTHS: Final = re.compile(r"-?[\d,]+\.\d", re.ASCII)
_OTHER_CENTS: Final = re.compile(
    "BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|VND|VUV|XAF|XOF|XPF|¥|BHD|IQD|JOD|KWD|LYD|OMR|TND", re.IGNORECASE
)
"""Currencies without cents, and those of a thousand parts (ISO 4217). An amount in them stays as it is."""

_BRIEF: Final = re.compile("delay|every|interval|timeout|ttl|wait")
"""Words in names of short times, for which `5m` means minutes. Elsewhere it may mean months."""
_LASTING: Final = re.compile(
    f"{_BRIEF.pattern}|after|age|before|deadline|duration|expires|expiry|keep|lifetime|older|period|retain|retention|"
    "since|window|within|younger"
)
"""Words in names of times of any length."""
_SPAN: Final = re.compile(r"(\d{1,6})(s|m|min|h|d|w)", re.ASCII)
_SPANS: Final = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}
_ISO_SPAN: Final = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)
_ISO_UNITS: Final = ("year", "month", "week", "day", "", "hour", "minute", "second")
_MEASURES: Final = {
    "milliseconds": "millisecond",
    "ms": "millisecond",
    "seconds": "second",
    "secs": "second",
    "minutes": "minute",
    "mins": "minute",
    "hours": "hour",
    "days": "day",
    "weeks": "week",
    "months": "month",
    "years": "year",
}
"""Last words of names that say in what a number is measured."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(r"(?:19[89]|20)\d[\d-]*[T ]\d{2}:\d{2}(?::\d{2}(?:\.0+)?)?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One argument as people read it."""

    name: str
    label: str
    """Its name in words. No two arguments that are read together have the same."""
    value: JSON
    beside: str = ""
    """What stands behind the value: a currency, which is an argument of its own, or the unit that the name gives."""

    @property
    def words(self) -> str:
        """The value in words, with what stands behind it."""
        said = words(self.value, self.name)
        if not self.beside:
            return said
        return f"{_with_cents(said, self.beside)} {self.beside}"


def label(name: str, own: Mapping[str, str] | None = None) -> str:
    """An argument's or an action's name in words. `own` holds the labels that the graph's owner chose."""
    if own and name in own:
        return own[name]
    if not _is_plain(name):
        return name
    spelled = " ".join(word.upper() if _ABBREVIATIONS.fullmatch(word) else word for word in _parts(name))
    return spelled[:1].upper() + spelled[1:]


def readings(
    arguments: Mapping[str, JSON],
    own: Mapping[str, str] | None = None,
    first: Sequence[str] = (),
    most: int | None = None,
) -> list[Reading]:
    """The first `most` of the arguments (None: all), in the order in which people read them: those in `first`, then
    the others. A currency stands beside the amount if there is only one of each. However many arguments there are,
    only those that are returned cost time."""
    own = own or {}
    amount, currency = _priced(arguments, own) or (None, None)
    made = [
        _reading(name, arguments[name], own, str(arguments[currency]) if name == amount and currency else "")
        for name in islice(_ordered(arguments, first, currency), most)
    ]
    apart = labels([each.name for each in made], own, {each.name: each.label for each in made})
    return [each if apart[each.name] == each.label else _apart(each, apart[each.name]) for each in made]


def number_of_readings(arguments: Mapping[str, JSON], own: Mapping[str, str] | None = None) -> int:
    """How many readings the arguments make: a currency beside its amount is part of the amount's."""
    return len(arguments) - (_priced(arguments, own or {}) is not None)


def _ordered(arguments: Mapping[str, JSON], first: Sequence[str], currency: str | None) -> Iterator[str]:
    """The names in the order in which they are read, without that of a currency that stands beside its amount."""
    wanted = [name for name in dict.fromkeys(first) if name in arguments]
    yield from (name for name in wanted if name != currency)
    yield from (name for name in arguments if name not in wanted and name != currency)


def labels(
    names: Sequence[str], own: Mapping[str, str] | None = None, chosen: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The names in words (`chosen`, or as `label` puts them), and no two the same: names that read the same in words
    stay as they are."""
    own = own or {}
    said = dict(chosen) if chosen is not None else {name: label(name, own) for name in names}
    times = Counter(each.casefold() for each in said.values())
    return {
        name: words if times[words.casefold()] == 1 else f"{words} ({name})" if name in own else name
        for name, words in said.items()
    }


def words(value: JSON, name: str = "") -> str:
    """A value in words, in one line unless it is a text of several lines. `name` is its argument's name, which tells
    what a number means. Lists and objects that are not empty are returned as JSON: their renderers show what they
    hold."""
    match value:
        case bool():
            return "Yes" if value else "No"
        case None:
            return "-"
        case int() | float():
            return _number(value, name)
        case str() if not value or _misleads(value):
            return json.dumps(value, ensure_ascii=False)
        case str():
            return _text(value, name)
        case []:
            return "(empty list)"
        case dict() if not value:
            return "(empty)"
        case _:
            return json.dumps(value, ensure_ascii=False)


def instant(value: JSON) -> datetime | None:
    """The moment that a text names with its zone, as in `2026-03-04T13:30:00Z`. None for any other value."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


# --- Names --------------------------------------------------------------------------------------


def _is_plain(name: str) -> bool:
    return len(name) <= _MAX_NAME_CHARACTERS and _IDENTIFIER.fullmatch(name) is not None


def _parts(name: str) -> tuple[str, ...]:
    """The words of a name. Empty if it is no plain one."""
    return _split(name) if len(name) <= _MAX_NAME_CHARACTERS else ()


@lru_cache(maxsize=2048)
def _split(name: str) -> tuple[str, ...]:
    if not _is_plain(name):
        return ()
    parts = _BETWEEN.split(name)
    humps = [_HUMP.sub(" ", part).split() for part in parts]
    return tuple(
        word.lower() if number and word[1:].islower() else word for part in humps for number, word in enumerate(part)
    )


def _lower(name: str) -> tuple[str, ...]:
    return tuple([part.lower() for part in _parts(name)])


def _reading(name: str, value: JSON, own: Mapping[str, str], currency: str) -> Reading:
    measure = _measure(name, value)
    if measure and name not in own:
        said = label(" ".join(_parts(name)[:-1]))
        return Reading(name=name, label=said, value=value, beside=measure)
    return Reading(name=name, label=label(name, own), value=value, beside=currency)


def _apart(reading: Reading, label: str) -> Reading:
    """The reading under a label that no other has. Its own name says the unit, if it has one."""
    beside = "" if _measure(reading.name, reading.value) else reading.beside
    return Reading(name=reading.name, label=label, value=reading.value, beside=beside)


def _measure(name: str, value: JSON) -> str:
    """The unit that the name gives to a number: `timeout_seconds` measures in seconds. Empty if it gives none."""
    parts = _lower(name)
    if len(parts) < 2 or parts[-1] not in _MEASURES or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    unit = _MEASURES[parts[-1]]
    return unit if value == 1 else f"{unit}s"


def _priced(arguments: Mapping[str, JSON], own: Mapping[str, str]) -> tuple[str, str] | None:
    """The names of the amount of money and of its currency. None unless there is exactly one of each, and if there are
    more than `MAX_PRICED` arguments, which nobody reads together."""
    if len(arguments) > MAX_PRICED:
        return None
    amounts = [name for name, value in arguments.items() if _is_money(name) and _amount(value)]
    currencies = [
        name
        for name, value in arguments.items()
        if name not in own and _is_currency(name) and isinstance(value, str) and _CURRENCY.fullmatch(value)
    ]
    named = [name for name in arguments if _is_money(name)]
    if len(amounts) == len(currencies) == len(named) == 1:
        return amounts[0], currencies[0]
    return None


def _is_currency(name: str) -> bool:
    parts = _lower(name)
    return parts[-1:] == ("currency",) or parts[-2:] == ("currency", "code")


def _is_money(name: str) -> bool:
    return _ends_in(name, _MONEY)


def _ends_in(name: str, word: re.Pattern[str]) -> bool:
    parts = _parts(name)
    return parts != () and word.fullmatch(parts[-1].lower()) is not None


def _has(name: str, word: re.Pattern[str]) -> bool:
    return any(word.fullmatch(each) for each in _lower(name))


# --- Values -------------------------------------------------------------------------------------


def _misleads(value: str) -> bool:
    """Whether a text could be taken for another value, or its ends cannot be seen. It keeps its quotes."""
    unseen = value[0].isspace() or value[-1].isspace()
    return unseen or value.startswith(_OPENING) or _MISLEADING.fullmatch(value) is not None


def _amount(value: JSON) -> re.Match[str] | None:
    """The parts of a plain number, whether it is a number or a text: sign, whole part, decimals."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _AMOUNT.fullmatch(value if isinstance(value, str) else json.dumps(value))


def _number(value: float, name: str) -> str:
    counted = isinstance(value, int) and _ends_in(name, _COUNTS)
    return _grouped(value) if counted or _is_money(name) else json.dumps(value)


def _grouped(value: str | float) -> str:
    """A plain number with its thousands apart: `9000.00` is `9,000.00`. Anything else stays as it is."""
    written = value if isinstance(value, str) else json.dumps(value)
    found = _amount(value)
    return f"{found[1]}{int(found[2]):,}{found[3] or ''}" if found else written


def _with_cents(said: str, currency: str) -> str:
    """An amount with both digits of its cents, in a currency that has cents: `129.5` is `129.50`."""
    cents = _CURRENCY.fullmatch(currency) and not _OTHER_CENTS.fullmatch(currency)
    return f"{said}0" if cents and _TENTHS.fullmatch(said) else said


def _text(value: str, name: str) -> str:
    if len(value) > 40:
        return value
    if _is_money(name) and _amount(value):
        return _grouped(value)
    return _span(value, name) or _iso_span(value, name) or _day(value) or value


def _span(value: str, name: str) -> str:
    """`30d` in words, if the name says that it is a time."""
    found = _SPAN.fullmatch(value)
    if not found or not _has(name, _BRIEF if found[2] == "m" else _LASTING):
        return ""
    return _counted(found[1], _SPANS[found[2]])


def _iso_span(value: str, name: str) -> str:
    """`PT15M` in words. `P5D` may be the number of a part, so the name has to say that it is a time."""
    found = _ISO_SPAN.fullmatch(value)
    if not found or not (found[5] or _has(name, _LASTING)):
        return ""
    said = [_counted(number, unit) for number, unit in zip(found.groups(), _ISO_UNITS, strict=True) if unit and number]
    return " ".join(said)


def _day(value: str) -> str:
    """`2026-03-04` in words, which nobody reads as April the third."""
    if not _DATE.fullmatch(value):
        return ""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return ""
    return f"{day.day} {day:%B} {value[:4]}"


def _counted(number: str, unit: str) -> str:
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"
