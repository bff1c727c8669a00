# ruff: noqa: RUF001
"""Words in quotes, in those of any language; apostrophes are letters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import quotes

OPENING = [chr(code) for code in range(0x11000) if unicodedata.category(chr(code)) == "Pi"]


@pytest.mark.parametrize(
    "quoted",
    [
        '"ACME Corp"',
        "'ACME Corp'",
        "“ACME Corp”",
        "‘ACME Corp’",
        "„ACME Corp“",
        "„ACME Corp”",
        "‚ACME Corp‘",
        "‚ACME Corp’",
        "”ACME Corp”",
        "’ACME Corp’",
        "«ACME Corp»",
        "« ACME Corp »",
        "«\u00a0ACME Corp\u202f»",
        "»ACME Corp«",
        "»ACME Corp»",
        "‹ACME Corp›",
        "›ACME Corp‹",
        "「ACME Corp」",
        "『ACME Corp』",
        "｢ACME Corp｣",
        "﹁ACME Corp﹂",
        "〝ACME Corp〞",
        "〝ACME Corp〟",
        "＂ACME Corp＂",
        "＇ACME Corp＇",
        "‟ACME Corp”",
        "‛ACME Corp’",
        "❝ACME Corp❞",
        "❛ACME Corp❜",
        "״ACME Corp״",
        '“ACME Corp"',
        '"ACME Corp”',
        "“ACME Corp“",
        '„ACME Corp"',
        "‘ACME Corp'",
    ],
)
def test_what_stands_in_quotes_is_one_word_without_them(quoted: str) -> None:
    assert quotes.split(f"words note={quoted} days=3") == ["words", "note=ACME Corp", "days=3"]
    assert quotes.split(f"words {quoted}") == ["words", "ACME Corp"]
    assert quotes.unquoted(quoted) == "ACME Corp"


@pytest.mark.parametrize("mark", OPENING)
def test_every_mark_that_unicode_calls_an_initial_quote_opens_one(mark: str) -> None:
    (closing, *_) = quotes._CLOSING[mark]

    assert quotes.split(f"note={mark}ACME Corp{closing}") == ["note=ACME Corp"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("note=don't say=l’été", ["note=don't", "say=l’été"]),
        ("note='don't go' x=1", ["note=don't go", "x=1"]),
        ("note=‘it’s here’", ["note=it’s here"]),
        ('note="it’s „here“"', ["note=it’s „here“"]),
        ("note=„er sagte “hi” dort“ x=1", ["note=er sagte “hi” dort", "x=1"]),
        ("note=“she said „hi“ there”", ["note=she said „hi“ there"]),
        ("note=«il dit «oui» là»", ["note=il dit «oui» là"]),
        ('size=5" x=1', ['size=5"', "x=1"]),
        ('config={"a":1,"b":"c"}', ['config={"a":1,"b":"c"}']),
        ('tags=["a","b"]', ['tags=["a","b"]']),
        ("name=צה״ל", ["name=צה״ל"]),
        ('"path=my logs"', ["path=my logs"]),
        ('path="my logs"/old', ["path=my logs/old"]),
        ('where=a="b"', ['where=a="b"']),
        ('note="" x=', ["note=", "x="]),
        ("cleanup\u00a0path=logs\u2003days=3\tx=1\ny=2", ["cleanup", "path=logs", "days=3", "x=1", "y=2"]),
        (r"path=C:\logs\new", [r"path=C:\logs\new"]),
        ("", []),
    ],
)
def test_quotes_that_are_letters_stay(line: str, words: list[str]) -> None:
    assert quotes.split(line) == words


@pytest.mark.parametrize(
    ("line", "opened"),
    [
        ('note="ACME Corp', True),
        ("note=„ACME Corp", True),
        ("note=«ACME Corp", True),
        ("note=「ACME Corp", True),
        ("note='tis", True),
        ("note=„er sagte “hi dort“", True),
        ('note=ACME"', False),
        ("note=ACME“", False),
        ("note=ACME»", False),
        ("note=ACME」", False),
    ],
)
def test_half_a_quote_is_refused(line: str, opened: bool) -> None:
    with pytest.raises(quotes.Unbalanced) as refused:
        quotes.split(line)

    assert refused.value.opened is opened


@pytest.mark.parametrize("sentence", ['"a" and "b"', "„a“ und „b“", "it's", "'", "", "a „b“"])
def test_a_sentence_that_is_not_all_in_quotes_keeps_them(sentence: str) -> None:
    assert quotes.unquoted(sentence) == sentence


@given(st.text())
def test_no_line_is_more_than_refused(line: str) -> None:
    try:
        words = quotes.split(line)
    except quotes.Unbalanced:
        return

    assert all(isinstance(word, str) for word in words)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters='"'), min_size=1)))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    assert quotes.split(" ".join(f'"{word}"' for word in words)) == words
