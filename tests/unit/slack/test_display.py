"""Names and values in words: what is put into other words, and above all what is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model.ids import JSON
from bot.slack import display
from tests.support.examples import examples


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("older_than", "Older than"),
        ("dry-run", "Dry run"),
        ("dryRun", "Dry run"),
        ("cost centre", "Cost centre"),
        ("order_id", "Order ID"),
        ("callback_url", "Callback URL"),
        ("IBAN", "IBAN"),
        ("all  files", "all  files"),
        ("_private", "_private"),
        ("a\u200bb", "a\u200bb"),
        ("", ""),
    ],
)
def test_a_plain_name_is_put_into_words_and_any_other_is_left(name: str, words: str) -> None:
    assert display.label(name) == words


def test_the_owner_of_a_graph_has_the_last_word() -> None:
    assert display.label("payee", {"payee": "Paid to"}) == "Paid to"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("amount", "9000.00", "9,000.00"),
        ("total_price", 1234567.5, "1,234,567.5"),
        ("fee", "-1200", "-1,200"),
        ("bytes", 48_318_382_080, "48,318,382,080"),
        ("file_count", 1204, "1,204"),
        ("older_than", "30d", "30 days"),
        ("timeout", "5m", "5 minutes"),
        ("max_age", "1h", "1 hour"),
        ("interval", "PT15M", "15 minutes"),
        ("retention", "P1Y6M", "1 year 6 months"),
        ("due", "2026-03-04", "4 March 2026"),
        ("dry_run", False, "No"),
        ("recursive", True, "Yes"),
        ("note", None, "-"),
        ("rows", [], "(empty list)"),
        ("options", {}, "(empty)"),
    ],
)
def test_what_leaves_no_doubt_is_put_into_words(name: str, value: JSON, words: str) -> None:
    assert display.words(value, name) == words


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_id", "104420000"),
        ("account", "0049301234567"),
        ("phone", "+49301234567"),
        ("iban", "DE89370400440532013000"),
        ("card_number", "4111111111111111"),
        ("version", "1.10"),
        ("release", "2026.10"),
        ("zip", "01067"),
        ("cost_centre", "4711"),
        ("amount", "01234"),
        ("amount", "1e5"),
        ("amount", "9.000,00"),
        ("total_id", "12345"),
        ("model", "7b"),
        ("size", "5m"),
        ("retention", "6m"),
        ("dimension", "3d"),
        ("part", "P5D"),
        ("month", "2026-13-01"),
        ("to", "ann@x.example"),
        ("link", "https://x.example/a?b=1"),
        ("path", "/srv/2025/07"),
    ],
)
def test_a_text_that_only_looks_like_a_number_or_a_time_stays_as_it_is(name: str, value: str) -> None:
    assert display.words(value, name) == value


@pytest.mark.parametrize(("name", "value"), [("year", 2026), ("port", 8080), ("order_id", 104420000), ("pid", 40312)])
def test_a_number_that_counts_nothing_has_no_thousands(name: str, value: int) -> None:
    assert display.words(value, name) == str(value)


@pytest.mark.parametrize("value", ["", " x", "x ", "true", "False", "null", "[]", "{}", '"x"', "-", "(empty)"])
def test_a_text_that_misleads_keeps_its_quotes(value: str) -> None:
    assert display.words(value).startswith('"')


@examples(100)
@given(
    st.sampled_from(["amount", "bytes", "timeout", "x", "timeout_seconds"]),
    st.integers() | st.from_regex(r"-?\d{1,20}(\.\d{1,6})?", fullmatch=True),
)
def test_no_digit_is_ever_changed(name: str, value: JSON) -> None:
    (reading,) = display.readings({name: value})

    assert re.sub("[,a-z ]", "", reading.words) == str(value)


def test_a_currency_stands_beside_the_only_amount() -> None:
    payee, amount = display.readings({"payee": "Foss & Co", "amount": "9000.00", "currency": "EUR"})

    assert (payee.label, payee.words) == ("Payee", "Foss & Co")
    assert (amount.label, amount.words) == ("Amount", "9,000.00 EUR")


@pytest.mark.parametrize(
    "arguments",
    [
        {"amount": "9000.00", "fee": "3.00", "currency": "EUR"},
        {"amount": "9000.00", "currency": "EUR", "payout_currency": "USD"},
        {"amount": "a lot", "currency": "EUR"},
        {"amount": "9000.00", "currency": "euros"},
        {"amount": "9000.00", "currency": ["EUR"]},
        {"amount": "9000.00", "fee": "some", "currency": "EUR"},
    ],
)
def test_where_it_is_not_clear_which_amount_it_belongs_to_it_is_an_argument_like_others(
    arguments: dict[str, JSON],
) -> None:
    assert [each.name for each in display.readings(arguments)] == list(arguments)
    assert not any(each.beside for each in display.readings(arguments))


def test_a_unit_in_a_name_stands_behind_the_number() -> None:
    listed = display.readings({"timeout_seconds": 90, "older_than_days": 1, "days": 3, "wait_minutes": "5"})

    assert [(each.label, each.words) for each in listed] == [
        ("Timeout", "90 seconds"),
        ("Older than", "1 day"),
        ("Days", "3"),
        ("Wait minutes", "5"),
    ]


def test_names_that_read_the_same_in_words_stay_as_they_are() -> None:
    listed = display.readings({"pay_to": 1, "pay-to": 2, "timeout": 3, "timeout_seconds": 4})

    assert [(each.label, each.words) for each in listed] == [
        ("pay_to", "1"),
        ("pay-to", "2"),
        ("timeout", "3"),
        ("timeout_seconds", "4"),
    ]
    owned = display.readings({"a": 1, "b": 2}, {"a": "Total", "b": "Total"})
    assert [each.label for each in owned] == ["Total (a)", "Total (b)"]


def test_what_the_owner_and_the_question_want_first_comes_first() -> None:
    listed = display.readings({"a": 1, "b": 2, "c": 3}, first=("c", "missing", "b"))

    assert [each.name for each in listed] == ["c", "b", "a"]


@pytest.mark.parametrize("value", ["2026-03-04T13:30:00Z", "2026-03-04T14:30:00+01:00", "2026-03-04 13:30Z"])
def test_a_moment_with_its_zone_is_a_moment(value: str) -> None:
    found = display.instant(value)

    assert found is not None
    assert found.timestamp() == 1772631000


@pytest.mark.parametrize("value", ["2026-03-04T13:30:00", "2026-03-04", "2026-02-30T13:30:00Z", 17, "now", None])
def test_a_moment_without_a_zone_is_left_as_it_is(value: JSON) -> None:
    assert display.instant(value) is None


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (129.5, "EUR", "129.50 EUR"),
        ("-9000.5", "usd", "-9,000.50 usd"),
        (129, "EUR", "129 EUR"),
        (129.505, "EUR", "129.505 EUR"),
        (129.5, "JPY", "129.5 JPY"),
        (1.5, "KWD", "1.5 KWD"),
    ],
)
def test_cents_have_two_digits_in_currencies_that_have_cents(amount: JSON, currency: str, shown: str) -> None:
    (read,) = display.readings({"amount": amount, "currency": currency})

    assert read.words == shown


class Counted(dict[str, JSON]):
    """Arguments that count how many of their names are looked at."""

    seen = 0

    def __iter__(self) -> Iterator[str]:
        for name in super().__iter__():
            self.seen += 1
            yield name


def test_only_the_arguments_that_are_read_cost_time() -> None:
    """A card of 50,000 arguments shows a few; to read all of them stops the process for half a minute."""
    arguments = Counted({f"argument_{number}": number for number in range(50_000)})

    listed = display.readings(arguments, {}, ("argument_400",), 5)

    assert [each.name for each in listed][:2] == ["argument_400", "argument_0"]
    assert len(listed) == 5
    assert arguments.seen < 50
    assert display.number_of_readings(arguments) == 50_000
