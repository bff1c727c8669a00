"""What Slack's headers say, and what they mean if they cannot be right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.slack.api import calls

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ({"Date": "Wed, 02 Jan 2030 12:00:00 GMT"}, NOON),
        ({"date": "Wed, 02 Jan 2030 12:00:00 -0000"}, NOON),
        ({"date": f"Wed, 02 Jan {'9' * 20} 12:00:00 GMT"}, None),
        ({"date": "Fri, 31 Dec 9999 23:59:59 -2359"}, None),
        ({"date": "today"}, None),
        ({}, None),
    ],
)
def test_the_time_by_slacks_clock(headers: dict[str, str], at: datetime | None) -> None:
    assert calls._date(headers) == at


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("42", 42),
        ("0", 1),
        ("nan", calls.RETRY_AFTER_SECONDS),
        ("soon", calls.RETRY_AFTER_SECONDS),
        ("inf", calls.MAX_RETRY_AFTER_SECONDS),
        ("9" * 400, calls.MAX_RETRY_AFTER_SECONDS),
    ],
)
def test_a_wait_is_always_one_that_ends(said: str, seconds: float) -> None:
    assert calls.retry_after({"Retry-After": said}) == seconds
