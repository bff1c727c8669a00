"""The beat that shows how late an event loop is."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.app import pulse
from bot.app.pulse import beating
from bot.telemetry.metrics import Metrics
from bot.telemetry.stream import Stream


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


async def test_a_process_without_metrics_does_not_beat() -> None:
    def lanes() -> dict[str, int]:
        raise AssertionError

    async with beating(Stream(sinks=[]), lanes):
        pass
