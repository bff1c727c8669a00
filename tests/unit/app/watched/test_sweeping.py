"""A sweep is told of at its end, whether it got to it or not."""

from __future__ import annotations

import pytest

from bot.app.watched.sweeping import sweep
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import SweepEnded
from tests.support.fakes.telemetry import Heard


async def test_a_whole_sweep_is_told_with_how_long_it_took() -> None:
    async def look() -> None:
        pass

    heard = Heard()

    assert await sweep(heard, "gateway", look)

    (ended,) = heard.of(SweepEnded)
    assert (ended.role, ended.cut_short, ended.error) == ("gateway", False, "")
    assert ended.seconds > 0


async def test_a_sweep_that_something_did_not_answer_is_cut_short() -> None:
    """By what: the error's class, and that of its cause. The next sweep goes on."""

    async def look() -> None:
        raise Unreachable("storage: alice's disk is full") from OSError("full")

    heard = Heard()

    assert not await sweep(heard, "worker", look)

    (ended,) = heard.of(SweepEnded)
    assert (ended.cut_short, ended.error) == (True, "Unreachable from OSError")


async def test_a_bug_in_a_sweep_is_raised() -> None:
    """And no sweep is told to have ended."""

    async def look() -> None:
        raise ValueError("bug")

    heard = Heard()

    with pytest.raises(ValueError, match="bug"):
        await sweep(heard, "worker", look)

    assert heard.facts == []
