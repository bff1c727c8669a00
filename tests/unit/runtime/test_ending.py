"""A process that is asked to end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from bot.runtime import process
from bot.runtime.process import Ending


@pytest.fixture
def handlers() -> Iterator[None]:
    """The handlers of before, given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_signal_that_comes_after_the_loop_was_closed_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that cannot start says why after its loop has ended, and may be asked to end meanwhile."""
    limits: list[float] = []
    monkeypatch.setattr(process, "within", lambda seconds, _: limits.append(seconds))  # it would end this process

    async def listened() -> None:
        Ending(5.0).listen()

    asyncio.run(listened())

    os.kill(os.getpid(), signal.SIGTERM)

    assert limits == [5.0]
