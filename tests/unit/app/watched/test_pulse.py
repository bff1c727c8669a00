"""The beat that shows how late an event loop is."""

from __future__ import annotations

import asyncio
import errno
import time

import pytest

from bot.app.watched import pulse
from bot.app.watched.pulse import beating
from bot.telemetry.metrics import Metrics
from bot.telemetry.stream import Stream
from tests.support.starter import WAIT


async def test_a_loop_that_was_blocked_says_so_and_lanes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "SECONDS", 0.01)
    metrics, beats = Metrics(), asyncio.Event()

    def lanes() -> dict[str, int]:
        beats.set()
        return {"delivery": 2}

    async with beating(Stream(sinks=[metrics]), lanes):
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - what a graph should not do
        await beats.wait()

    lag = metrics.registry.get_sample_value("countersign_loop_lag_seconds")
    assert lag is not None
    assert lag >= 0.1
    assert metrics.registry.get_sample_value("countersign_lane_depth", {"lane": "delivery"}) == 2


async def test_a_beat_that_cannot_be_kept_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the process ends in order."""
    monkeypatch.setattr(pulse, "SECONDS", 0.001)
    metrics, tries, tried = Metrics(), 0, asyncio.Event()

    def full(**_: object) -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            tried.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(metrics, "pulse", full)

    async with beating(Stream(sinks=[metrics]), dict), asyncio.timeout(WAIT):
        await tried.wait()

    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_process_without_metrics_does_not_beat() -> None:
    def lanes() -> dict[str, int]:
        raise AssertionError

    async with beating(Stream(sinks=[]), lanes):
        pass
