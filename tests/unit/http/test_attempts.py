"""How wrong tokens slow an address down."""

from __future__ import annotations

from bot.http import attempts
from bot.http.attempts import FREE, LONGEST_PAUSE_SECONDS, Attempts


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(table: Attempts, times: int, address: str = "10.0.0.1") -> list[int]:
    """The pauses after each of these failures."""
    pauses = []
    for _ in range(times):
        table.failed(address)
        pauses.append(table.pause(address, "wrong"))
    return pauses


def test_the_first_failures_are_free_and_then_pauses_double() -> None:
    pauses = fail(Attempts(monotonic=Time()), FREE + 8)

    assert pauses == [0] * FREE + [1, 2, 4, 8, 16, 32, 60, 60]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_a_pause_ends() -> None:
    time = Time()
    table = Attempts(monotonic=time)
    fail(table, FREE + 3)

    time.now = 3.5
    assert table.pause("10.0.0.1", "wrong") == 1
    time.now = 4.0
    assert table.pause("10.0.0.1", "wrong") == 0


def test_a_token_that_was_valid_is_looked_at_all_the_same_until_it_is_not() -> None:
    table = Attempts(monotonic=Time())
    table.succeeded("10.0.0.1", "right")
    fail(table, FREE + 1)

    assert table.pause("10.0.0.1", "right") == 0
    assert table.pause("10.0.0.2", "wrong") == 0
    table.forget("10.0.0.1", "right")
    assert table.pause("10.0.0.1", "right") == 1


def test_failures_are_forgotten_after_a_while() -> None:
    time = Time()
    table = Attempts(monotonic=time)
    fail(table, FREE + 5)

    time.now = attempts.FORGOTTEN_AFTER_SECONDS + 1

    assert fail(table, 1) == [0]


def test_a_network_of_version_6_is_one_address() -> None:
    table = Attempts(monotonic=Time())
    fail(table, FREE + 1, "2001:db8:1:2::1")

    assert table.pause("2001:db8:1:2:ffff::9", "wrong") == 1
    assert table.pause("2001:db8:1:3::1", "wrong") == 0


def test_what_is_kept_is_bounded() -> None:
    table = Attempts(monotonic=Time())

    for number in range(attempts.MAX_ADDRESSES + 10):
        table.failed(f"host-{number}")
        table.succeeded(f"host-{number}", "right")

    assert len(table._failures) == attempts.MAX_ADDRESSES
    assert len(table._known) == attempts.MAX_KNOWN
