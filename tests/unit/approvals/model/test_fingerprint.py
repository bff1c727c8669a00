"""Two askings of one question have equal fingerprints; only the moment of asking may differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.approvals.model.fingerprint import Fingerprint, fingerprint, same
from bot.approvals.model.ids import JSON

NOON = datetime(2026, 11, 28, 12, 0, 5, 123456, tzinfo=UTC)
LATER = NOON + timedelta(hours=3, minutes=17)

CLOCKS: dict[str, Callable[[datetime], str]] = {
    "iso": lambda at: at.isoformat(),
    "iso, naive": lambda at: at.replace(tzinfo=None).isoformat(),
    "iso, with a space": str,
    "iso, with a Z": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "iso, with UTC": lambda at: at.strftime("%Y-%m-%d %H:%M:%S UTC"),
    "iso, with an offset": lambda at: at.strftime("%Y-%m-%d %H:%M:%S +0000"),
    "iso, to the minute": lambda at: at.strftime("%Y-%m-%d %H:%M"),
    "a log's comma": lambda at: at.strftime("%Y-%m-%d %H:%M:%S,123"),
    "an e-mail's": lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    "ctime": lambda at: at.strftime("%a %b %e %H:%M:%S %Y"),
    "German": lambda at: at.strftime("%d.%m.%Y %H:%M"),
    "American": lambda at: at.strftime("%m/%d/%Y, %I:%M %p"),
    "in words": lambda at: at.strftime("%B %d, %Y at %I:%M %p"),
    "in short words": lambda at: at.strftime("%b %d %Y %H:%M"),
    "a time": lambda at: at.strftime("%H:%M"),
    "a time to the second": lambda at: at.strftime("%H:%M:%S"),
    "an American time": lambda at: at.strftime("%I:%M %p"),
    "seconds": lambda at: str(int(at.timestamp())),
    "seconds with a fraction": lambda at: str(at.timestamp()),
    "milliseconds": lambda at: str(int(at.timestamp() * 1e3)),
    "microseconds": lambda at: str(int(at.timestamp() * 1e6)),
    "nanoseconds": lambda at: str(int(at.timestamp()) * 10**9),
}


@pytest.mark.parametrize("written", CLOCKS.values(), ids=CLOCKS)
def test_the_moment_of_asking_does_not_count(written: Callable[[datetime], str]) -> None:
    """However the clock is written; but for a clock that does not show its own moment, and for all beside it."""
    asked, again = (fingerprint({"q": f"At {written(at)}: pay 10?"}, None, at) for at in (NOON, LATER))
    more = fingerprint({"q": f"At {written(LATER)}: pay 11?"}, None, LATER)
    early = fingerprint({"q": f"At {written(LATER)}: pay 10?"}, None, NOON)

    assert same(asked, again)
    assert not same(asked, more)
    assert not same(asked, early)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pay 10?", "Pay 11?"),
        ("Meet at 14:05?", "Meet at 17:22?"),
        ("Due 2026-12-24 09:00", "Due 2026-12-24 10:00"),
        ("On 2026-11-28", "On 2026-11-29"),
        ("Version 1.2.3", "Version 1.2.4"),
        ("Port 10:20", "Port 10:21"),
        ("Call +1 1795867205", "Call +1 1795867206"),
        ("Account 1595867205", "Account 1595867206"),
        ("Ratio 3:10", "Ratio 3:11"),
        (10, 10.0),
        (1, True),
        ("1", 1),
        (None, "null"),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ([1, 2], [2, 1]),
        ("Delete x", "delete x"),
        ("Delete x", "Delete x "),
        ("order 0b0e9a52-3f1c-4b9e-9d8e-000000000001", "order 0b0e9a52-3f1c-4b9e-9d8e-000000000002"),
        ("99:99 and 2026-13-45 10:00", "99:98 and 2026-13-45 10:00"),
        ("Sat, 99 Nov 2026 10:00:00 GMT", "Sat, 98 Nov 2026 10:00:00 GMT"),
        ("a\0b", "a\0c"),
    ],
)
def test_everything_else_counts(one: Any, other: Any) -> None:
    """To the letter: amounts, hours that are no clock, deadlines, versions, types, order, case, space."""
    assert not same(fingerprint(one, None, NOON), fingerprint(other, None, LATER))
    assert same(fingerprint(one, None, NOON), fingerprint(one, None, LATER))


def test_a_clock_in_place_of_a_text_that_looks_cut_out_counts() -> None:
    assert not same(fingerprint("At 12:00", None, NOON), fingerprint("At \0", None, NOON))


def test_the_form_of_a_clock_counts() -> None:
    epoch = str(int(NOON.timestamp()))

    assert not same(fingerprint("At 12:00", None, NOON), fingerprint(f"At {epoch}", None, NOON))


def test_what_an_answer_has_to_look_like_counts() -> None:
    """A schema says what yes means."""
    asked = fingerprint("Go?", {"type": "boolean"}, NOON)

    assert same(asked, fingerprint("Go?", {"type": "boolean"}, LATER))
    assert not same(asked, fingerprint("Go?", {"type": "boolean", "title": "Delete all?"}, NOON))
    assert not same(asked, fingerprint("Go?", None, NOON))


def test_a_key_that_is_left_out_may_differ_and_nothing_beside_it() -> None:
    """By its path: in lists too, with `*` for any key; a path that leads nowhere leaves nothing out."""

    def asked(draft: str, price: int) -> Fingerprint:
        value: JSON = {"question": "Send?", "details": {"draft": draft, "mails": [{"draft": draft, "price": price}]}}
        return fingerprint(value, None, NOON, ["details.draft", "details.*.draft", "question.none", "absent"])

    assert same(asked("a", 1), asked("b", 1))
    assert not same(asked("a", 1), asked("a", 2))


def test_what_was_left_out_then_and_not_now_counts() -> None:
    assert not same(fingerprint({"a": 1}, None, NOON, ["b"]), fingerprint({"a": 1}, None, NOON))
