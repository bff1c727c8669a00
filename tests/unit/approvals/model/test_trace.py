"""The `traceparent` of a program."""

from __future__ import annotations

import pytest

from bot.approvals.model.trace import trace_of

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_traceparent_is_kept() -> None:
    """A header of the standard's form is where the program's own span is found."""
    assert trace_of(GIVEN) == GIVEN


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "ff" + GIVEN[2:],
        GIVEN.upper(),
        GIVEN + "-more",
        GIVEN + "\n",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
    ],
)
def test_what_is_no_traceparent_is_ignored(header: str | None) -> None:
    """A malformed header names no trace."""
    assert trace_of(header) is None
