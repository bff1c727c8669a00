"""Words that cannot pretend."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import text

HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from(list("<>&@#!|`*_~:\n\t\r\u200b\u200d\u200e\u202e\u2066\u2069\ufeff\u0000\ud800\u0301⟨⟩ab")),
        st.characters(),
    ),
    max_size=300,
)


def test_markup_is_shown_as_it_was_typed() -> None:
    assert text.escape("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("invoice\u202efdp.exe", "invoice⟨U+202E⟩fdp.exe"),
        ("pay\u200bpal", "pay⟨U+200B⟩pal"),
        ("a\rb", "a⟨U+000D⟩b"),
        ("rm\u3164-rf", "rm⟨U+3164⟩-rf"),
        ("bell\x07", "bell⟨U+0007⟩"),
        ("1\u200d2", "1⟨U+200D⟩2"),
        ("\ud83d", "⟨U+D83D⟩"),
    ],
)
def test_a_character_that_hides_or_reorders_is_written_out(raw: str, shown: str) -> None:
    assert text.visible(raw) == shown


@pytest.mark.parametrize(
    "words", ["plain words", "Grüße", "日本語", "👩\u200d💻", "1\ufe0f\u20e3", "क्\u200dष", "e\u0301"]
)
def test_ordinary_words_of_any_script_stay_as_they_are(words: str) -> None:
    assert text.visible(words) == words


def test_right_to_left_words_do_not_reorder_what_follows_them() -> None:
    assert text.visible("\u05e9\u05dc\nx") == "\u2068\u05e9\u05dc\u2069\n\u2068x\u2069"


def test_only_a_few_accents_stand_on_one_letter() -> None:
    assert "⟨U+0301⟩" in text.visible("a" + "\u0301" * 9)


@given(HOSTILE)
def test_nothing_invisible_is_left(raw: str) -> None:
    shown = text.visible(raw)

    left = [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert set(left) <= {"\n", "\t"}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200b\u200e\u200f\ufeff")


@given(HOSTILE, st.integers(1, 200))
def test_a_label_keeps_its_limit_and_its_line(raw: str, limit: int) -> None:
    label = text.label(raw, limit)

    assert len(label) <= limit
    assert "\n" not in label


@given(HOSTILE, st.integers(1, 200))
def test_what_is_cut_says_so(raw: str, limit: int) -> None:
    short = text.shown(raw, limit)

    assert len(short.text) <= limit
    assert short.cut == (short.text != text.visible(raw))
    assert not short.cut or "…" in short.text


def test_a_cut_says_how_long_the_whole_is() -> None:
    assert text.cut("x" * 12_345, 50).endswith("… cut, 12,345 characters in all")


@given(HOSTILE)
def test_a_sentence_of_mrkdwn_holds_no_markup_of_somebody_else(raw: str) -> None:
    said = text.sentence(raw, 100)

    assert not set(said) & set("<>`*~")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("U0BOB", "<@U0BOB>"),
        ("S0OPS", "<!subteam^S0OPS>"),
        ("@ops-leads", "@ops-leads"),
        ("ann@acme.example", "ann@acme.example"),
        ("<!channel>", "&lt;!channel&gt;"),
    ],
)
def test_an_approver_is_shown_by_the_kind_of_name(name: str, shown: str) -> None:
    assert text.approver(name) == shown


def test_a_long_list_says_how_many_more() -> None:
    assert text.listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert text.listed(["a", "b"]) == "a and b"
    assert text.listed(["a"]) == "a"


def test_what_folds_ends_at_a_word_and_a_text_that_is_hardly_longer_stays_whole() -> None:
    assert text.folded("one two three four five six seven eight", 20) == text.Cut(
        "one two three four five six seven eight", False
    )
    assert text.folded("one two, three four five six seven eight nine", 20) == text.Cut("one two, three…", True)


def test_a_spoken_line_has_no_comma_behind_a_question_mark() -> None:
    assert text.spoken("Pay? · by Monday · 2 of @finance") == "Pay? By Monday, 2 of @finance."
