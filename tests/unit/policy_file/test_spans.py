"""Spans of time, as people write them: 30m, 4h, 2d."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.durations import duration, spoken
from tests.unit.policy_file.reading import HOUR


@pytest.mark.parametrize(
    ("word", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        (" 4 h ", timedelta(hours=4)),
        ("2d", timedelta(days=2)),
        ("1w", timedelta(weeks=1)),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_span_is_a_number_and_a_unit(word: str, span: timedelta) -> None:
    assert duration(word) == span


@pytest.mark.parametrize(
    ("span", "word"), [(HOUR, "1h"), (36 * HOUR, "1d 12h"), (HOUR / 8, "7m 30s"), (0 * HOUR, "0s")]
)
def test_a_span_is_said_as_it_is_written(span: timedelta, word: str) -> None:
    assert spoken(span) == word


@pytest.mark.parametrize("word", ["0m", "-1h", "1.5h", "5", "h", "1y", "1h30m", "", 5, None, True, 4.0, ["1h"]])
def test_anything_else_is_no_span(word: object) -> None:
    with pytest.raises(
        ValueError, match="is not a duration: write a number and s, m, h, d or w, such as 30m, 4h or 2d"
    ):
        duration(word)


@pytest.mark.parametrize("word", ["3651d", "522w", "9999999999999999999w"])
def test_a_span_beyond_all_calendars_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=f"'{word}' is longer than 3650d"):
        duration(word)
