"""Forked processes: what goes over their channels, how they end, and that none outlives its parent."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from bot.runtime.children import ended_by
from tests.unit.runtime.running import is_gone, printed, program


def test_words_go_both_ways_in_order_until_one_end_is_gone() -> None:
    assert printed("talk") == ["[1, 2, 3]", "gone"]


def test_a_child_learns_that_its_parent_has_closed_the_channel_though_its_brother_lives() -> None:
    """The brother, which was forked later, must not keep the parent's end open."""
    said = printed("closed")

    assert [line for line in said if not line.startswith("up")] == ["gone"]


def test_a_message_that_is_too_large_is_lost_whole() -> None:
    """In parts it could not be read, which would end the one who reads."""
    said = printed("large")

    assert "['small']" in said
    assert any("is too large and is not sent" in line for line in said)


def test_how_a_child_ended_is_said() -> None:
    said = [line for line in printed("ends") if line[0].isdigit() or line[0] == "-"]

    assert said == [
        "0 exited with code 0",
        "3 exited with code 3",
        "1 exited with code 1",
        "1 exited with code 1",
        f"-{int(signal.SIGSEGV)} was killed by SIGSEGV",
    ]


def test_what_a_child_raises_is_printed() -> None:
    assert "ValueError: a bug" in printed("ends")


def test_a_signal_without_a_name_has_a_number() -> None:
    assert ended_by(-200) == "was killed by signal 200"


def test_a_child_has_its_own_group_only_if_it_is_to() -> None:
    assert printed("groups") == ["True False", "False True"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the end of the channel tells")
def test_no_child_outlives_its_parent_that_was_killed() -> None:
    with program("orphan") as parent:
        children = [int(line.split()[1]) for line in parent.lines(2)]
        watches = [os.pidfd_open(pid) for pid in children]

        parent.send(signal.SIGKILL)

        assert all(is_gone(watch) for watch in watches)
    for watch in watches:
        os.close(watch)


def test_a_process_is_woken_by_signals_and_by_the_end_of_a_child_that_does_not_inherit_their_handlers() -> None:
    with program("woken") as parent:
        parent.until("up")
        parent.send(signal.SIGTERM)

        assert parent.rest() == ["heard", "was killed by SIGTERM"]
        assert parent.code() == 0
