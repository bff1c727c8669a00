"""A text that matches a pattern."""

from __future__ import annotations

import re

import pytest

from bot.engines.langgraph.loading import patterns


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^[0-9]{1,5}[hdw]$", "1d"),
        (r"^[0-9]{1,9}(\.[0-9]{1,2})?$", "1.1"),
        (r"^[A-Z]{2}-\d{4}$", "AA-1111"),
        (r"^(low|high)$", "low"),
        (r"^[^a-z]+$", "A"),
        (r"^[^a]$", "b"),
        (r"^\S+@\S+\.[a-z]{2,}$", "a@a.aa"),
        (r"^(ab)\1$", "abab"),
        (r"^\w\W\D\s$", "a-a "),
        (r"^a*?b$", "ab"),
        (r"^(?>ab)c++$", "abc"),
        (r"^.{3}$", "aaa"),
        (r"^(?P<y>20\d\d)-(?P<m>0[1-9]|1[0-2])$", "2011-01"),
        ("", ""),
        ("x", "x"),
    ],
)
def test_a_text_is_made_that_the_pattern_finds(pattern: str, text: str) -> None:
    assert patterns.matching(pattern) == text
    assert re.search(pattern, text)


@pytest.mark.parametrize("pattern", [r"^a{1000}$", "(", r"^(?!a)a$", r"^(?=xyz)a$", r"[^\s\S]", "(" * 2000])
def test_where_none_is_found_there_is_none(pattern: str) -> None:
    assert patterns.matching(pattern) is None
