"""Names as rules compare them, and what is said of those that mislead."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.rules.names import matches, matches_exactly, misleading, readable

LIKE_DEPLOY_PROD = {
    "in capitals": "DEPLOY_PROD",
    "with one capital": "Deploy_prod",
    "with spaces around it": "  deploy_prod\n",
    "with a no-break space": "\u00a0deploy_prod",
    "with a Cyrillic letter": "d\u0435ploy_prod",
    "with a Cyrillic capital": "D\u0415PLOY_PROD",
    "with a Greek letter": "deploy_\u03c1rod",
    "with a Cherokee letter": "\u13a0EPLOY_PROD",
    "with a zero-width space": "dep\u200bloy_prod",
    "with a zero-width joiner": "deploy\u200d_prod",
    "with a soft hyphen": "de\u00adploy_prod",
    "with a variation selector": "deploy\ufe0f_prod",
    "with a byte order mark": "\ufeffdeploy_prod",
    "with an override of its direction": "\u202edeploy_prod",
    "with a blank letter": "deploy\u3164_prod",
    "with a tag character": "deploy\U000e0041_prod",
    "in full width": "\uff44\uff45\uff50\uff4c\uff4f\uff59_prod",
    "in bold": "\U0001d41d\U0001d41e\U0001d429\U0001d425\U0001d428\U0001d432_prod",
    "with a line below a letter": "deploy\u0332_prod",
    "with an accent": "d\u00e9ploy_prod",
    "with digits for letters": "dep1oy_pr0d",
}


@pytest.mark.parametrize("name", LIKE_DEPLOY_PROD.values(), ids=LIKE_DEPLOY_PROD.keys())
def test_a_name_that_looks_like_the_pattern_matches_it(name: str) -> None:
    assert matches(name, "deploy_*")
    assert matches(name, "Deploy_Pro?")


@pytest.mark.parametrize("name", ["deploy", "undeploy_prod", "deploy-prod", "dploy_prod", "", "list_pods"])
def test_another_name_does_not(name: str) -> None:
    assert not matches(name, "deploy_*")


def test_brackets_are_letters_and_no_set() -> None:
    assert matches("[prod] deploy", "[prod] *")
    assert matches_exactly("[prod] deploy", "[prod] *")
    assert not matches("p deploy", "[prod] *")
    assert matches("[!x]", "[!x]")


@pytest.mark.parametrize(
    ("name", "exactly"),
    [
        ("Read_File", True),
        (" read_file", True),
        ("r\u0435ad_file", False),
        ("re\u0430d_file", False),
        ("re\u0301ad_x", False),
    ],
)
def test_what_only_looks_like_a_pattern_is_not_exactly_it(name: str, exactly: bool) -> None:
    assert matches(name, "read_*")
    assert matches_exactly(name, "read_*") is exactly


@given(name=st.text(), prefix=st.text())
def test_whatever_a_pattern_says_to_the_letter_it_matches(name: str, prefix: str) -> None:
    """Also characters that are composed of others, or change their number when they are folded."""
    assert matches(name, "*")
    if not {"*", "?"} & set(unicodedata.normalize("NFKC", name)):
        assert matches(name, name)
        assert matches(name.casefold(), name)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("deploy_prod", ()),
        ("deploy prod", ()),
        ("d\u0435ploy", ("U+0435",)),
        ("\u0441\u043e\u0440", ("U+0441", "U+043E", "U+0440")),  # all of it Cyrillic, and it reads cop
        ("удалить_файлы", ()),
        ("削除する", ()),
        ("löschen", ()),
        (unicodedata.normalize("NFD", "löschen"), ()),
        ("\u0646\u200c\u0627", ()),  # a joiner that Persian needs
        ("a\u200cb", ("U+200C",)),
        ("⚠\ufe0f drop", ()),
        ("drop\ufe0f", ("U+FE0F",)),
        ("drop\u0332", ("U+0332",)),
        ("a\tb", ("U+0009",)),
        ("\ufe0fdrop", ("U+FE0F",)),
        ("\u200ddrop", ("U+200D",)),
        ("\u0332drop", ()),
        ("\uff44rop", ("U+FF44",)),
        ("wait…", ()),
        ("", ()),
    ],
)
def test_what_misleads_in_a_name_is_named(name: str, found: tuple[str, ...]) -> None:
    assert misleading(name) == found


def test_a_name_is_read_as_it_looks_only_if_it_misleads() -> None:
    assert readable("D\u0415ploy\u200b  prod") == "DEploy prod"
    assert readable("удалить") == "удалить"
